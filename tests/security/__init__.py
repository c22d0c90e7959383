"""Tests of security: every route against every kind of caller."""
