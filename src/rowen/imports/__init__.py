"""Loading records: from a source's bytes to merged interviews, users, applications, job stages and scorecards."""
