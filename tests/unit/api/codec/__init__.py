"""Unit tests of `rowen.api.codec`."""
