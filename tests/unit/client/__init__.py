"""Unit tests of `rowen.client`."""
