"""What the codec knows of one resource of records.

Owns the type of it. Must not know a single resource.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

Json = dict[str, Any]
Term = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Shape:
    """One resource: its fields, and its search columns.

    `marks` are the keys that distinguish a record from other resources. `created` and `updated` name the fields that
    hold its times. `status` and `terms` compute its other search columns from a complete document.
    """

    kind: type[msgspec.Struct]
    marks: frozenset[str]
    created: str
    updated: str
    status: Callable[[Json], str | None]
    terms: Callable[[Json], Iterator[Term]]
