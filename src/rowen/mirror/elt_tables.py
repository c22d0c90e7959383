"""The normalized tables of ELT connectors, as rows of Harvest v3.

Owns the names of their files and columns: a table of interviews, one of interviewers, and those that hold names. Must
not know files, or what is made of rows.

Connectors divide an interview of v1 much as v3 does, with other names. Tables of interviewers have no ids, and those
that hold names have no times: what is made up for them is not seen in any document.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

INTERVIEWS: Final = "interviews"
INTERVIEWERS: Final = "interviewers"

TABLES: Final[Mapping[str, str]] = {
    "scheduled_interview": INTERVIEWS,
    "scheduled_interviews": INTERVIEWS,
    "scheduled_interviewer": INTERVIEWERS,
    "scheduled_interviewers": INTERVIEWERS,
    "interview": "job_interviews",
    "user": "users",
    "users": "users",
}
"""The tables that are joined into interviews, by the names of their files, and the lists of v3 that they resemble."""

_NEVER: Final = "1970-01-01T00:00:00.000Z"

_COLUMNS: Final[Mapping[str, Mapping[str, Sequence[str]]]] = {
    INTERVIEWS: {
        "id": ("id", "scheduled_interview_id"),
        "application_id": ("application_id",),
        "job_interview_id": ("interview_id", "interview__id"),
        "organizer_id": ("organizer_id", "organizer__id"),
        "status": ("status",),
        "starts_at": ("start", "start_date_time", "start__date_time", "start_at", "starts_at"),
        "ends_at": ("end", "end_date_time", "end__date_time", "end_at", "ends_at"),
        "all_day_start_on": ("start_date", "start__date", "all_day_start_date"),
        "all_day_end_on": ("end_date", "end__date", "all_day_end_date"),
        "location": ("location",),
        "external_event_id": ("external_event_id",),
        "video_conferencing_url": ("video_conferencing_url",),
        "created_at": ("created_at",),
        "updated_at": ("updated_at",),
    },
    INTERVIEWERS: {
        "interview_id": ("scheduled_interview_id",),
        "user_id": ("interviewer_id", "user_id"),
        "scorecard_id": ("scorecard_id",),
        "email": ("email",),
        "response_status": ("response_status",),
    },
    "job_interviews": {"id": ("id",), "name": ("name",)},
    "users": {
        "id": ("id",),
        "first_name": ("first_name",),
        "last_name": ("last_name",),
        "name": ("name",),
        "employee_id": ("employee_id",),
        "primary_email": ("email", "primary_email_address"),
    },
}
_NEEDED: Final[Mapping[str, Sequence[str]]] = {INTERVIEWERS: ("interview_id",)}
_IDS: Final = "id"
_TEXTS: Final = frozenset({"employee_id", "external_event_id"})
_decoder: Final = msgspec.json.Decoder(dict[str, Any])
_encode: Final = msgspec.json.Encoder().encode


def row_of(resource: str, body: bytes, number: int) -> bytes | None:
    """Return the row of v3 that a row of a table amounts to; None for one that is marked as deleted.

    `number` identifies rows of tables that have no ids. Raises ValueError.
    """
    record = _decoder.decode(body)
    if record.get("_fivetran_deleted") in (True, "true", "TRUE", "True", "1"):
        return None
    row: dict[str, Any] = {"created_at": _NEVER, "updated_at": _NEVER} if resource != INTERVIEWS else {}
    if resource == INTERVIEWERS:
        row["id"] = number
    for name, columns in _COLUMNS[resource].items():
        value = next((record[column] for column in columns if record.get(column) not in (None, "")), None)
        if value is not None:
            row[name] = _number(value) if name.endswith(_IDS) and name not in _TEXTS else value
        elif name in _NEEDED.get(resource, ()):
            raise ValueError(f"{columns[0]}: is missing")
    return _encode(_with_days(row))


def _number(value: Any) -> Any:
    """Return an id as a number: cells of CSV are texts. Other values are left to the check of the row."""
    is_number = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20
    return int(value) if is_number else value


def _with_days(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row in which ends that are days stand where days belong."""
    for time, day in (("starts_at", "all_day_start_on"), ("ends_at", "all_day_end_on")):
        if len(str(row.get(time, ""))) == len("2024-03-26"):
            row[day] = row.pop(time)
    return row


def completed_scorecard(identifier: int) -> bytes:
    """Return the row of a scorecard that was submitted: tables of v1 name no others."""
    return _encode({"id": identifier, "created_at": _NEVER, "updated_at": _NEVER, "status": "complete"})
