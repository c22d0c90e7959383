"""Pages for people: the schedule in a browser, rendered by the server."""
