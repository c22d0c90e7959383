"""Interviews as rows of a CSV file, and rows as interviews.

Owns the columns of both tables that `rowen export` writes: the one that can be imported again, which holds all of a
document, and the one for spreadsheets, which is for people. Must not know files, or how cells are separated.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final

import msgspec

from rowen.imports.formats.csv_cells import escape, unescape
from rowen.interviews.moments import Instant

Json = dict[str, Any]

_ORGANIZER_TEXTS: Final = ("name", "first_name", "last_name", "employee_id")

COLUMNS: Final = (
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
    "organizer_first_name",
    "organizer_last_name",
    "organizer_employee_id",
    "interviewers",
)
"""The columns of a table that holds interviews without loss."""

WAREHOUSE_COLUMNS: Final = (
    *COLUMNS[: COLUMNS.index("interview_id")],
    "interview",
    "organizer",
    "interviewers",
)
"""The columns of a warehouse's table: the fields of a document, those that are objects or lists as JSON."""

SPREADSHEET_COLUMNS: Final = (
    "id",
    "application_id",
    "external_event_id",
    "start_date",
    "start_time",
    "end_date",
    "end_time",
    "location",
    "video_conferencing_url",
    "status",
    "interview",
    "organizer",
    "interviewers",
    "created_date",
    "created_time",
    "updated_date",
    "updated_time",
)
"""The columns of a table for spreadsheets: names in place of ids, so that it cannot be imported.

Dates and times have separate columns, as no combined form is recognised by both Excel and LibreOffice by default: Excel
takes `2024-03-26 22:15` for a time, and LibreOffice `2024-03-26T22:15:00`. Both take `2024-03-26` for a date.
"""

_NO_ID: Final = "null"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def row_of(document: Json) -> list[str]:
    """Return the cells of an interview, in the order of `COLUMNS`. `record_of` returns the document again."""
    interview, organizer = document["interview"], document["organizer"]
    return [
        str(document["id"]),
        str(document["application_id"]),
        _cell(document["external_event_id"]),
        _moment(document["start"]),
        _moment(document["end"]),
        _cell(document["location"]),
        _cell(document["video_conferencing_url"]),
        document["status"],
        document["created_at"] or "",
        document["updated_at"] or "",
        _identifier(interview),
        _cell((interview or {}).get("name")),
        _identifier(organizer),
        *(_cell((organizer or {}).get(name)) for name in _ORGANIZER_TEXTS),
        escape(msgspec.json.encode(document["interviewers"]).decode()),
    ]


def record_of(cells: Mapping[str, str]) -> Json:
    """Return the record in the cells of a row, by column; a missing column counts as empty.

    A value that cannot be read stays text: the check of the record reports the field and the value.
    """

    def text(name: str) -> str | None:
        return _text(cells.get(name, ""))

    def bare(name: str) -> str:
        return cells.get(name, "").strip()

    # In the order of a document: a record in its stored form needs no search for unknown fields.
    return {
        "id": integer(bare("id")),
        "application_id": integer(bare("application_id")),
        "external_event_id": text("external_event_id"),
        "start": _ends(bare("start")),
        "end": _ends(bare("end")),
        "location": text("location"),
        "video_conferencing_url": text("video_conferencing_url"),
        "status": bare("status") or None,
        "created_at": bare("created_at") or None,
        "updated_at": bare("updated_at") or None,
        "interview": _object(cells, "interview", ("name",)),
        "organizer": _object(cells, "organizer", ("first_name", "last_name", "name", "employee_id")),
        "interviewers": _json(unescape(bare("interviewers"))),
    }


def warehouse_record_of(cells: Mapping[str, str]) -> Json:
    """Return the record in the cells of a row of a warehouse's table, by column."""
    parts = {name: cells.get(name, "").strip() for name in ("interview", "organizer")}
    return record_of(cells) | {name: _json(unescape(text)) if text else None for name, text in parts.items()}


def spreadsheet_row_of(document: Json, zone: tzinfo) -> list[str]:
    """Return the cells of an interview, in the order of `SPREADSHEET_COLUMNS`, with times in `zone`."""
    interview, organizer = document["interview"] or {}, document["organizer"] or {}
    return [
        str(document["id"]),
        str(document["application_id"]),
        _shown(document["external_event_id"]),
        *_local(document["start"], zone),
        *_local(document["end"], zone),
        _shown(document["location"]),
        _shown(document["video_conferencing_url"]),
        document["status"],
        _shown(interview.get("name")),
        _shown(_name(organizer)),
        _shown(", ".join(_name(each) for each in document["interviewers"])),
        *_local_time(document["created_at"], zone),
        *_local_time(document["updated_at"], zone),
    ]


def integer(text: str) -> int | str | None:
    """Return a whole number, the text if it is not one, or None for an empty cell."""
    if not text:
        return None
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else text


def _cell(text: str | None) -> str:
    return "" if text is None else escape(text)


def _text(cell: str) -> str | None:
    return unescape(cell) if cell else None


def _moment(moment: Mapping[str, str]) -> str:
    return moment.get("date_time") or moment["date"]


def _ends(cell: str) -> Any:
    """Return one end of an interview: the date of an all-day interview, or else a time; or what it is as JSON."""
    if not cell:
        return None
    if cell.startswith("{"):
        return _json(cell)
    return {"date": cell} if len(cell) == len("2024-03-26") and cell.count("-") == 2 else {"date_time": cell}


def _identifier(part: Json | None) -> str:
    if part is None:
        return ""
    return _NO_ID if part["id"] is None else str(part["id"])


def _object(cells: Mapping[str, str], name: str, texts: tuple[str, ...]) -> Json | None:
    """Return a part of an interview that has columns of its own, or None if all of them are empty."""
    identifier = cells.get(f"{name}_id", "").strip()
    found = {text: _text(cells.get(f"{name}_{text}", "")) for text in texts}
    if not identifier and not any(value is not None for value in found.values()):
        return None
    return {"id": None if identifier == _NO_ID else integer(identifier), **found}


def _json(text: str) -> Any:
    """Return the value of a cell of JSON, or its text if it is not JSON."""
    if not text:
        return []
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return text
    return msgspec.Raw(text.encode())


def _shown(text: str | None) -> str:
    """Return text for people: no text and empty text look the same."""
    return escape(text) if text else ""


def _name(person: Mapping[str, Any]) -> str:
    """Return a person's name, as far as it is known."""
    parts = [part for part in (person.get("first_name"), person.get("last_name")) if part]
    identifier = person.get("id")
    return (
        person.get("name")
        or " ".join(parts)
        or person.get("email")
        or ("" if identifier is None else f"user {identifier}")
    )


def _local(moment: Mapping[str, str], zone: tzinfo) -> tuple[str, str]:
    return _local_time(moment["date_time"], zone) if "date_time" in moment else (moment["date"], "")


def _local_time(text: str | None, zone: tzinfo) -> tuple[str, str]:
    """Return the date and the time of day, without fractions of a second."""
    if not text:
        return "", ""
    try:
        time = (_EPOCH + timedelta(milliseconds=Instant.parse(text))).astimezone(zone)
    except OverflowError:  # in another time zone the first and last representable hours are out of range
        return text, ""
    return time.date().isoformat(), time.time().isoformat("seconds" if time.second else "minutes")
