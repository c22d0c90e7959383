"""The rows of Harvest v3, read from the tables of interviews, interviewers and records."""
