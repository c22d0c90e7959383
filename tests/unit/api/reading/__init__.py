"""Unit tests of `rowen.api.reading`."""
