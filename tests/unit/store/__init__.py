"""Unit tests of `rowen.store`."""
