"""What a source yields: records as bytes, faults in their place, checkpoints of a server.

Owns the types between the reading of sources and their decoding. Must not know where bytes come from, nor what an
interview is.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Final, Protocol, TypeAlias

from msgspec import Struct

LARGEST_RECORD: Final = 4 * 1024 * 1024
"""The largest record, in bytes."""


def place(name: str, line: int, index: int) -> str:
    """Return a place as `file:line`, with the number of the record if lines do not identify it."""
    return f"{name}{f':{line}' if line else ''}{f' (record {index})' if index else ''}"


class SourceRecord(Struct, frozen=True, gc=False):
    """One record as it was in its source.

    `name` is the source's; for a server, the page's address. `line` and `index` (the number of an array's element)
    count from 1; 0 means that there are no lines, or no array. `body` is a JSON object without its wrapper. It is
    UTF-8, but its JSON may still be broken: the decoder reports that with `envelopes.describe_broken_json`. `resource`
    is the record's resource, by its name in a URL, if the source states it; None leaves it to the record's shape.
    `by_email` means that the record is a user's without an id, whom the e-mail address identifies.
    """

    name: str
    line: int
    body: bytes
    index: int = 0
    resource: str | None = None
    by_email: bool = False

    @property
    def place(self) -> str:
        """The place of the record, for messages."""
        return place(self.name, self.line, self.index)


class SourceFault(Struct, frozen=True, gc=False):
    """A place in a source that is not a record, with the reason.

    `line` is 0 if the whole source is at fault. `body` holds the offending bytes if they are available, at most
    `LARGEST_RECORD`. `final` means that nothing after it can be read; otherwise the source continues with the next
    record.
    """

    name: str
    line: int
    message: str
    body: bytes = b""
    final: bool = False
    index: int = 0

    @property
    def place(self) -> str:
        """The place of the fault, for messages."""
        return place(self.name, self.line, self.index)


class Checkpoint(Struct, frozen=True, gc=False):
    """The position in a server: everything before this item has been yielded.

    `next_url` is the address of the next page, without credentials; None at the end.
    """

    next_url: str | None


Item: TypeAlias = SourceRecord | SourceFault | Checkpoint
Batch: TypeAlias = list[Item]


class Source(Protocol):
    """Where records come from. Its `name` is the same each time it is opened, and contains no credentials."""

    @property
    def name(self) -> str:
        """The name of the source in messages."""
        ...

    @property
    def size(self) -> int | None:
        """Its size as stored, in bytes; None if unknown."""
        ...

    @property
    def resource(self) -> str | None:
        """The resource of all its records, by its name in a URL (`users`); None leaves it to their shapes."""
        ...

    @property
    def rereadable(self) -> bool:
        """Whether `batches()` may be called again for the same records."""
        ...

    @property
    def skipped(self) -> Counter[str]:
        """The values that the last reading skipped on purpose, counted by kind."""
        ...

    @property
    def position(self) -> int:
        """How much has been read, in bytes as stored."""
        ...

    def batches(self) -> Iterator[Batch]:
        """Yield the records in order, some hundreds at a time, in constant memory. Raises SourceError."""
        ...
