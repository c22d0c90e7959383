"""The rules of the pages that need no server."""
