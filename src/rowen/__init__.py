"""Rowen: the interview schedule of a hiring team, self-hosted, speaking the Harvest API."""

__version__ = "0.1.0"
