"""The order of commits: revisions, the log of changes, and waiting for commits."""
