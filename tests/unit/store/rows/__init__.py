"""Unit tests of `rowen.store.rows`."""
