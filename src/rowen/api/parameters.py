"""Parameters of operations, as a handler declares them.

Owns the shape of a declaration, for parameters in paths, query strings and headers alike. Must not know operations, or
how a document describes them.
"""

from dataclasses import dataclass
from typing import Any

from rowen.api.schemas import IDENTIFIER, Json


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: its name, what it is for, and the JSON Schema of its value.

    `default` is the value where a client leaves it out, `example` one that documents show; None for neither.
    """

    name: str
    description: str
    schema: Json
    required: bool = False
    example: Any = None
    default: Any = None


def path_id(resource: str, example: int, name: str = "id") -> Parameter:
    """Return the id of a resource, such as `job stage`, in a path."""
    return Parameter(name, f"The id of the {resource}", IDENTIFIER, required=True, example=example)
