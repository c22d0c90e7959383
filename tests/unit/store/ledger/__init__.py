"""Unit tests of `rowen.store.ledger`."""
