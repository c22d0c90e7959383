"""The file formats of records: JSON, JSON Lines, CSV, and the envelopes of other tools."""
