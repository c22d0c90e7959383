"""The database engines: everything in which they differ is in this package."""
