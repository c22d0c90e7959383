"""Unit tests of `rowen.app`."""
