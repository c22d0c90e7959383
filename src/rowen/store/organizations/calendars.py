"""The calendars of a database.

Owns their rows, and the statement that a request to a secret address begins with. Must not know a secret itself: only
its digest. Changes here raise no revision, as calendars are not part of the schedule.
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import bindparam, delete, func, insert, literal_column, select, update

from rowen.app.calendars import MOST_CALENDARS, READING, Calendar, CalendarKind, CalendarSubject
from rowen.app.keys import Identity
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant
from rowen.store.engines.base import Engine, Row, Transaction
from rowen.store.ledger.ledger import COLUMNS, Ledger, organization_of
from rowen.store.schema.credential_tables import calendars
from rowen.store.schema.tables import organizations

_RATE_LIMIT: Final = 10
"""How many requests an address may have in a window: calendar programs read one every few minutes at most."""

_PERMISSIONS: Final = frozenset({READING})
_OF: Final = calendars.c.organization_id == bindparam("organization")


class CalendarTable:
    """Reads and makes calendars through one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._ledger = Ledger(engine)
        own = calendars.c
        row = (own.id, own.kind, own.subject_id, own.created_at, own.last_used_at)
        self._all = engine.prepare(select(*row).where(_OF).order_by(own.id))
        of_subject = (own.kind == bindparam("kind"), own.subject_id == bindparam("subject"))
        self._of = engine.prepare(select(*row).where(_OF, *of_subject).order_by(own.id))
        self._find = engine.prepare(select(*row).where(_OF, own.digest == bindparam("digest")))
        self._authenticate = engine.prepare(
            select(own.id, *COLUMNS)
            .select_from(calendars.join(organizations, organizations.c.id == own.organization_id))
            .where(own.digest == bindparam("digest"))
        )
        self._standing = engine.prepare(
            select(func.coalesce(func.max(own.id), literal_column("0")), func.count()).where(_OF)
        )
        self._insert = engine.prepare(insert(calendars).values({each.name: bindparam(each.name) for each in own}))
        named = (_OF, own.id == bindparam("calendar"))
        self._remove = engine.prepare(delete(calendars).where(*named))
        self._use = engine.prepare(update(calendars).where(*named).values(last_used_at=bindparam("now")))

    async def add(
        self, organization: OrganizationId, subject: CalendarSubject, digest: bytes, now: Instant
    ) -> Calendar | None:
        """Store a calendar; None if the organization has as many as it may have."""

        async def work(transaction: Transaction) -> Calendar | None:
            await self._ledger.take(transaction, organization)
            last, count = await transaction.row(self._standing, {"organization": organization}) or (0, 0)
            if count >= MOST_CALENDARS:
                return None
            values = {
                "organization_id": organization,
                "id": last + 1,
                "kind": subject.kind.value,
                "subject_id": subject.id,
                "digest": digest,
                "created_at": int(now),
                "last_used_at": None,
            }
            await transaction.run(self._insert, values)
            return Calendar(last + 1, subject, now, None)

        return await self._engine.write(work)

    async def all(self, organization: OrganizationId) -> Sequence[Calendar]:
        """Return an organization's calendars, ordered by id."""
        return [_calendar(row) for row in await self._engine.rows(self._all, {"organization": organization})]

    async def of(self, organization: OrganizationId, subject: CalendarSubject) -> Sequence[Calendar]:
        """Return the calendars of a subject that has an id, ordered by id."""
        asked = {"organization": organization, "kind": subject.kind.value, "subject": subject.id}
        return [_calendar(row) for row in await self._engine.rows(self._of, asked)]

    async def find(self, organization: OrganizationId, digest: bytes) -> Calendar | None:
        """Return the calendar whose secret has this SHA-256 digest."""
        row = await self._engine.row(self._find, {"organization": organization, "digest": digest})
        return None if row is None else _calendar(row)

    async def remove(self, organization: OrganizationId, calendar: int) -> bool:
        """Remove a calendar; False if there is none with that id."""

        async def work(transaction: Transaction) -> int:
            return await transaction.run(self._remove, {"organization": organization, "calendar": calendar})

        return await self._engine.write(work) > 0

    async def authenticate(self, digest: bytes) -> Identity | None:
        """Return the identity of an address whose secret has this SHA-256 digest; None if there is none.

        Its id is that of the calendar, negative: no API key has such an id.
        """
        row = await self._engine.row(self._authenticate, {"digest": digest})
        if row is None:
            return None
        return Identity(-row[0], f"calendar {row[0]}", _PERMISSIONS, _RATE_LIMIT, organization_of(row[1:]))

    async def record_use(self, uses: Sequence[tuple[OrganizationId, int, Instant]]) -> None:
        """Store when addresses, by the ids of their identities, were last used."""
        order = self._use.parameters

        async def work(transaction: Transaction) -> None:
            rows = [
                {"organization": organization, "calendar": -identity, "now": int(now)}
                for organization, identity, now in sorted(uses)
            ]
            await transaction.run_many(self._use, [[row[name] for name in order] for row in rows])

        await self._engine.write(work)


def _calendar(row: Row) -> Calendar:
    identifier, kind, subject, created_at, last_used_at = row
    used = None if last_used_at is None else Instant(last_used_at)
    return Calendar(identifier, CalendarSubject(CalendarKind(kind), subject), Instant(created_at), used)
