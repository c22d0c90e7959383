"""The bookings of rooms: rows of `panel`, as those of people are (docs/decisions/0042).

Owns how the room of an interview is found, and that a room's bookings are those of the interviews at its name. Rooms
themselves are records. Must not know what a booking means for a write.
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import bindparam, delete, insert, literal_column, select, update

from rowen.app.interviews import Codec
from rowen.app.organizations import Organization
from rowen.app.records import ROOMS
from rowen.interviews.interview import InterviewId, OrganizationId
from rowen.interviews.moments import Instant
from rowen.interviews.people import Person
from rowen.interviews.rooms import person_of_room
from rowen.store.engines.base import Engine, Reader, Transaction, constant
from rowen.store.schema.tables import organizations, panel, scheduled_interviews, terms

_CHUNK: Final = 2_000
_NAMES: Final = (
    terms.c.organization_id == bindparam("organization"),
    terms.c.resource == constant(ROOMS),
    terms.c.name == constant("name"),
)
_OF_ROOM: Final = (panel.c.organization_id == bindparam("organization"), panel.c.person == bindparam("room"))


class RoomBookings:
    """Finds and writes the bookings of rooms, within transactions that have taken the ledger."""

    def __init__(self, engine: Engine, codec: Codec) -> None:
        self._codec = codec
        self._all = engine.prepare(select(terms.c.value, terms.c.id).where(*_NAMES))
        self._name = engine.prepare(select(terms.c.value).where(*_NAMES, terms.c.id == bindparam("id")))
        self._at = engine.prepare(select(terms.c.id).where(*_NAMES, terms.c.value == bindparam("location")))
        stored = scheduled_interviews.c
        after = (stored.ends_at > bindparam("ends_at")) | (
            (stored.ends_at == bindparam("ends_at")) & (stored.id > bindparam("id"))
        )
        self._upcoming = engine.prepare(
            select(stored.id, stored.starts_at, stored.ends_at, stored.document)
            .where(stored.organization_id == bindparam("organization"), stored.ends_at >= bindparam("ends_at"), after)
            .order_by(stored.ends_at, stored.id)
            .limit(literal_column(str(_CHUNK)))
        )
        self._book = engine.prepare(insert(panel).values({each.name: bindparam(each.name) for each in panel.c}))
        self._booked = engine.prepare(
            select(panel.c.interview_id)
            .where(*_OF_ROOM, panel.c.ends_at > bindparam("since"))
            .order_by(panel.c.interview_id)
        )
        self._release = engine.prepare(delete(panel).where(*_OF_ROOM))
        self._count = engine.prepare(
            update(organizations)
            .where(organizations.c.id == bindparam("organization"))
            .values(room_count=organizations.c.room_count + bindparam("added"))
        )

    async def at(self, reader: Reader, organization: OrganizationId, location: str) -> Person | None:
        """Return the number by which the room with that name is booked; None if there is none."""
        row = await reader.row(self._at, {"organization": organization, "location": location})
        return None if row is None else person_of_room(row[0])

    async def name(self, reader: Reader, organization: OrganizationId, room: int) -> str | None:
        """Return the name of the room with an id; None if there is none."""
        row = await reader.row(self._name, {"organization": organization, "id": room})
        return None if row is None else str(row[0])

    async def all(self, reader: Reader, organization: OrganizationId) -> dict[str, Person]:
        """Return the numbers by which rooms are booked, by their names."""
        rows = await reader.rows(self._all, {"organization": organization})
        return {name: person_of_room(identifier) for name, identifier in rows}

    async def book(
        self, transaction: Transaction, organization: OrganizationId, room: Person, name: str, since: Instant
    ) -> None:
        """Book a room that has no bookings for the interviews at its name that end after `since`."""
        last = {"ends_at": int(since), "id": 2**63 - 1}
        while rows := await transaction.rows(self._upcoming, {"organization": organization, **last}):
            found = [
                {"organization_id": organization, "person": room, "interview_id": row[0], "starts_at": row[1]}
                | {"ends_at": row[2]}
                for row in rows
                if self._codec.decode(row[3]).location == name
            ]
            await transaction.run_many(self._book, [self._book.bind(each) for each in found])
            last = {"ends_at": rows[-1][2], "id": rows[-1][0]}

    async def release(
        self, transaction: Transaction, organization: OrganizationId, room: Person, since: Instant
    ) -> Sequence[InterviewId]:
        """Delete all bookings of a room; return the interviews among them that end after `since`, ascending."""
        named = {"organization": organization, "room": room}
        rows = await transaction.rows(self._booked, {**named, "since": int(since)})
        await transaction.run(self._release, named)
        return [InterviewId(row[0]) for row in rows]

    async def count(self, transaction: Transaction, organization: OrganizationId, added: int) -> None:
        """Raise, or lower, the number of an organization's rooms."""
        await transaction.run(self._count, {"organization": organization, "added": added})


class RoomRows:
    """The `RoomWriter` of an organization within a transaction; while it has no room, nothing is looked up."""

    def __init__(
        self, bookings: RoomBookings, transaction: Transaction, organization: Organization, now: Instant
    ) -> None:
        self._bookings = bookings
        self._transaction = transaction
        self._organization = organization
        self._now = now

    async def at(self, location: str | None) -> Person | None:
        """Return the number by which the room with a location's name is booked; None if no room has that name."""
        if location is None or not self._organization.room_count:
            return None
        return await self._bookings.at(self._transaction, self._organization.id, location)

    async def book(self, room: Person, name: str) -> None:
        """Book a room that is new, or has a new name, for the interviews at that location that have not ended."""
        await self._bookings.book(self._transaction, self._organization.id, room, name, self._now)

    async def release(self, room: Person) -> Sequence[InterviewId]:
        """Delete all bookings of a room; return the interviews among them that have not ended, ascending."""
        return await self._bookings.release(self._transaction, self._organization.id, room, self._now)

    async def count(self, added: int) -> None:
        """Raise, or lower, the number of the organization's rooms."""
        await self._bookings.count(self._transaction, self._organization.id, added)
