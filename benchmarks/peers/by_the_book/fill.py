"""`python -m benchmarks.peers.by_the_book.fill DATABASE FILE…`: fills the peer's database, one file per organization.

Owns the conversion of a document to rows. Runs in the peers' environment; no figure includes its time. It reads each
file twice, as PostgreSQL requires the users of an interview to exist before it.
"""

import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, insert

from benchmarks.peers.by_the_book import models

_BATCH = 5_000


def key(organization: int) -> str:
    """Return the API key of an organization, numbered from 1."""
    return f"key-of-organization-{organization}"


def fill(database: str, files: list[Path]) -> None:
    """Create the tables, and insert all documents of `files`."""
    engine = create_engine(database)
    models.Base.metadata.create_all(engine)
    with engine.begin() as connection:
        for number, file in enumerate(files, start=1):
            digest = hashlib.sha256(key(number).encode()).hexdigest()
            connection.execute(insert(models.Organization), {"id": number, "name": file.stem})
            connection.execute(insert(models.ApiKey), {"organization_id": number, "key_hash": digest})
            _fill_organization(connection, number, file)
        connection.exec_driver_sql("ANALYZE")


def _fill_organization(connection: Connection, organization: int, file: Path) -> None:
    users: dict[int, dict[str, Any]] = {}
    stages: dict[int, dict[str, Any]] = {}
    for batch in _batches(file):
        for document in batch:
            stages[document["interview"]["id"]] = document["interview"]
            _note_people(organization, document, users)
    connection.execute(insert(models.Stage), list(stages.values()))
    connection.execute(insert(models.User), list(users.values()))
    for batch in _batches(file):
        _add(connection, models.Interview, [_interview(organization, document) for document in batch])
        _add(connection, models.Interviewer, [row for document in batch for row in _panel(document)])


def _add(connection: Connection, model: type[models.Base], rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows of the same columns, on PostgreSQL by COPY, which takes a third of the time."""
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name != "postgresql":
        connection.execute(insert(model), list(rows))
        return
    columns = ", ".join(rows[0])
    with driver.cursor().copy(f"COPY {model.__tablename__} ({columns}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(tuple(row.values()))


def _batches(file: Path) -> Iterator[list[dict[str, Any]]]:
    """Yield the documents of a file in batches."""
    with file.open(encoding="utf-8") as lines:
        while batch := [json.loads(line) for line in islice(lines, _BATCH)]:
            yield batch


def _interview(organization: int, document: dict[str, Any]) -> dict[str, Any]:
    start, end = document["start"], document["end"]
    copied = ("id", "application_id", "external_event_id", "location", "video_conferencing_url", "status")
    return {name: document[name] for name in copied} | {
        "organization_id": organization,
        "starts_at": _moment(start.get("date_time") or start["date"]),
        "ends_at": _moment(end.get("date_time") or end["date"]),
        "starts_on": _day(start.get("date")),
        "ends_on": _day(end.get("date")),
        "created_at": _moment(document["created_at"]),
        "updated_at": _moment(document["updated_at"]),
        "stage_id": document["interview"]["id"],
        "organizer_id": document["organizer"]["id"],
    }


def _panel(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "interview_id": document["id"],
            "user_id": interviewer["id"],
            "external_email": None if interviewer["id"] else interviewer["email"],
            "response_status": interviewer["response_status"],
            "scorecard_id": interviewer["scorecard_id"],
        }
        for interviewer in document["interviewers"]
    ]


def _note_people(organization: int, document: dict[str, Any], users: dict[int, dict[str, Any]]) -> None:
    organizer = document["organizer"]
    names = ("id", "first_name", "last_name", "employee_id")
    fresh = {name: organizer[name] for name in names} | {"organization_id": organization, "email": None}
    users.setdefault(organizer["id"], fresh)
    for interviewer in document["interviewers"]:
        if interviewer["id"] is None:
            continue
        first, _, last = interviewer["name"].partition(" ")
        person = users.setdefault(interviewer["id"], {"id": interviewer["id"], "organization_id": organization})
        person |= {"first_name": first, "last_name": last, "email": interviewer["email"]}
        person["employee_id"] = interviewer["employee_id"]


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=None)


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


if __name__ == "__main__":
    fill(sys.argv[1], [Path(argument) for argument in sys.argv[2:]])
