"""Telling: what it is made of."""
