"""Tests of concurrency: what stays true while others write."""
