"""What must hold between the rows of a sound database.

Owns what `rowen db check` looks at, in SQL that every engine has, and in Python where a document must be read. Must
not know an engine.
"""

from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import msgspec
from sqlalchemy import bindparam, literal_column, select, tuple_

from rowen.store.engine import Engine, Location, Prepared, Row, Transaction, completed
from rowen.store.tables import panel, scheduled_interviews

_CHUNK: Final = 5_000
_MOST: Final = 20  # faults of a kind that are named

_STATEMENTS: Final = (
    """
    SELECT 'organization ' || organization_id || ': it has interviews, but no ledger'
    FROM (SELECT DISTINCT organization_id FROM scheduled_interviews) AS s
    WHERE organization_id NOT IN (SELECT id FROM organizations)
    """,
    """
    SELECT 'organization ' || name || ': its ledger has given out fewer ids than it holds'
    FROM organizations AS o
    WHERE last_id < (SELECT max(id) FROM scheduled_interviews WHERE organization_id = o.id)
    """,
    """
    SELECT 'organization ' || name || ': its ledger counts ' || interview_count || ' interviews, but it has ' || held
    FROM (SELECT name, interview_count, (SELECT count(*) FROM scheduled_interviews WHERE organization_id = o.id) AS held
          FROM organizations AS o) AS counted
    WHERE interview_count != held
    """,
    """
    SELECT 'organization ' || name || ': its ledger is at revision ' || revision || ', but there is a change ' || newest
    FROM (SELECT name, revision, (SELECT max(revision) FROM changes WHERE organization_id = o.id) AS newest
          FROM organizations AS o) AS told
    WHERE revision < newest
    """,
    """
    SELECT 'organization ' || o.name || ': its ledger is older than its change ' || c.revision
    FROM organizations AS o
    JOIN changes AS c
      ON c.organization_id = o.id AND c.revision = (SELECT max(revision) FROM changes WHERE organization_id = o.id)
    WHERE o.last_updated_at < c.time
    """,
    # What was imported since may have replaced an interview, and the row of a batch names none.
    """
    WITH newest AS (
        SELECT * FROM changes WHERE (organization_id, interview_id, revision) IN (
            SELECT organization_id, interview_id, max(revision) FROM changes
            WHERE interview_id IS NOT NULL GROUP BY organization_id, interview_id)
    )
    SELECT 'interview ' || c.interview_id || ' of organization ' || c.organization_id
           || CASE WHEN s.id IS NULL THEN ': it has changes, but is not there'
                   ELSE ': its document is not that of its newest change' END
    FROM newest AS c
    LEFT JOIN scheduled_interviews AS s ON s.organization_id = c.organization_id AND s.id = c.interview_id
    WHERE CASE WHEN s.id IS NULL THEN c.kind != 'cancelled'
               ELSE s.updated_at < c.time
                    OR (c.kind = 'cancelled' OR s.document != c.document) AND NOT EXISTS (
                        SELECT 1 FROM changes AS later WHERE later.organization_id = c.organization_id
                        AND later.revision > c.revision AND later.kind = 'imported') END
    LIMIT 20
    """,
    # Only what was written here, and not imported, has a time for the clock.
    """
    SELECT 'interview ' || id || ' of organization ' || organization_id || ': it was written without a change'
    FROM scheduled_interviews AS s
    WHERE due_at IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM changes AS c WHERE c.organization_id = s.organization_id AND c.interview_id = s.id)
    LIMIT 20
    """,
    """
    SELECT 'interview ' || p.interview_id || ' of organization ' || p.organization_id
           || ': it is booked at times that are not its own'
    FROM panel AS p
    LEFT JOIN scheduled_interviews AS s ON s.organization_id = p.organization_id AND s.id = p.interview_id
    WHERE s.id IS NULL OR (s.starts_at, s.ends_at) != (p.starts_at, p.ends_at)
    LIMIT 20
    """,
    """
    SELECT 'organization ' || organization_id || ': ' || resource || ' are found by what no record of theirs says'
    FROM terms AS t
    WHERE NOT EXISTS (
        SELECT 1 FROM records WHERE organization_id = t.organization_id AND resource = t.resource AND id = t.id)
    GROUP BY organization_id, resource
    """,
    """
    SELECT 'organization ' || organization_id || ': a webhook is to be told of a change ' || revision
           || ' that did not happen'
    FROM deliveries AS d
    WHERE NOT EXISTS (SELECT 1 FROM changes WHERE organization_id = d.organization_id AND revision = d.revision)
    LIMIT 20
    """,
)
"""One statement after the other, each a sentence a row; those that look at every interview name the first few."""


class _Seat(msgspec.Struct):
    id: int | None
    response_status: str


class _Interview(msgspec.Struct):
    """What a document says that a column says, too."""

    id: int
    application_id: int
    external_event_id: str | None
    status: str
    interviewers: list[_Seat]


_Booking = tuple[int, int, int]
"""Whom an interview keeps busy, and until when: person, end, interview."""

_read: Final = msgspec.json.Decoder(_Interview).decode


def faults_of(location: Location) -> list[str]:
    """Return what is wrong between the rows, a sentence each. Reads all of them."""
    return completed(_faults_of(location))


async def _faults_of(location: Location) -> list[str]:
    engine = location.open(patient=True)

    async def work(transaction: Transaction) -> list[str]:
        faults: list[str] = []
        for statement in _STATEMENTS:
            faults += [row[0] for row in await transaction.rows(Prepared(statement, ()), {})]
        for (organization,) in await transaction.rows(Prepared(_ORGANIZATIONS, ()), {}):
            faults += await _Documents(engine, transaction, organization).faults()
        return faults

    try:
        return await engine.read(work)
    finally:
        await engine.close()


_ORGANIZATIONS: Final = "SELECT id FROM organizations ORDER BY id"


class _Documents:
    """Compares the documents of an organization with their columns, and with who is booked."""

    def __init__(self, engine: Engine, transaction: Transaction, organization: int) -> None:
        self._transaction = transaction
        self._organization = organization
        self._of = f"of organization {organization}"
        stored, booked = scheduled_interviews.c, panel.c
        columns = (stored.application_id, stored.external_event_id, stored.status, stored.ends_at, stored.document)
        self._interviews = engine.prepare(
            select(stored.id, *columns)
            .where(stored.organization_id == bindparam("organization"), stored.id > bindparam("after_id"))
            .order_by(stored.id)
            .limit(literal_column(str(_CHUNK)))
        )
        key = (booked.person, booked.ends_at, booked.interview_id)
        behind = tuple_(*key) > tuple_(*(bindparam(f"after_{c.name}", type_=c.type) for c in key))
        self._panel = engine.prepare(
            select(*key)
            .where(booked.organization_id == bindparam("organization"), behind)
            .order_by(*key)
            .limit(literal_column(str(_CHUNK)))
        )

    async def faults(self) -> list[str]:
        """Return what is wrong, a sentence each, the first few of each kind."""
        foreign: list[str] = []
        expected = 0
        async for row in self._rows(self._interviews, ("after_id",)):
            bookings = _bookings(row)
            if bookings is None:
                foreign.append(f"interview {row[0]} {self._of}: its document is not its own")
            else:
                # A sum of digests takes no room, however many there are, and minds no order.
                expected += sum(map(hash, bookings))
        found = 0
        async for row in self._rows(self._panel, _AFTER_BOOKING):
            found += hash(tuple(row))
        if found != expected:
            foreign = foreign[:_MOST] + await self._not_booked()
        return foreign[: 2 * _MOST]

    async def _not_booked(self) -> list[str]:
        """Name the interviewers that are not booked: by id, for guests have none."""
        booked = {tuple(row) async for row in self._rows(self._panel, _AFTER_BOOKING)}
        return [
            f"interview {interview} {self._of}: its interviewer {person} is not booked"
            async for row in self._rows(self._interviews, ("after_id",))
            for person, ends_at, interview in sorted(_bookings(row) or ())
            if (person, ends_at, interview) not in booked
        ][:_MOST]

    async def _rows(self, statement: Prepared, after: tuple[str, ...]) -> AsyncIterator[Row]:
        """Return all rows of a statement, chunk after chunk: each begins behind the key that the last ended with."""
        behind: tuple[Any, ...] = tuple(_FIRST if name == "after_person" else -(2**63) for name in after)
        while True:
            parameters = {"organization": self._organization, **dict(zip(after, behind, strict=True))}
            rows = await self._transaction.rows(statement, parameters)
            for row in rows:
                yield row
            if len(rows) < _CHUNK:
                return
            behind = tuple(rows[-1][: len(after)])


_AFTER_BOOKING: Final = ("after_person", "after_ends_at", "after_interview_id")
_FIRST: Final = 0
"""What stands before every user: guests have negative numbers, which are made of their addresses."""


def _bookings(row: Row) -> set[_Booking] | None:
    """Return whom an interview keeps busy by its document; None where the document is not that of its row."""
    identifier, application, event, status, ends_at, document = row
    try:
        said = _read(document)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if (said.id, said.application_id, said.external_event_id, said.status) != (identifier, application, event, status):
        return None
    return set(_busy(said, ends_at))


def _busy(said: _Interview, ends_at: int) -> Iterator[_Booking]:
    for each in said.interviewers:
        if each.id is not None and each.response_status != "declined":
            yield each.id, ends_at, said.id
