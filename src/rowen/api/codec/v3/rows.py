"""What all rows of Harvest v3 have in common.

Owns their JSON, the times and ids of rows that have none of their own, and how values are taken out of documents. Must
not know a list.
"""

from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from typing import Any, Final

import msgspec

from rowen.app.records import RecordRow
from rowen.app.rows import Row

encoder: Final = msgspec.json.Encoder()


def encode(rows: Sequence[Row]) -> bytes:
    """Return rows as one JSON array."""
    return encoder.encode(rows)


def times(created_at: str | None, updated_at: str | None, made: str) -> tuple[str, str]:
    """Return the times of creation and change, which every row has: one stands for the other, `made` for both."""
    return created_at or updated_at or made, updated_at or created_at or made


Json = Any
"""A value of a document, of whatever shape."""

Times = tuple[str, str]
"""When a row was created and changed."""

Make = Callable[[RecordRow, Json, Times], Iterator[Any]]
"""Makes the rows that follow from a record: the record, its document, and its times."""


class ListOfRecords(msgspec.Struct, frozen=True):
    """A list whose rows follow from records: the type of its rows, and how they are made.

    `created` and `updated` name the fields of documents that hold their times.
    """

    kind: type[msgspec.Struct]
    make: Make
    created: str = "created_at"
    updated: str = "updated_at"


def derived_id(list_name: str, *parts: int | str) -> int:
    """Return a positive id of 53 bits that follows from what a row is."""
    text = "\0".join(map(str, (list_name, *parts)))
    return (int.from_bytes(blake2b(text.encode(), digest_size=8).digest()) >> 11) or 1


def id_of(value: Json) -> int | None:
    """Return the id in an object; None if it is none, or has none."""
    found = value.get("id") if isinstance(value, dict) else None
    return found if isinstance(found, int) else None


def ids_of(value: Json) -> list[int]:
    """Return the ids of the objects in an array."""
    return [found for each in list_of(value) if (found := id_of(each)) is not None]


def list_of(value: Json) -> list[Any]:
    """Return an array; an empty one for anything else."""
    return value if isinstance(value, list) else []


def text_of(value: Json) -> str | None:
    """Return a text; None for anything else."""
    return value if isinstance(value, str) else None
