"""What a source hands out: records as bytes, faults in their place, checkpoints of a server.

Owns the shapes between the reading of sources and their decoding. Must not know where bytes come from, nor
what an interview is.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Final, Protocol, TypeAlias

from msgspec import Struct

LARGEST_RECORD: Final = 4 * 1024 * 1024
"""How many bytes one record may have."""


def place(name: str, line: int, index: int) -> str:
    """Say where something stands: `file:line`, with the number of the record where lines do not tell."""
    return f"{name}{f':{line}' if line else ''}{f' (record {index})' if index else ''}"


class SourceRecord(Struct, frozen=True, gc=False):
    """One record as it stood in its source.

    `name` is the source's, of a server the page's address. `line` and `index` (the number of an array's
    element) count from 1; 0 says that there are no lines, or no array. `body` is a JSON object, taken out of
    its wrapper. It is UTF-8, but its JSON may still be broken: whoever decodes it reports that with
    `envelopes.describe_broken_json`.
    """

    name: str
    line: int
    body: bytes
    index: int = 0

    @property
    def place(self) -> str:
        """Where the record stands, for messages."""
        return place(self.name, self.line, self.index)


class SourceFault(Struct, frozen=True, gc=False):
    """A place in a source that is no record, with the reason.

    `line` is 0 where the fault is the whole source's. `body` holds the offending bytes where they are at
    hand, at most `LARGEST_RECORD`. `final` says that nothing behind it can be read; otherwise the source goes
    on with the next record.
    """

    name: str
    line: int
    message: str
    body: bytes = b""
    final: bool = False
    index: int = 0

    @property
    def place(self) -> str:
        """Where the fault stands, for messages."""
        return place(self.name, self.line, self.index)


class Checkpoint(Struct, frozen=True, gc=False):
    """How far a server was read: everything before this item has been handed out.

    `next_url` is the address of the next page, without credentials; None at the end.
    """

    next_url: str | None


Item: TypeAlias = SourceRecord | SourceFault | Checkpoint
Batch: TypeAlias = list[Item]


class Source(Protocol):
    """Where records come from. Its `name` is the same whenever it is opened, and holds no credentials."""

    @property
    def name(self) -> str:
        """How messages call the source."""
        ...

    @property
    def size(self) -> int | None:
        """How many bytes it has, as stored; None where that is unknown."""
        ...

    @property
    def resource(self) -> str | None:
        """What all of its records are, by its name in a URL (`users`); None where their shapes have to tell."""
        ...

    @property
    def rereadable(self) -> bool:
        """Whether `batches()` may be called again for the same records."""
        ...

    @property
    def passed_over(self) -> Counter[str]:
        """What the last reading left out on purpose, counted by what it is."""
        ...

    @property
    def position(self) -> int:
        """How many bytes have been read, in the measure of `size`."""
        ...

    def batches(self) -> Iterator[Batch]:
        """Hand out the records in order, some hundreds at a time, in constant memory. Raises SourceError."""
        ...
