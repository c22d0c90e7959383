"""Tests of `rowen.polling`."""
