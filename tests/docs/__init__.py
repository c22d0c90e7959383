"""The documentation, run and compared."""
