"""The commands, each run as a process."""
