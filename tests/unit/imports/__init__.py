"""Unit tests of `rowen.imports`."""
