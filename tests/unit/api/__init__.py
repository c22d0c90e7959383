"""Unit tests of `rowen.api`."""
