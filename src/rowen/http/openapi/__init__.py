"""The OpenAPI 3.1 document of the API, generated from its tables and types."""

from rowen.http.openapi.document import openapi_document

__all__ = ["openapi_document"]
