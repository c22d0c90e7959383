"""The integrity of a database: checks and repairs."""
