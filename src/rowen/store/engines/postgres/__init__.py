"""The engine on a PostgreSQL server."""
