"""Unit tests, in folders that mirror those of the code."""
