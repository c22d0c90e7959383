"""The contract from the outside: a real server on a real socket, on every storage engine."""
