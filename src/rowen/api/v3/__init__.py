"""The operations of Harvest v3, a module for each resource that holds rows."""

from typing import Final

from rowen.api.v3.lists import LISTS
from rowen.api.v3.not_held import operations_without_rows

OPERATIONS: Final = tuple(operation for declared in LISTS.values() for operation in operations_without_rows(declared))
