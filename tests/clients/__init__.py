"""Clients from the wild, unmodified but for the base URL."""
