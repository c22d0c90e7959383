"""Unit tests of `rowen.imports.formats`."""
