"""Deleting users that nothing refers to.

Owns how references to a user are found: in interviews and in all other records. Must not know why a
user is deleted. The log of changes keeps a user's actions, with the name at that time.
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from typing import Final

from sqlalchemy import bindparam, select

from rowen.app.interviews import Codec
from rowen.app.organizations import Organization
from rowen.app.records import (
    APPLICATIONS,
    AVAILABILITY,
    CANDIDATES,
    JOB_STAGES,
    JOBS,
    POOLS,
    SCORECARDS,
    USERS,
    RecordCodec,
    UserRemoval,
)
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant
from rowen.interviews.people import User
from rowen.store.busy import BusyTable
from rowen.store.engines.base import Engine, Prepared, Transaction
from rowen.store.ledger.ledger import Ledger, next_state
from rowen.store.records.writer import RecordWriter
from rowen.store.schema.tables import records, scheduled_interviews

_CHUNK: Final = 2_000
_FIRST: Final = -(2**63)

_REFERRING: Final = {
    SCORECARDS: "scorecard",
    APPLICATIONS: "application",
    JOB_STAGES: "job stage",
    CANDIDATES: "candidate",
    JOBS: "job",
    POOLS: "pool",
}


class UserTable:
    """Deletes users through one engine."""

    def __init__(self, engine: Engine, codec: Codec, records_codec: RecordCodec) -> None:
        self._engine = engine
        self._codec = codec
        self._records_codec = records_codec
        self._ledger = Ledger(engine)
        self._writer = RecordWriter(engine)
        self._busy = BusyTable(engine)
        stored, kept = scheduled_interviews.c, records.c
        self._interviews = engine.prepare(
            select(stored.id, stored.document)
            .where(stored.organization_id == bindparam("organization"), stored.id > bindparam("after"))
            .order_by(stored.id)
            .limit(bindparam("size"))
        )
        self._records = engine.prepare(
            select(kept.id, kept.document)
            .where(
                kept.organization_id == bindparam("organization"),
                kept.resource == bindparam("resource"),
                kept.id > bindparam("after"),
            )
            .order_by(kept.id)
            .limit(bindparam("size"))
        )

    async def remove(
        self, organization: Organization, identifiers: Sequence[int] | None, *, now: Instant, dry_run: bool = False
    ) -> UserRemoval:
        """Delete users, all of them or none; with None, those without a name that nothing refers to."""

        async def work(transaction: Transaction) -> UserRemoval:
            ledger = await self._ledger.take(transaction, organization.id)
            wanted = set(identifiers) if identifiers is not None else await self._nameless(transaction, organization.id)
            found = await self._writer.get_all(transaction, organization.id, USERS, sorted(wanted))
            referred = await self._references(transaction, organization.id, set(found)) if found else {}
            removal = UserRemoval(
                removed=tuple(sorted(found.keys() - referred.keys())),
                referred=referred,
                missing=tuple(sorted(wanted - found.keys())),
            )
            refused = identifiers is not None and (removal.referred or removal.missing)
            if refused or dry_run or not removal.removed:
                return removal._replace(removed=()) if refused else removal
            names = ((resource, each) for resource in (USERS, AVAILABILITY) for each in removal.removed)
            await self._writer.remove_all(transaction, organization.id, names)
            for each in removal.removed:
                await self._busy.remove_user(transaction, organization.id, each)
            await self._ledger.advance(transaction, organization.id, next_state(ledger, now))
            return removal

        return await self._engine.write(work, organization.id)

    async def _nameless(self, transaction: Transaction, organization: OrganizationId) -> set[int]:
        """Return the users of whom only the id is known."""
        return {
            identifier
            async for identifier, document in self._documents(transaction, self._records, organization, USERS)
            if document is not None and _is_nameless(self._records_codec.user(document))
        }

    async def _references(
        self, transaction: Transaction, organization: OrganizationId, wanted: set[int]
    ) -> dict[int, str]:
        """Return the users that are referred to, each with one thing that refers to them."""
        found: dict[int, str] = {}
        async for identifier, document in self._documents(transaction, self._interviews, organization):
            if document is not None:
                _note(found, wanted, self._people_of(document), f"interview {identifier}")
        for resource, name in _REFERRING.items():
            async for identifier, document in self._documents(transaction, self._records, organization, resource):
                if document is not None:
                    _note(found, wanted, self._records_codec.people(document), f"{name} {identifier}")
        return found

    def _people_of(self, document: bytes) -> Iterator[int | None]:
        observed = self._codec.observations(document)
        if observed.organizer is not None:
            yield observed.organizer.id
        for interviewer in observed.interviewers:
            yield interviewer.id

    async def _documents(
        self, transaction: Transaction, statement: Prepared, organization: OrganizationId, resource: str | None = None
    ) -> AsyncIterator[tuple[int, bytes | None]]:
        """Yield ids and documents, chunk by chunk."""
        parameters = {"organization": organization} | ({} if resource is None else {"resource": resource})
        after = _FIRST
        while rows := await transaction.rows(statement, {**parameters, "after": after, "size": _CHUNK}):
            for identifier, document in rows:
                yield identifier, document
            after = rows[-1][0]


def _note(found: dict[int, str], wanted: set[int], people: Iterable[int | None], name: str) -> None:
    for person in people:
        if person in wanted and person is not None:
            found.setdefault(person, name)


def _is_nameless(user: User) -> bool:
    return not any((user.name, user.first_name, user.last_name, user.email, user.emails, user.employee_id))
