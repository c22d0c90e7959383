"""The operations of Harvest v3."""

from typing import Final

from rowen.api.v3 import interviews
from rowen.api.v3.empty_lists import operations_without_rows
from rowen.api.v3.lists import LISTS
from rowen.api.v3.rows import operations_with_rows
from rowen.app.rows import HELD

OPERATIONS: Final = (
    *(
        operation
        for name, declared in LISTS.items()
        for operation in (operations_with_rows if name in HELD else operations_without_rows)(declared)
    ),
    *interviews.OPERATIONS,
)
