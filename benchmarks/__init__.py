"""Rowen measured beside its peers, in one run, by one command: `make bench`."""
