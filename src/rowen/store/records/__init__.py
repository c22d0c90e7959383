"""Users, applications, job stages and scorecards."""
