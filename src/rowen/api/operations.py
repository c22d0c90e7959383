"""All operations of the API, as one table.

Owns their order: that of the documents that are made from it. Each operation is declared next to its handler. Must not
know how they work.
"""

from typing import Final

from rowen.api import rowen, v1, v2, v3
from rowen.api.declarations import Operation
from rowen.api.v1 import archive

OPERATIONS: Final[tuple[Operation, ...]] = (
    *v1.OPERATIONS,
    *v2.OPERATIONS,
    *rowen.OPERATIONS,
    *archive.OPERATIONS,
    *v3.OPERATIONS,
)
