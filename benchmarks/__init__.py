"""Benchmarks: one command, `make bench`, measures Rowen next to its peers in one run."""
