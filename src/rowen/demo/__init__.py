"""The demo: its key, and a year in the life of a hiring team."""
