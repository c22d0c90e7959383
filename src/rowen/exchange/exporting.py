"""Exporting: interviews written to a file or a pipe.

Owns the three formats. Must not know which interviews are wanted or where the bytes go.
"""

import csv
import io
from collections.abc import AsyncIterator, Callable
from enum import StrEnum
from typing import Any, Final

import msgspec


class Format(StrEnum):
    """How an export is written."""

    JSONL = "jsonl"
    JSON = "json"
    CSV = "csv"


Batches = AsyncIterator[list[bytes]]
Write = Callable[[bytes], object]

_COLUMNS: Final = (
    "id",
    "application_id",
    "external_event_id",
    "start",
    "end",
    "location",
    "video_conferencing_url",
    "status",
    "created_at",
    "updated_at",
    "interview_id",
    "interview_name",
    "organizer_id",
    "organizer_name",
    "interviewers",
)


async def write_export(batches: Batches, form: Format, write: Write) -> int:
    """Write every document, and return how many they were. JSON and JSON Lines hold them byte for byte.

    In CSV a row is an interview; its interviewers are one cell of JSON, so that nothing of them is lost.
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
    count = 0
    write(_csv_rows([_COLUMNS]))
    async for batch in batches:
        count += len(batch)
        write(_csv_rows([_row(msgspec.json.decode(document)) for document in batch]))
    return count


def _csv_rows(rows: list[Any]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _row(document: dict[str, Any]) -> list[Any]:
    interview, organizer = document["interview"] or {}, document["organizer"] or {}
    parts = {
        "start": _moment(document["start"]),
        "end": _moment(document["end"]),
        "interview_id": interview.get("id"),
        "interview_name": interview.get("name"),
        "organizer_id": organizer.get("id"),
        "organizer_name": organizer.get("name"),
        "interviewers": msgspec.json.encode(document["interviewers"]).decode(),
    }
    return [parts[name] if name in parts else document[name] for name in _COLUMNS]


def _moment(moment: dict[str, str]) -> str:
    return moment.get("date_time") or moment["date"]
