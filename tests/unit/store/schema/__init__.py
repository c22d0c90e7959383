"""Unit tests of `rowen.store.schema`."""
