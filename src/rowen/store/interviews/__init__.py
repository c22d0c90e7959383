"""Scheduled interviews: reading, merging, conflicts, adoption."""
