"""The client of a Rowen server."""
