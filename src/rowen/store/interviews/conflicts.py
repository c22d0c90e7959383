"""Finding double bookings.

Owns reading the bookings of an organization in the order of persons and starts; rooms come after all persons. Must not
know when bookings overlap.
"""

from functools import partial
from itertools import islice
from typing import Final

from sqlalchemy import bindparam, select

from rowen.app.conflicts import Conflict, ConflictQuery
from rowen.app.interviews import Codec
from rowen.app.organizations import Organization
from rowen.app.records import USERS
from rowen.interviews.overlaps import Booked, Overlap, overlaps
from rowen.interviews.people import fold, person_of
from rowen.interviews.rooms import person_of_room, room_of_person
from rowen.store.engines.base import Engine, Row, Transaction, constant
from rowen.store.rooms import RoomBookings
from rowen.store.schema.tables import panel, scheduled_interviews, terms

_ALWAYS: Final = (-(2**63), 2**63 - 1)
_ANYBODY: Final = (-(2**63), 2**63 - 1)


class ConflictFinder:
    """The `Conflicts` on an engine."""

    def __init__(self, engine: Engine, codec: Codec) -> None:
        self._engine = engine
        self._codec = codec
        self._rooms = RoomBookings(engine, codec)
        self._booked = engine.prepare(
            select(panel.c.person, panel.c.starts_at, panel.c.ends_at, panel.c.interview_id)
            .where(
                panel.c.organization_id == bindparam("organization"),
                panel.c.person >= bindparam("first"),
                panel.c.person <= bindparam("last"),
                panel.c.ends_at > bindparam("since"),
                panel.c.starts_at < bindparam("until"),
            )
            .order_by(panel.c.person, panel.c.starts_at, panel.c.interview_id)
        )
        self._users = engine.prepare(
            select(terms.c.id)
            .where(
                terms.c.organization_id == bindparam("organization"),
                terms.c.resource == constant(USERS),
                terms.c.name == constant("email"),
                terms.c.value == bindparam("email"),
            )
            .order_by(terms.c.id)
        )
        interviews = scheduled_interviews.c
        self._document = engine.prepare(
            select(interviews.document).where(
                interviews.organization_id == bindparam("organization"), interviews.id == bindparam("interview")
            )
        )

    async def find(self, organization: Organization, query: ConflictQuery) -> tuple[list[Conflict], bool]:
        """Return the overlaps, ordered by person and start, and whether there are more than requested."""
        copy = self._engine.reader_for(organization.id, organization.version)
        return await copy.read(partial(self._find, organization, query))

    async def _find(
        self, organization: Organization, query: ConflictQuery, transaction: Transaction
    ) -> tuple[list[Conflict], bool]:
        asked = {
            "organization": organization.id,
            "since": _ALWAYS[0] if query.since is None else int(query.since),
            "until": _ALWAYS[1] if query.until is None else int(query.until),
        }
        rows: list[Row] = []
        for first, last in await self._persons(organization, query, transaction):
            rows += await transaction.rows(self._booked, {**asked, "first": first, "last": last})
        found = list(islice(overlaps(Booked(*row) for row in rows), query.most + 1))
        conflicts = [await self._described(organization, overlap, transaction) for overlap in found[: query.most]]
        return conflicts, len(found) > query.most

    async def _persons(
        self, organization: Organization, query: ConflictQuery, transaction: Transaction
    ) -> list[tuple[int, int]]:
        """Return the ranges of persons of a query."""
        if query.user_id is not None:
            return [(query.user_id, query.user_id)]
        if query.room_id is not None:
            return [(person_of_room(query.room_id), person_of_room(query.room_id))]
        if query.email is None:
            return [_ANYBODY]
        parameters = {"organization": organization.id, "email": fold(query.email)}
        users = [row[0] for row in await transaction.rows(self._users, parameters)]
        return [(each, each) for each in (person_of(None, query.email), *users)]

    async def _described(self, organization: Organization, overlap: Overlap, transaction: Transaction) -> Conflict:
        room = room_of_person(overlap.person)
        if room is not None:
            name = await self._rooms.name(transaction, organization.id, room)
            return Conflict(overlap, None, name, None, room)
        row = await transaction.row(
            self._document, {"organization": organization.id, "interview": overlap.interviews[0]}
        )
        if row is not None:
            for each in self._codec.decode(row[0]).interviewers:
                if person_of(each.id, each.email) == overlap.person:
                    return Conflict(overlap, each.id, each.name, each.email)
        return Conflict(overlap, overlap.person if overlap.person > 0 else None, None, None)
