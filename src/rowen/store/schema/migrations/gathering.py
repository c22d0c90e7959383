"""The observations in a database of schema 0001, moved to where schema 0002 expects them.

Owns that migration's code: shapes and rules as they were when it was written, whatever the rest of the code does by
now. Must import none of Rowen's code, hold no more than a few thousand interviews at once, and commit nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any, Final

import msgspec
import sqlalchemy as sa

_CHUNK: Final = 2_000
_NEVER: Final = -(2**63)
_PARTS: Final = ("name", "first_name", "last_name", "employee_id", "email")

_Fact = tuple[int, str]


class _Person(msgspec.Struct, frozen=True, gc=False):
    id: int | None = None
    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    employee_id: str | None = None
    email: str | None = None
    response_status: str | None = None


class _Stage(msgspec.Struct, frozen=True, gc=False):
    id: int | None = None
    name: str | None = None


class _Interview(msgspec.Struct, frozen=True, gc=False):
    interview: _Stage | None = None
    organizer: _Person | None = None
    interviewers: tuple[_Person, ...] = ()


@dataclass(slots=True)
class _Known:
    """The facts in the interviews of an organization, each with the time of the newest interview that has it."""

    people: dict[int, list[_Fact | None]] = field(default_factory=dict)
    stages: dict[int, _Fact | None] = field(default_factory=dict)


_decode: Final = msgspec.json.Decoder(_Interview).decode

_APPLICATIONS: Final = sa.text(
    """
    INSERT INTO records (organization_id, resource, id, created_at, updated_at, status, derived)
    SELECT a.organization_id, 'applications', a.id, i.applied_at, i.last_activity_at,
           CASE WHEN a.active THEN 'active' ELSE 'rejected' END, TRUE
    FROM applications AS a
    LEFT JOIN (
        SELECT organization_id, application_id,
               min(coalesce(created_at, starts_at)) AS applied_at, max(updated_at) AS last_activity_at
        FROM scheduled_interviews GROUP BY organization_id, application_id
    ) AS i ON i.organization_id = a.organization_id AND i.application_id = a.id
    """
)
_INTERVIEWS: Final = sa.text(
    """
    SELECT id, updated_at, starts_at, ends_at, document FROM scheduled_interviews
    WHERE organization_id = :organization AND id > :after ORDER BY id LIMIT :size
    """
)
_PANEL: Final = sa.text(
    """
    INSERT INTO panel (organization_id, person, ends_at, interview_id, starts_at)
    VALUES (:organization, :person, :ends_at, :id, :starts_at)
    """
)
_RECORD: Final = sa.text(
    """
    INSERT INTO records (organization_id, resource, id, created_at, updated_at, derived, document, evidence)
    VALUES (:organization, :resource, :id, :time, :time, TRUE, :document, :evidence)
    """
)
_TERM: Final = sa.text(
    """
    INSERT INTO terms (organization_id, resource, name, value, id)
    VALUES (:organization, :resource, :name, :value, :id)
    """
)


def gather(connection: sa.Connection) -> None:
    """Fill `panel`, `records` and `terms` from the existing interviews and applications."""
    connection.execute(_APPLICATIONS)
    organizations = connection.execute(sa.text("SELECT id, last_updated_at FROM organizations")).all()
    for organization, time in organizations:
        known = _Known()
        for rows in _chunks(connection, organization):
            booked = list(_read(rows, known))
            _insert(connection, _PANEL, [{"organization": organization, **row} for row in booked])
        for identifier, facts in known.people.items():
            _keep_user(connection, organization, time, identifier, facts)
        for identifier, name in known.stages.items():
            _keep_stage(connection, organization, time, identifier, name)


def _chunks(connection: sa.Connection, organization: int) -> Iterator[Any]:
    after = 0
    while rows := connection.execute(_INTERVIEWS, {"organization": organization, "after": after, "size": _CHUNK}).all():
        yield rows
        after = rows[-1][0]


def _insert(connection: sa.Connection, statement: sa.TextClause, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(statement, rows)


def _read(rows: Any, known: _Known) -> Iterator[dict[str, Any]]:
    """Collect the facts in interviews, and yield their bookings."""
    for identifier, updated_at, starts_at, ends_at, document in rows:
        interview = _decode(document)
        time = _NEVER if updated_at is None else updated_at
        for person in (interview.organizer, *interview.interviewers):
            if person is not None and person.id is not None:
                facts = known.people.setdefault(person.id, [None] * len(_PARTS))
                for place, part in enumerate(_PARTS):
                    facts[place] = _newer(facts[place], getattr(person, part), time)
        if (stage := interview.interview) is not None and stage.id is not None:
            known.stages[stage.id] = _newer(known.stages.get(stage.id), stage.name, time)
        for key in {_key(each) for each in interview.interviewers if each.response_status != "declined"}:
            yield {"person": key, "ends_at": ends_at, "id": identifier, "starts_at": starts_at}


def _newer(known: _Fact | None, text: str | None, time: int) -> _Fact | None:
    if text is None or (known is not None and known >= (time, text)):
        return known
    return time, text


def _key(person: _Person) -> int:
    if person.id is not None:
        return person.id
    digest = blake2b(_fold(person.email or "").encode(), digest_size=8).digest()
    return -1 - (int.from_bytes(digest) >> 1)


def _fold(email: str) -> str:
    return email.strip().casefold()


def _keep_user(
    connection: sa.Connection, organization: int, time: int, identifier: int, facts: list[_Fact | None]
) -> None:
    name, first_name, last_name, employee_id, email = (None if fact is None else fact[1] for fact in facts)
    parts = [part for part in (first_name, last_name) if part]
    document = {
        "id": identifier,
        "name": " ".join(parts) if name is None and parts else name,
        "first_name": first_name,
        "last_name": last_name,
        "primary_email_address": email,
        "updated_at": _stamp(time),
        "created_at": _stamp(time),
        "disabled": False,
        "site_admin": False,
        "emails": [] if email is None else [email],
        "employee_id": employee_id,
        "linked_candidate_ids": [],
        "offices": [],
        "departments": [],
    }
    found = {"email": None if email is None else _fold(email), "employee_id": employee_id}
    record = {"organization": organization, "resource": "users", "id": identifier}
    _keep(connection, {**record, "time": time, "evidence": msgspec.msgpack.encode(facts)}, document, found)


def _keep_stage(connection: sa.Connection, organization: int, time: int, identifier: int, name: _Fact | None) -> None:
    title = None if name is None else name[1]
    interview: dict[str, Any] = {
        "id": identifier,
        "name": title,
        "schedulable": True,
        "estimated_minutes": None,
        "default_interviewer_users": [],
        "interview_kit": None,
    }
    document = {
        "id": identifier,
        "name": title,
        "created_at": _stamp(time),
        "updated_at": _stamp(time),
        "active": True,
        "job_id": None,
        "priority": 0,
        "interviews": [interview],
    }
    record = {"organization": organization, "resource": "job_stages", "id": identifier}
    found = {"interview_id": str(identifier)}
    _keep(connection, {**record, "time": time, "evidence": msgspec.msgpack.encode(name)}, document, found)


def _keep(connection: sa.Connection, record: dict[str, Any], document: dict[str, Any], terms: dict[str, Any]) -> None:
    connection.execute(_RECORD, {**record, "document": msgspec.json.encode(document)})
    named = {name: record[name] for name in ("organization", "resource", "id")}
    rows = [{**named, "name": name, "value": value} for name, value in terms.items() if value is not None]
    _insert(connection, _TERM, rows)


def _stamp(milliseconds: int) -> str:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"
