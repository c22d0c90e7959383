"""Exporting: interviews written to a file or a pipe.

Owns the formats. Must not know which interviews are exported, or where the bytes go.
"""

import csv
import io
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import tzinfo
from enum import StrEnum
from typing import Any

import msgspec

from rowen.imports.formats.csv_cells import UTF8_MARK
from rowen.imports.formats.csv_interviews import COLUMNS, SPREADSHEET_COLUMNS, row_of, spreadsheet_row_of


class Format(StrEnum):
    """How an export is written."""

    JSONL = "jsonl"
    JSON = "json"
    CSV = "csv"


Batches = AsyncIterator[list[bytes]]
Write = Callable[[bytes], object]


async def write_export(batches: Batches, form: Format, write: Write) -> int:
    """Write every document, and return their number. JSON and JSON Lines contain them byte for byte.

    In CSV a row is an interview, with its interviewers as one cell of JSON: importing it gives the same documents.
    """
    writers = {Format.JSONL: _json_lines, Format.JSON: _json, Format.CSV: _csv}
    return await writers[form](batches, write)


async def _json_lines(batches: Batches, write: Write) -> int:
    count = 0
    async for batch in batches:
        count += len(batch)
        write(b"\n".join(batch) + b"\n")
    return count


async def _json(batches: Batches, write: Write) -> int:
    count = 0
    write(b"[")
    async for batch in batches:
        write((b",\n" if count else b"\n") + b",\n".join(batch))
        count += len(batch)
    write(b"\n]\n")
    return count


async def _csv(batches: Batches, write: Write) -> int:
    return await _table(batches, write, COLUMNS, row_of)


async def write_spreadsheet(batches: Batches, zone: tzinfo, write: Write) -> int:
    """Write a CSV table for a spreadsheet program, times in `zone`, and return the number of interviews.

    The byte-order mark makes Excel read it as UTF-8.
    """
    write(UTF8_MARK)
    return await _table(batches, write, SPREADSHEET_COLUMNS, lambda document: spreadsheet_row_of(document, zone))


async def _table(batches: Batches, write: Write, columns: Sequence[str], row: Callable[[Any], list[str]]) -> int:
    count = 0
    write(_csv_rows([columns]))
    async for batch in batches:
        count += len(batch)
        write(_csv_rows([row(msgspec.json.decode(document)) for document in batch]))
    return count


def _csv_rows(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
