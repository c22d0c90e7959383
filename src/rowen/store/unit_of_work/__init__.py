"""The write transaction."""
