"""JSON Schema (2020-12) of the values that clients send and get.

Owns the schemas that more than one reader or parameter shares, and how they are put together. Must not know
operations, or how a document describes them.
"""

from typing import Any, Final

from rowen.interviews.interview import LARGEST_ID

Json = dict[str, Any]

LARGEST_INTEGER: Final = 2**63 - 1
"""The largest revision and page number."""

IDENTIFIER: Final[Json] = {"type": "integer", "minimum": 1, "maximum": LARGEST_ID}
REVISION: Final[Json] = {"type": "integer", "minimum": 0, "maximum": LARGEST_INTEGER}
TEXT: Final[Json] = {"type": "string"}
FLAG: Final[Json] = {"type": "boolean"}
DATE: Final[Json] = {"type": "string", "format": "date"}
TIME: Final[Json] = {"anyOf": [{"type": "string", "format": "date-time"}, DATE]}


def closed(properties: Json, *optional: str) -> Json:
    """Return the schema of an object with these properties and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def nullable(schema: Json) -> Json:
    """Return a schema that also accepts null."""
    return {"anyOf": [schema, {"type": "null"}]}
