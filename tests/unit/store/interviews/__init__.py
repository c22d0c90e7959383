"""Unit tests of `rowen.store.interviews`."""
