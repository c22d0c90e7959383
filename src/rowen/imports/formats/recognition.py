"""Recognising the format of records, by the name of a file and by its first bytes.

Owns the choice of the splitter. Must not know where bytes come from, or what a record is.
"""

import re
from collections import Counter
from collections.abc import Iterator
from enum import Enum, auto
from typing import Final, NamedTuple, Protocol

from rowen.imports.errors import StreamBrokenError
from rowen.imports.formats.csv_cells import UTF8_MARK
from rowen.imports.formats.csv_rows import CsvSplitter, starts_table
from rowen.imports.formats.json_array import ArraySplitter
from rowen.imports.formats.json_lines import LineSplitter
from rowen.imports.items import Batch

_CSV: Final = ".csv"
_WHITE: Final = b" \t\r\n"
_LONGEST_START: Final = 128 * 1024  # bytes read in search of the first record
_object_line: Final = re.compile(rb"^[ \t\r]*\{", re.MULTILINE)
_lone_brace: Final = re.compile(rb"\{[ \t\r]*(?:\n|\Z)")


class Splitter(Protocol):
    """Takes a file block by block, and returns its records; `line` is the number of the line that it has reached."""

    line: int

    def feed(self, block: bytes) -> Batch:
        """Return the records that are complete with this block."""
        ...

    def finish(self) -> Batch:
        """Return the rest at the end of the file."""
        ...


class _Form(Enum):
    """How records are laid out in a file."""

    LINES = auto()
    """One JSON object on each line."""
    ARRAY = auto()
    """One JSON array."""
    OBJECTS = auto()
    """JSON objects over several lines each, one after the other."""
    TABLE = auto()
    """CSV: a first row that names columns, and a record on each of the others."""
    EMPTY = auto()
    """Nothing but white space."""


class _Opened(NamedTuple):
    """A stream whose form is known: the form, its blocks, and the number of the line with which they begin."""

    form: _Form
    blocks: Iterator[bytes]
    first_line: int


def open_splitter(
    blocks: Iterator[bytes], name: str, skipped: Counter[str], resource: str | None
) -> tuple[Splitter, Iterator[bytes]]:
    """Return the splitter for a file that begins with these blocks, and all its blocks. Raises StreamBrokenError.

    A file whose name ends in `.csv` or `.csv.gz` is a CSV table; all others are recognised by their content.
    """
    if name.lower().removesuffix(".gz").endswith(_CSV):
        return CsvSplitter(name, skipped, resource=resource), blocks
    form, blocks, first_line = _open(blocks)
    if form is _Form.TABLE:
        return CsvSplitter(name, skipped, first_line, resource), blocks
    if form in (_Form.ARRAY, _Form.OBJECTS):
        return ArraySplitter(name, skipped, first_line, bracketed=form is _Form.ARRAY), blocks
    if form is _Form.EMPTY:
        skipped["empty sources"] += 1
    return LineSplitter(name, skipped, first_line), blocks


def _open(blocks: Iterator[bytes]) -> _Opened:
    """Return the form of a stream that begins with these blocks. Raises StreamBrokenError for an unknown form."""
    line, start, text = 1, b"", b""
    for block in blocks:
        start = (start + block).removeprefix(UTF8_MARK) if line == 1 else start + block
        text = start.lstrip(_WHITE)
        if text and (b"\n" in text or len(start) > _LONGEST_START):
            break
        if not text and len(start) > _LONGEST_START:
            line, start = line + start.count(b"\n"), b""
    if not text:
        return _Opened(_Form.EMPTY, iter(()), line)
    if text.startswith(b"["):
        return _Opened(_Form.ARRAY, _chain(start, blocks), line)
    if _lone_brace.match(text):
        return _Opened(_Form.OBJECTS, _chain(start, blocks), line)
    if not text.startswith(b"{") and starts_table(text):
        return _Opened(_Form.TABLE, _chain(start, blocks), line)
    if not text.startswith(b"{"):
        start = _look_for_objects(start, blocks)
    return _Opened(_Form.LINES, _chain(start, blocks), line)


def _look_for_objects(start: bytes, blocks: Iterator[bytes]) -> bytes:
    """Return all that was read in search of a first object. Raises StreamBrokenError if there is none."""
    while not _object_line.search(start):
        block = next(blocks, b"")
        if not block or len(start) > _LONGEST_START:
            raise StreamBrokenError(
                "this is neither a JSON array (beginning with [) nor JSON Lines (each line beginning with {), nor CSV "
                "(a first row that names the columns, one of them `id`)"
            )
        start += block
    return start


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest
