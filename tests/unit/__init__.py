"""The rules from the inside, mirroring the house."""
