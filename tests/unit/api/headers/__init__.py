"""Unit tests of `rowen.api.headers`."""
