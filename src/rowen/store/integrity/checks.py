"""The rules between the rows of a sound database.

Owns the checks of `rowen db check`, in SQL that every engine has, and in Python where a document must be read. Must not
know an engine, or how a document is read.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Final, NamedTuple

from sqlalchemy import bindparam, literal_column, select, tuple_

from rowen.app.records import ROOMS
from rowen.interviews.interview import LARGEST_ID, ScheduledInterview
from rowen.interviews.moments import Instant
from rowen.interviews.people import booked, seats_of
from rowen.interviews.rooms import person_of_room, room_of_person
from rowen.store.engines.base import Engine, Location, Prepared, Row, Transaction, constant, run_sync
from rowen.store.integrity.future_times import FutureTimeCheck
from rowen.store.schema.tables import interviewers, panel, records, scheduled_interviews, terms

_CHUNK: Final = 5_000
_MOST: Final = 20  # how many faults of a kind are named

STATEMENTS: Final = (
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
    SELECT 'organization ' || name || ': its ledger has given out fewer ids of interviewers than it holds'
    FROM organizations AS o
    WHERE last_interviewer_id < (SELECT max(id) FROM interviewers WHERE organization_id = o.id)
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
          FROM organizations AS o) AS compared
    WHERE revision < newest
    """,
    """
    SELECT 'organization ' || o.name || ': its ledger is older than its change ' || c.revision
    FROM organizations AS o
    JOIN changes AS c
      ON c.organization_id = o.id AND c.revision = (SELECT max(revision) FROM changes WHERE organization_id = o.id)
    WHERE o.last_updated_at < c.time
    """,
    # A later import may have replaced an interview, and the row of a batch names none.
    """
    WITH newest AS (
        SELECT * FROM changes WHERE (organization_id, interview_id, revision) IN (
            SELECT organization_id, interview_id, max(revision) FROM changes
            WHERE interview_id IS NOT NULL GROUP BY organization_id, interview_id)
    ), imports AS (
        SELECT organization_id, max(revision) AS last FROM changes WHERE kind = 'imported' GROUP BY organization_id
    )
    SELECT 'interview ' || c.interview_id || ' of organization ' || c.organization_id
           || CASE WHEN s.id IS NULL THEN ': it has changes, but does not exist'
                   ELSE ': its document is not that of its newest change' END
    FROM newest AS c
    LEFT JOIN scheduled_interviews AS s ON s.organization_id = c.organization_id AND s.id = c.interview_id
    LEFT JOIN imports AS i ON i.organization_id = c.organization_id
    WHERE CASE WHEN s.id IS NULL THEN c.kind != 'cancelled'
               ELSE s.updated_at < c.time
                    OR (c.kind = 'cancelled' OR s.document != c.document) AND c.revision >= coalesce(i.last, 0) END
    LIMIT 20
    """,
    # Only interviews written here, not imported ones, have a time for the status updates.
    """
    SELECT 'interview ' || id || ' of organization ' || organization_id || ': it was written without a change'
    FROM scheduled_interviews AS s
    WHERE due_at IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM changes AS c WHERE c.organization_id = s.organization_id AND c.interview_id = s.id)
    LIMIT 20
    """,
    """
    SELECT 'interview ' || p.interview_id || ' of organization ' || p.organization_id
           || ': it is booked at times other than its own'
    FROM panel AS p
    LEFT JOIN scheduled_interviews AS s ON s.organization_id = p.organization_id AND s.id = p.interview_id
    WHERE s.id IS NULL OR (s.starts_at, s.ends_at) != (p.starts_at, p.ends_at)
    LIMIT 20
    """,
    """
    SELECT 'organization ' || organization_id || ': ' || resource || ' have search terms that belong to no record'
    FROM terms AS t
    WHERE NOT EXISTS (
        SELECT 1 FROM records WHERE organization_id = t.organization_id AND resource = t.resource AND id = t.id)
    GROUP BY organization_id, resource
    """,
    """
    SELECT 'organization ' || organization_id || ': a webhook has a delivery for change ' || revision
           || ', which does not exist'
    FROM deliveries AS d
    WHERE NOT EXISTS (SELECT 1 FROM changes WHERE organization_id = d.organization_id AND revision = d.revision)
    LIMIT 20
    """,
)
"""The statements, each of which returns one sentence per row; those about every interview return the first few."""


class _Room(NamedTuple):
    """A room: the number by which it is booked, and the end of the last interview that need not be booked."""

    person: int
    since: int


_Booking = tuple[int, int, int]
"""A booking: the person, its end, and the interview."""

ReadStored = Callable[[bytes], ScheduledInterview]
"""Reads the stored document of an interview. Raises ValueError if it is none, or not as it would be stored."""


def faults_of(location: Location, read_stored: ReadStored, now: Instant | None) -> list[str]:
    """Return what is wrong between the rows, a sentence each. Reads all of them.

    Without `now` nothing is compared with the clock.
    """
    return run_sync(_faults_of(location, read_stored, now))


async def _faults_of(location: Location, read_stored: ReadStored, now: Instant | None) -> list[str]:
    engine = location.open(no_timeout=True)

    async def work(transaction: Transaction) -> list[str]:
        faults: list[str] = []
        for statement in STATEMENTS:
            faults += [row[0] for row in await transaction.rows(Prepared(statement, ()), {})]
        faults += await FutureTimeCheck(engine).faults(transaction, now)
        for (organization,) in await transaction.rows(Prepared(_ORGANIZATIONS, ()), {}):
            faults += await _Documents(engine, transaction, organization, read_stored).faults()
        return faults

    try:
        return await engine.read(work)
    finally:
        await engine.close()


def ledgers_ahead(location: Location, now: Instant) -> list[str]:
    """Return a sentence for each organization whose changes are dated more than a day ahead of the clock."""
    return run_sync(_ledgers_ahead(location, now))


async def _ledgers_ahead(location: Location, now: Instant) -> list[str]:
    engine = location.open()

    async def work(transaction: Transaction) -> list[str]:
        return await FutureTimeCheck(engine).ledgers_ahead(transaction, now)

    try:
        return await engine.read(work)
    finally:
        await engine.close()


_ORGANIZATIONS: Final = "SELECT id FROM organizations ORDER BY id"


class _Documents:
    """Compares the documents of an organization with their columns and their bookings."""

    def __init__(self, engine: Engine, transaction: Transaction, organization: int, read_stored: ReadStored) -> None:
        self._transaction = transaction
        self._read_stored = read_stored
        self._organization = organization
        self._of = f"of organization {organization}"
        stored, held = scheduled_interviews.c, panel.c
        columns = (
            *(stored.application_id, stored.external_event_id, stored.status, stored.created_at, stored.updated_at),
            *(stored.ends_at, stored.document),
        )
        self._interviews = engine.prepare(
            select(stored.id, *columns)
            .where(stored.organization_id == bindparam("organization"), stored.id > bindparam("after_id"))
            .order_by(stored.id)
            .limit(literal_column(str(_CHUNK)))
        )
        seats = interviewers.c
        self._interviewers = engine.prepare(
            select(
                *(seats.id, seats.interview_id),
                *(seats.user_id, seats.email, seats.response_status, seats.scorecard_id),
            )
            .where(seats.organization_id == bindparam("organization"), seats.id > bindparam("after_id"))
            .order_by(seats.id)
            .limit(literal_column(str(_CHUNK)))
        )
        key = (held.person, held.ends_at, held.interview_id)
        behind = tuple_(*key) > tuple_(*(bindparam(f"after_{c.name}", type_=c.type) for c in key))
        self._panel = engine.prepare(
            select(*key)
            .where(held.organization_id == bindparam("organization"), behind)
            .order_by(*key)
            .limit(literal_column(str(_CHUNK)))
        )

        self._rooms: dict[str, _Room] = {}
        self._all_rooms = engine.prepare(
            select(terms.c.value, records.c.id, records.c.updated_at).where(
                *(terms.c.organization_id == bindparam("organization"), terms.c.resource == constant(ROOMS)),
                *(records.c.organization_id == bindparam("organization"), records.c.resource == constant(ROOMS)),
                *(terms.c.name == constant("name"), records.c.id == terms.c.id),
            )
        )

    async def faults(self) -> list[str]:
        """Return what is wrong, a sentence each, the first few of each kind."""
        for name, room, since in await self._transaction.rows(self._all_rooms, {"organization": self._organization}):
            self._rooms[name] = _Room(person_of_room(room), since)
        foreign: list[str] = []
        bookings = seated = 0
        async for row in self._rows(self._interviews, ("after_id",)):
            interview = self._matching(row)
            if interview is None:
                foreign.append(f"interview {row[0]} {self._of}: its document does not match its row")
            else:
                # A sum of digests needs no memory, however many there are, and does not depend on the order.
                bookings += sum(map(hash, self._bookings(interview, row)))
                seated += sum(map(hash, _seats(interview)))
        since_of = dict(self._rooms.values())
        async for row in self._rows(self._panel, _AFTER_BOOKING):
            if row[0] <= LARGEST_ID or row[1] > since_of.get(row[0], row[1] - 1):
                bookings -= hash(tuple(row))
        async for row in self._rows(self._interviewers, ("after_id",)):
            seated -= hash(tuple(row[1:]))
        foreign = foreign[:_MOST]
        if bookings:
            foreign += await self._not_booked()
        if seated:
            foreign += await self._not_seated()
        return foreign[: 3 * _MOST]

    async def _not_booked(self) -> list[str]:
        """Return a sentence for each interviewer who is not booked, naming the person's id: guests have none."""
        booked = {tuple(row) async for row in self._rows(self._panel, _AFTER_BOOKING)}
        return [
            f"interview {interview} {self._of}: its {_described(person)} is not booked"
            async for row in self._rows(self._interviews, ("after_id",))
            if (found := self._matching(row)) is not None
            for person, ends_at, interview in sorted(self._bookings(found, row))
            if (person, ends_at, interview) not in booked
        ][:_MOST]

    def _bookings(self, found: ScheduledInterview, row: Row) -> set[_Booking]:
        """Return the bookings in an interview's document."""
        ends_at = row[-2]
        bookings = set(_busy(found, ends_at))
        room = self._rooms.get(found.location or "")
        if room is not None and ends_at > room.since:
            bookings.add((room.person, ends_at, found.id))
        return bookings

    async def _not_seated(self) -> list[str]:
        """Return a sentence for each interview whose panel differs from the rows of its interviewers."""
        sums: Counter[int] = Counter()
        async for row in self._rows(self._interviewers, ("after_id",)):
            sums[row[1]] += hash(tuple(row[1:]))
        async for row in self._rows(self._interviews, ("after_id",)):
            found = self._matching(row)
            sums[row[0]] -= sums[row[0]] if found is None else sum(map(hash, _seats(found)))
        return [
            f"interview {interview} {self._of}: its panel differs from the rows of its interviewers"
            for interview in sorted(each for each, rest in sums.items() if rest)
        ][:_MOST]

    async def _rows(self, statement: Prepared, after: tuple[str, ...]) -> AsyncIterator[Row]:
        """Yield all rows of a statement, chunk by chunk: each begins after the last key of the previous one."""
        behind: tuple[Any, ...] = tuple(_FIRST if name == "after_person" else -(2**63) for name in after)
        while True:
            parameters = {"organization": self._organization, **dict(zip(after, behind, strict=True))}
            rows = await self._transaction.rows(statement, parameters)
            for row in rows:
                yield row
            if len(rows) < _CHUNK:
                return
            behind = tuple(rows[-1][: len(after)])

    def _matching(self, row: Row) -> ScheduledInterview | None:
        """Return an interview's document, or None if the document does not match its row."""
        *columns, _, document = row
        try:
            found = self._read_stored(document)
        except ValueError:
            return None
        held = (found.id, found.application_id, found.external_event_id, found.status.value)
        return found if [*held, found.created_at, found.updated_at] == columns else None


_AFTER_BOOKING: Final = ("after_person", "after_ends_at", "after_interview_id")
_FIRST: Final = 0
"""A key before every person: guests have negative numbers, hashed from their addresses."""


def _described(person: int) -> str:
    room = room_of_person(person)
    return f"interviewer {person}" if room is None else f"room {room}"


def _seats(found: ScheduledInterview) -> Iterator[tuple[object, ...]]:
    """Yield the rows that the interviewers of a document have."""
    return ((found.id, *seat) for seat in seats_of(found.interviewers))


def _busy(found: ScheduledInterview, ends_at: int) -> Iterator[_Booking]:
    """Yield the bookings of users: guests have none that are checked."""
    return ((person, ends_at, found.id) for person in booked(found.interviewers) if person > 0)
