"""Unit tests of `rowen.store.organizations`."""
