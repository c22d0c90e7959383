"""Loading records: from a source's bytes to merged interviews and other records."""
