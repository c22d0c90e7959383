"""Unit tests of `rowen.webhooks`."""
