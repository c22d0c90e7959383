"""Who may do what: every route against every kind of caller."""
