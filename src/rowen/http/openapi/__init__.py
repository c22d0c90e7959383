"""The OpenAPI 3.1 description of the API, made from the tables and types that the API is made of."""

from rowen.http.openapi.document import openapi_document

__all__ = ["openapi_document"]
