"""The operations of the API, by what their callers authenticate with."""

from typing import Final

from rowen.api.generations import Generation
from rowen.api.operations import OPERATIONS

WITH_KEYS: Final = tuple(
    operation for operation in OPERATIONS if operation.generation is Generation.V1 and not operation.secret_path
)
"""The operations that take API keys."""

WITH_TOKENS: Final = tuple(operation for operation in OPERATIONS if operation.generation is Generation.V3)
"""The operations that take bearer tokens."""
