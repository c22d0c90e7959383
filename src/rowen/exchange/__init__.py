"""Records in files and from other servers: reading sources, writing exports."""
