"""The API: its calls, the requests that they read, and the responses that they return."""
