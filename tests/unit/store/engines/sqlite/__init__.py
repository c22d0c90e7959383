"""Unit tests of `rowen.store.engines.sqlite`."""
