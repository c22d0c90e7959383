"""Users out of a CSV file.

Owns the cutting of rows, with line numbers, in constant memory, and the meaning of columns. Must not know where
blocks come from, or what a user's document must hold.
"""

import csv
import re
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import msgspec

from rowen.exchange.envelopes import INVALID_UTF8, LABEL_LIMIT, bounded, is_utf8, oversize
from rowen.exchange.records import LARGEST_RECORD, Batch, Item, SourceFault, SourceRecord
from rowen.exchange.streams import UTF8_MARK

_SEPARATORS: Final = re.compile(r"[;,]")
_BOOLEANS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def _addresses(text: str) -> list[str]:
    return [address for part in _SEPARATORS.split(text) if (address := part.strip())]


def _integer(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else text


def _boolean(text: str) -> bool | str:
    return _BOOLEANS.get(text.lower(), text)


# What cannot be read goes on as it is: whoever checks the record names the field and its value.
_COLUMNS: Final[dict[str, tuple[str, Callable[[str], Any]]]] = {
    "id": ("id", _integer),
    "email": ("primary_email_address", str),
    "emails": ("emails", _addresses),
    "disabled": ("disabled", _boolean),
    "site_admin": ("site_admin", _boolean),
    **{
        name: (name, str)
        for name in (
            "primary_email_address",
            "name",
            "first_name",
            "last_name",
            "employee_id",
            "created_at",
            "updated_at",
        )
    },
}


class CsvSplitter:
    """Takes a CSV file block by block and hands back the users of the rows that are complete.

    The first row names the columns, as the API names a user's fields; `email` is the primary address, and `emails`
    are separated by semicolons or commas. `line` is the number of the line that the next row begins on. Cells are
    separated by commas, or by semicolons where the first row has no comma.
    """

    def __init__(self, name: str, passed_over: Counter[str], first_line: int = 1) -> None:
        self.line = first_line
        self._name = name
        self._passed_over = passed_over
        self._delimiter = ","
        self._header: list[str] | None = None
        self._lines: list[bytes] = []  # of the row that is open
        self._size = 0
        self._quoted = False
        self._carry = b""
        self._broken = False

    def feed(self, block: bytes) -> Batch:
        """Take the next bytes and return what they complete."""
        lines = (self._carry + block).split(b"\n")
        self._carry = lines.pop()
        items = [item for line in lines if (item := self._take(line + b"\n")) is not None]
        if self._size + len(self._carry) > LARGEST_RECORD and not self._broken:
            items.append(self._end(oversize()))
        return [] if self._broken and not items else items

    def finish(self) -> Batch:
        """Return what the end of the file completes: a last row without its line feed."""
        last, self._carry = self._carry, b""
        item = self._take(last) if last else None
        if any(line.strip() for line in self._lines) and not self._broken:
            return [self._end("the quotes that open in this row are never closed")]
        return [] if item is None else [item]

    def _take(self, line: bytes) -> Item | None:
        """Add a line to the row that is open, and return the row's record if that ends it."""
        if self._broken:
            return None
        self._lines.append(line)
        self._size += len(line)
        self._quoted ^= bool(line.count(b'"') % 2)
        if self._quoted:
            return None
        row = self._finished_row()
        first, self.line = self.line, self.line + row.count(b"\n")
        return self._item(first, row) if row.strip() else None

    def _finished_row(self) -> bytes:
        row = b"".join(self._lines)
        self._lines, self._size, self._quoted = [], 0, False
        return row

    def _item(self, line: int, row: bytes) -> Item | None:
        if self._header is None:
            row = row.removeprefix(UTF8_MARK)
        if not is_utf8(row):
            return SourceFault(self._name, line, INVALID_UTF8, row)
        text = row.decode()
        if self._header is None:
            return self._open(line, text)
        try:
            cells = self._cells(text)
        except csv.Error as error:
            return SourceFault(self._name, line, f"this is no row of a CSV file: {error}", row)
        if len(cells) != len(self._header):
            message = f"the row has {len(cells)} cells, and the first row of the file {len(self._header)}"
            return SourceFault(self._name, line, message, row)
        return SourceRecord(self._name, line, msgspec.json.encode(_user(dict(zip(self._header, cells, strict=True)))))

    def _open(self, line: int, text: str) -> Item | None:
        """Take the row that names the columns."""
        self._delimiter = "," if "," in text else ";"
        try:
            self._header = [cell.strip().lower() for cell in self._cells(text)]
        except csv.Error as error:
            return self._end(f"this is no row of a CSV file: {error}", line)
        if "id" not in self._header:
            return self._end("the first row must name the columns, and one of them must be `id`", line)
        for name in self._header:
            if name not in _COLUMNS and len(self._passed_over) < LABEL_LIMIT:
                self._passed_over[f'columns "{bounded(name)}"'] += 1
        return None

    def _cells(self, text: str) -> list[str]:
        return [cell for row in csv.reader([text], delimiter=self._delimiter, strict=True) for cell in row]

    def _end(self, message: str, line: int | None = None) -> SourceFault:
        self._broken = True
        return SourceFault(self._name, self.line if line is None else line, message, final=True)


def _user(cells: dict[str, str]) -> dict[str, Any]:
    """Return a user's record: cells left blank say nothing, a whole name says its parts, too."""
    user = {
        _COLUMNS[name][0]: _COLUMNS[name][1](text.strip())
        for name, text in cells.items()
        if name in _COLUMNS and text.strip()
    }
    if "name" in user and "first_name" not in user and "last_name" not in user:
        first, _, last = user["name"].partition(" ")
        user |= {"first_name": first, "last_name": last.strip() or None}
    return user
