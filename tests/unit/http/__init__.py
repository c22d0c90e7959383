"""Unit tests of `rowen.http`."""
