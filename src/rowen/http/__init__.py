"""HTTP: the layers around every request, the endpoints and pages, OpenAPI, and the server with its workers."""
