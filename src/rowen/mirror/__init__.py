"""Mirroring an account of Harvest v3: reading it, joining its rows into v1 documents, and following its changes."""
