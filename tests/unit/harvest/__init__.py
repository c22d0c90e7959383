"""Unit tests of `rowen.harvest`."""
