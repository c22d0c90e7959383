"""Unit tests of `rowen.store.integrity`."""
