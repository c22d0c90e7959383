"""Unit tests of `rowen.mirror`."""
