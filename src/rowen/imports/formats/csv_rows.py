"""Records from a CSV file.

Owns the splitting into rows and cells, with line numbers, in constant memory. Must not know where blocks come from, or
what the columns mean.
"""

import csv
import re
from collections import Counter
from typing import Final

import msgspec

from rowen.imports.formats.csv_cells import UTF8_MARK
from rowen.imports.formats.csv_tables import Table, TableError, choose_table, is_header, read_header
from rowen.imports.formats.envelopes import INVALID_UTF8, LABEL_LIMIT, bounded, is_utf8, oversize
from rowen.imports.items import LARGEST_RECORD, Batch, Item, SourceFault, SourceRecord

LARGEST_ROW: Final = 2 * LARGEST_RECORD
"""The largest row, in bytes: the largest record with each of its quotes doubled."""

_DELIMITERS: Final = (",", ";", "\t")
_SEPARATOR_LINE: Final = re.compile(r"\"?sep=([,;\t|])\"?\s*", re.IGNORECASE)
"""The line that Excel writes and reads before the first row, to name the separator of cells."""


def starts_table(text: bytes) -> bool:
    """Return whether text begins with a row that names columns: CSV is recognised whatever the file's name is."""
    line, found, _ = text.partition(b"\n")
    if not found and len(line) > LARGEST_ROW:
        return False
    try:
        row = line.decode()
        return bool(_SEPARATOR_LINE.fullmatch(row)) or is_header(read_header(_cells(row, _delimiter(row))))
    except (UnicodeDecodeError, csv.Error):
        return False


class CsvSplitter:
    """Takes a CSV file block by block and returns the records of the rows that are complete.

    The first row names the columns, and thereby decides what the records are (`csv_tables`); `resource` is the resource
    that the user named. `line` is the number of the line on which the next row begins. Cells are separated by commas,
    semicolons or tabs.
    """

    def __init__(self, name: str, skipped: Counter[str], first_line: int = 1, resource: str | None = None) -> None:
        self.line = first_line
        self._name = name
        self._passed_over = skipped
        self._resource = resource
        self._delimiter: str | None = None
        self._header: list[str] = []
        self._table: Table | None = None
        self._lines: list[bytes] = []  # of the row that is not complete yet
        self._size = 0
        self._quoted = False
        self._carry: list[bytes] = []  # of the line that is not complete yet
        self._carry_size = 0
        self._broken = False
        csv.field_size_limit(LARGEST_ROW)  # a limit of the whole process; the limit on rows is the one that matters

    def feed(self, block: bytes) -> Batch:
        """Take the next bytes and return the records that they complete."""
        if self._broken:
            return []
        first, *lines = block.split(b"\n")
        items: Batch = []
        self._carry.append(first)
        self._carry_size += len(first)
        for line in lines:
            item = self._take(b"".join(self._carry) + b"\n")
            self._carry, self._carry_size = [line], len(line)
            if item is not None:
                items.append(item)
        if self._size + self._carry_size > LARGEST_ROW and not self._broken:
            items.append(self._end(self._oversize()))
        return items

    def finish(self) -> Batch:
        """Return the record that the end of the file completes: a last row without a line feed."""
        last, self._carry, self._carry_size = b"".join(self._carry), [], 0
        item = self._take(last) if last else None
        if any(line.strip() for line in self._lines) and not self._broken:
            return [self._end("the quotes that open in this row are never closed")]
        if self._table is None and item is None and not self._broken:
            self._passed_over["empty sources"] += 1
        return [] if item is None else [item]

    def _take(self, line: bytes) -> Item | None:
        """Add a line to the current row, and return the row's record if the line completes it."""
        if self._broken:
            return None
        self._lines.append(line)
        self._size += len(line)
        self._quoted ^= bool(line.count(b'"') % 2)
        if self._quoted:
            return None
        row = b"".join(self._lines)
        self._lines, self._size = [], 0
        first, self.line = self.line, self.line + row.count(b"\n")
        return self._item(first, row) if row.strip() else None

    def _item(self, line: int, row: bytes) -> Item | None:
        if self._table is None:
            row = row.removeprefix(UTF8_MARK)
            if not row.strip():
                return None
        if not is_utf8(row):
            message = f"{INVALID_UTF8}: save the file as CSV in UTF-8"
            return self._end(message, line) if self._table is None else SourceFault(self._name, line, message, row)
        text = row.decode()
        if self._table is None:
            return self._open(line, text)
        try:
            cells = _cells(text, self._delimiter or ",")
        except csv.Error as error:
            return SourceFault(self._name, line, _malformed(error, text), row)
        while len(cells) > len(self._header) and not cells[-1].strip():
            cells.pop()  # spreadsheets write empty columns, too
        if len(cells) != len(self._header):
            message = f"the row has {len(cells)} cells, and the first row of the file {len(self._header)}"
            return SourceFault(self._name, line, message, row)
        record = msgspec.json.encode(self._table.record(dict(zip(self._header, cells, strict=True))))
        if len(record) > LARGEST_RECORD:
            return SourceFault(self._name, line, oversize())
        return SourceRecord(self._name, line, record, resource=self._table.resource, by_email=self._table.by_email)

    def _open(self, line: int, text: str) -> Item | None:
        """Take the row that names the columns, or the one before it that names the separator."""
        if self._delimiter is None and (separator := _SEPARATOR_LINE.fullmatch(text)):
            self._delimiter = separator[1]
            return None
        if self._delimiter is None:
            self._delimiter = _delimiter(text)
        try:
            self._header = read_header(_cells(text, self._delimiter))
            self._table = choose_table(self._header, self._resource)
        except csv.Error as error:
            return self._end(_malformed(error, text), line)
        except TableError as error:
            return self._end(str(error), line)
        for name in self._header:
            if name not in self._table.columns and len(self._passed_over) < LABEL_LIMIT:
                self._passed_over[f'columns "{bounded(name)}"'] += 1
        return None

    def _oversize(self) -> str:
        if self._quoted:
            return f"the quotes that open in this row are not closed within {LARGEST_ROW // 1024**2} MiB"
        return f"the row is larger than {LARGEST_ROW // 1024**2} MiB"

    def _end(self, message: str, line: int | None = None) -> SourceFault:
        self._broken = True
        self._lines, self._size, self._carry, self._carry_size = [], 0, [], 0
        return SourceFault(self._name, self.line if line is None else line, message, final=True)


def _malformed(error: csv.Error, row: str) -> str:
    reason = str(error)
    if reason.startswith("new-line character"):  # the rest is about opening files in Python
        if "\r" in row.replace("\r\n", "\n"):
            reason = "there is a carriage return without a line feed; lines must end with a line feed"
        else:  # it looked like the first line of a cell with several lines
            reason = "there is a quote in the middle of a cell; enclose such a cell in quotes, and double those in it"
    return f"this is not a valid CSV row: {reason}"


def _cells(text: str, delimiter: str) -> list[str]:
    return [cell for row in csv.reader([text], delimiter=delimiter, strict=True) for cell in row]


def _delimiter(header: str) -> str:
    """Return the separator of most cells in the first row; names of columns contain none of the candidates."""
    return max(_DELIMITERS, key=header.count)
