"""Unit tests of `rowen.store.records`."""
