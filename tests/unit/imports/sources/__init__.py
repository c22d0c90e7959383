"""Unit tests of `rowen.imports.sources`."""
