"""Telling other systems: letters signed, addresses guarded, the outbox emptied."""
