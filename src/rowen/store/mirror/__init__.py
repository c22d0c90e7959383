"""Mirrors of accounts elsewhere: their state, and the rows that they hold."""
