"""Unit tests of `rowen.interviews`."""
