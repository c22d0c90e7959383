"""What planning has to know, from one transaction.

Owns the statements that read people, pools, rooms and bookings in bulk: a few for each question, however many people it
has. Must not know how slots are found.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from sqlalchemy import bindparam, select

from rowen.app.holds import HoldCodec
from rowen.app.organizations import Organization
from rowen.app.planning import AFTER, BEFORE, NEAR, Facts, Guest, HeldTime, MovedInterview, PlanningRequest
from rowen.app.records import ACTIVE, APPLICATIONS, AVAILABILITY, HOLDS, JOB_STAGES, POOLS, ROOMS, USERS, RecordCodec
from rowen.app.setups import SetupCodec
from rowen.interviews.availability import Availability, Limits
from rowen.interviews.busy import BusySource, Intervals
from rowen.interviews.holds import Hold
from rowen.interviews.people import fold, person_of
from rowen.interviews.pools import Pool
from rowen.interviews.rooms import Room, person_of_room, room_of_person
from rowen.store.busy import COLUMNS as BUSY_COLUMNS
from rowen.store.busy import source_of
from rowen.store.engines.base import Engine, Prepared, Row, Transaction, constant
from rowen.store.ledger.ledger import COLUMNS, organization_of
from rowen.store.records.reading import ReadRecords
from rowen.store.records.writer import RecordWriter
from rowen.store.schema.planning_tables import busy_sources
from rowen.store.schema.tables import SEATS_INDEX, interviewers, organizations, panel, records, scheduled_interviews

_BATCH: Final = 250  # users that are read at once
_NOTHING: Final = PlanningRequest((), (), 0, 0)
_APPLICATION_INDEX: Final = "scheduled_interviews_by_application_id"
_ALL_ROOMS: Final = select(records.c.document).where(
    records.c.organization_id == bindparam("organization"), records.c.resource == constant(ROOMS)
)


class PlanningReader:
    """The `PlanningFacts` on an engine; its `facts` work within any transaction."""

    def __init__(self, engine: Engine, codecs: tuple[RecordCodec, SetupCodec, HoldCodec]) -> None:
        self.engine = engine
        self.codec, self.setups, self.codec_of_holds = codecs
        self._records = RecordWriter(engine)
        self._organization = engine.prepare(select(*COLUMNS).where(organizations.c.id == bindparam("organization")))
        self.rooms = engine.prepare(_ALL_ROOMS.order_by(records.c.id))
        self.bookings = engine.prepare(
            select(panel.c.person, panel.c.starts_at, panel.c.ends_at, panel.c.interview_id).where(
                panel.c.organization_id == bindparam("organization"),
                engine.id_in(panel.c.person, "ids"),
                panel.c.ends_at > bindparam("since"),
                panel.c.starts_at < bindparam("until"),
            )
        )
        interviews = scheduled_interviews.c
        self.of_application = engine.prepare(
            select(interviews.id, interviews.starts_at, interviews.ends_at)
            .where(
                interviews.organization_id == bindparam("organization"),
                interviews.application_id == bindparam("application"),
            )
            .with_hint(scheduled_interviews, _APPLICATION_INDEX)  # SQLite would read all of the organization's rows
        )
        self.in_rooms = engine.prepare(
            select(panel.c.interview_id, panel.c.person).where(
                panel.c.organization_id == bindparam("organization"),
                engine.id_in(panel.c.person, "rooms"),
                panel.c.ends_at >= bindparam("since"),
                panel.c.ends_at <= bindparam("until"),
                engine.id_in(panel.c.interview_id, "ids"),
            )
        )
        self.panels = engine.prepare(
            select(interviewers.c.interview_id, interviewers.c.user_id, interviewers.c.email)
            .where(
                interviewers.c.organization_id == bindparam("organization"),
                engine.id_in(interviewers.c.interview_id, "ids"),
            )
            .order_by(interviewers.c.interview_id, interviewers.c.id)
            .with_hint(interviewers, SEATS_INDEX)  # SQLite would read all of the organization's rows
        )
        busy = busy_sources.c
        self.busy = engine.prepare(
            select(*BUSY_COLUMNS)
            .where(busy.organization_id == bindparam("organization"), engine.id_in(busy.user_id, "ids"))
            .order_by(busy.user_id, busy.source)
        )

    async def read(self, organization: Organization, wanted: PlanningRequest) -> Facts:
        """Return what is known, all of it as of one state."""
        copy = self.engine.reader_for(organization.id, organization.version)
        return await copy.read(partial(self._facts, organization, wanted))

    async def holds(self, organization: Organization) -> list[Hold]:
        """Return all holds, ordered by id."""
        copy = self.engine.reader_for(organization.id, organization.version)
        return await copy.read(lambda transaction: self._reading(transaction, organization, _NOTHING).holds())

    async def availability(self, organization: Organization, users: Sequence[int]) -> dict[int, Availability]:
        """Return the availability of those users who have one, by their ids; nothing else is read."""
        copy = self.engine.reader_for(organization.id, organization.version)
        return await copy.read(
            lambda transaction: self._reading(transaction, organization, _NOTHING).availability(users)
        )

    async def _facts(self, organization: Organization, wanted: PlanningRequest, transaction: Transaction) -> Facts:
        row = await transaction.row(self._organization, {"organization": organization.id})
        known = organization if row is None else organization_of(row)
        return await self._reading(transaction, known, wanted).facts()

    def _reading(self, transaction: Transaction, organization: Organization, wanted: PlanningRequest) -> "_Reading":
        records = ReadRecords(self._records, transaction, organization.id)
        return _Reading(self, transaction, records, (organization, wanted))

    async def facts(
        self, transaction: Transaction, records: ReadRecords, organization: Organization, wanted: PlanningRequest
    ) -> Facts:
        """Return what is known in a transaction, which began with this state of the organization."""
        return await _Reading(self, transaction, records, (organization, wanted)).facts()


class _Reading:
    """Reads the answer to one question in one transaction."""

    def __init__(
        self,
        reader: PlanningReader,
        transaction: Transaction,
        records: ReadRecords,
        asked: tuple[Organization, PlanningRequest],
    ) -> None:
        self._reader = reader
        self._transaction = transaction
        self._records = records
        self._organization, self._wanted = asked
        self._known = _PeopleFacts()

    async def facts(self) -> Facts:
        """Return what is known."""
        wanted, known = self._wanted, self._known
        pools = await self._pools() if wanted.pools else {}
        members = (member.user_id for pool in pools.values() for member in pool.members)
        rooms = await self._all_rooms() if wanted.rooms else []
        status, candidate, moved = None, Intervals(), dict[int, MovedInterview]()
        if wanted.application is not None:
            record = await self._records.get(APPLICATIONS, wanted.application)
            status = None if record is None else record.status or ACTIVE
            candidate, moved = await self._candidate(rooms)
        guests = [guest for each in moved.values() for guest in each.guests]
        invited = (each.user for each in guests if each.user is not None)
        for some in _batches(sorted({*wanted.users, *members, *invited})):
            await self._read_people(some)
        numbers = [*map(person_of_room, (each.id for each in rooms)), *(each.person for each in guests)]
        if numbers:
            known.bookings |= await self._bookings_of(dict(zip(numbers, numbers, strict=True)))
        return Facts(
            self._organization,
            known.names,
            frozenset(known.disabled),
            pools,
            rooms,
            known.availability,
            known.sources,
            known.bookings,
            await self._held_times(),
            status,
            candidate,
            await self._held(),
            moved,
        )

    async def _read_people(self, ids: Sequence[int]) -> None:
        """Read what is known of some users."""
        known = self._known
        rows = await self._records.get_all(USERS, ids)
        users = {each: self._reader.codec.user(row.document) for each, row in rows.items() if row.document}
        known.availability |= await self.availability([*users])
        persons: dict[int, int] = {}
        for identifier, user in users.items():
            known.names[identifier] = user.name or ""
            if user.disabled:
                known.disabled.add(identifier)
            persons[identifier] = identifier  # who may have been invited as a guest, by e-mail address, too
            persons.update((person_of(None, email), identifier) for email in user.emails)
        for row in await self._rows(self._reader.busy, ids=self._bound(users)):
            known.sources[row[0]].append(source_of(row))
        is_limited = any(known.availability[each].limits != Limits() for each in users if each in known.availability)
        known.bookings |= await self._bookings_of(persons, is_near=not is_limited)

    async def availability(self, users: Sequence[int]) -> dict[int, Availability]:
        """Return the availability of those users who have one."""
        rows = await self._records.get_all(AVAILABILITY, users)
        return {each: self._reader.setups.availability(row.document) for each, row in rows.items() if row.document}

    async def _pools(self) -> dict[int, Pool]:
        rows = await self._records.get_all(POOLS, sorted(set(self._wanted.pools)))
        return {each: self._reader.setups.pool(row.document) for each, row in rows.items() if row.document}

    async def _all_rooms(self) -> list[Room]:
        rows = await self._rows(self._reader.rooms)
        return [self._reader.setups.room(row[0]) for row in rows if row[0]]

    async def _held(self) -> frozenset[int]:
        """Return those of the wanted interviews of job stages that exist."""
        found = set()
        for each in set(self._wanted.stage_interviews):
            if await self._records.by_term(JOB_STAGES, "interview_id", str(each)):
                found.add(each)
        return frozenset(found)

    async def _candidate(self, rooms: Sequence[Room]) -> tuple[Intervals, dict[int, MovedInterview]]:
        """Return when the candidate is busy, and the application's interviews that do not count, by id."""
        wanted = self._wanted
        rows = await self._rows(self._reader.of_application, application=wanted.application)
        times = Intervals(
            (starts, ends)
            for identifier, starts, ends in rows
            if identifier not in wanted.without and ends > wanted.starts and starts < wanted.ends
        )
        moved = {number: MovedInterview(starts, ends) for number, starts, ends in rows if number in wanted.without}
        return times, await self._with_panels(moved, rooms) if moved else {}

    async def _with_panels(
        self, moved: Mapping[int, MovedInterview], rooms: Sequence[Room]
    ) -> dict[int, MovedInterview]:
        """Return interviews with the users and guests on their panels, and their rooms."""
        users: dict[int, list[int]] = defaultdict(list)
        guests: dict[int, list[Guest]] = defaultdict(list)
        for interview, user, email in await self._rows(self._reader.panels, ids=self._bound(moved)):
            if user is not None:
                users[interview].append(user)
            elif email is not None:
                guests[interview].append(await self._guest(email))
        found = await self._rooms_of(moved, rooms) if rooms else {}
        return {
            number: each._replace(users=tuple(users[number]), guests=tuple(guests[number]), room=found.get(number))
            for number, each in moved.items()
        }

    async def _guest(self, email: str) -> Guest:
        """Return the guest with an address, and the user whose it has become meanwhile."""
        users = await self._records.by_term(USERS, "email", fold(email))
        return Guest(email, person_of(None, email), users[0].id if len(users) == 1 else None)

    async def _rooms_of(self, moved: Mapping[int, MovedInterview], rooms: Sequence[Room]) -> dict[int, int]:
        """Return the rooms of interviews that are in one, by the interviews' ids."""
        ends = [each.ends for each in moved.values()]
        found = await self._rows(
            self._reader.in_rooms,
            rooms=self._bound(person_of_room(each.id) for each in rooms),
            since=min(ends),
            until=max(ends),
            ids=self._bound(moved),
        )
        return {interview: room for interview, person in found if (room := room_of_person(person)) is not None}

    async def holds(self) -> list[Hold]:
        """Return the holds of other applications."""
        rows = await self._records.by_term(HOLDS, "kind", "slot")
        holds = (self._reader.codec_of_holds.hold(row.document) for row in rows if row.document)
        own = self._wanted.application
        return [each for each in holds if own is None or each.application_id != own]

    async def _held_times(self) -> dict[int, list[HeldTime]]:
        """Return the holds of other applications, by person or by the number of a room."""
        found: dict[int, list[HeldTime]] = defaultdict(list)
        for hold in await self.holds():
            for session in hold.sessions:
                taken = HeldTime(session.start, session.end, hold.expires_at)
                room = () if session.room_id is None else (person_of_room(session.room_id),)
                for person in (*session.interviewers, *room):
                    found[person or 0].append(taken)
        return found

    async def _bookings_of(self, persons: Mapping[int, int], *, is_near: bool = False) -> dict[int, Intervals]:
        """Return the interviews of persons, by whom they are: each once, though a user was invited twice.

        Those that are only `is_near` the window are enough unless people are chosen, or have limits.
        """
        wanted = self._wanted
        before, after = (NEAR, NEAR) if is_near and not wanted.chooses else (BEFORE, AFTER)
        times = {"since": wanted.starts - before, "until": wanted.ends + after}
        found: dict[int, dict[int, tuple[int, int]]] = defaultdict(dict)
        for person, starts, ends, interview in await self._rows(
            self._reader.bookings, ids=self._bound(persons), **times
        ):
            if interview not in wanted.without:
                found[persons[person]][interview] = starts, ends
        return {person: Intervals(sorted(its.values())) for person, its in found.items()}

    async def _rows(self, statement: Prepared, **parameters: Any) -> Sequence[Row]:
        return await self._transaction.rows(statement, {"organization": self._organization.id, **parameters})

    def _bound(self, ids: Iterable[int]) -> Any:
        return self._reader.engine.bind_identifiers(sorted(ids))


@dataclass(slots=True)
class _PeopleFacts:
    """What was read of people so far."""

    names: dict[int, str] = field(default_factory=dict)
    disabled: set[int] = field(default_factory=set)
    availability: dict[int, Availability] = field(default_factory=dict)
    sources: dict[int, list[BusySource]] = field(default_factory=lambda: defaultdict(list))
    bookings: dict[int, Intervals] = field(default_factory=dict)


def _batches(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """Yield ids, some at a time: rows take more memory than what is made of them."""
    return (ids[start : start + _BATCH] for start in range(0, len(ids), _BATCH))
