"""Unit tests of `rowen.demo`."""
