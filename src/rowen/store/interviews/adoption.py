"""Marking imported interviews as created through the API.

Owns that this goes through the ledger, in transactions short enough to run next to servers. Must not know why
interviews are adopted. Documents, and with them `updated_at` and ETags of interviews, stay as they are; the revision
rises, so that lists with `actionable` are read again (docs/decisions/0024-adoption.md).
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Final

from sqlalchemy import bindparam, false, func, select, true, update

from rowen.app.adoption import Adopted
from rowen.app.organizations import Organization
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.interview import OrganizationId, Status
from rowen.interviews.moments import Instant
from rowen.interviews.query import InterviewQuery
from rowen.store.engines.base import Engine, Transaction, constant
from rowen.store.interviews import statements
from rowen.store.ledger.ledger import Ledger, next_state
from rowen.store.schema.tables import scheduled_interviews

_CHUNK: Final = 2_000  # interviews marked in one transaction: some milliseconds
_NAMED: Final = 10  # how many missing interviews are named


class InterviewAdopter:
    """The `Adopter` on an engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._ledger = Ledger(engine)
        stored = scheduled_interviews.c
        of_organization = stored.organization_id == bindparam("organization")
        listed = engine.id_in(stored.id, "ids")
        closed = stored.created_through_api.is_(false())
        counted = select(func.count(stored.id)).where(of_organization)
        self._existing = engine.prepare(select(stored.id).where(of_organization, listed))
        self._closed = engine.prepare(counted.where(listed, closed))
        self._frozen = engine.prepare(
            counted.where(
                closed,
                stored.status == constant(Status.SCHEDULED),
                stored.starts_at > bindparam("now"),
            )
        )
        self._adopt = engine.prepare(
            update(scheduled_interviews).where(of_organization, listed, closed).values(created_through_api=true())
        )

    async def adopt(
        self,
        organization: Organization,
        query: InterviewQuery,
        identifiers: Sequence[int],
        *,
        now: Instant,
        dry_run: bool = False,
    ) -> Adopted:
        """Mark the matching interviews as created through the API; only those among `identifiers`, if there are any.

        With `dry_run` they are only counted. Raises Refusal (not found), before anything is written, if an identifier
        is unknown.
        """
        wanted = await self._wanted(organization.id, query, identifiers)
        adopted = 0
        for chunk in _chunks(wanted):
            adopted += await (
                self._count(organization.id, chunk) if dry_run else self._mark(organization.id, chunk, now)
            )
        return Adopted(adopted, len(wanted) - adopted)

    async def frozen(self, organization: Organization, now: Instant) -> int:
        """Return how many interviews are scheduled in the future and cannot be changed by clients."""
        parameters = {"organization": organization.id, "now": int(now)}

        async def work(transaction: Transaction) -> int:
            row = await transaction.row(self._frozen, parameters)
            return row[0] if row else 0

        return await self._engine.read(work)

    async def _wanted(
        self, organization: OrganizationId, query: InterviewQuery, identifiers: Sequence[int]
    ) -> "array[int]":
        """Return the ids of the matching interviews, ascending. Raises Refusal (not found)."""
        if not identifiers:
            return await self._matching(organization, query)
        listed = array("q", sorted(set(identifiers)))
        await self._require(organization, listed)
        if not query.criteria:
            return listed
        matching = await self._matching(organization, query)
        return array("q", (each for each in listed if _holds(matching, each)))

    async def _matching(self, organization: OrganizationId, query: InterviewQuery) -> "array[int]":
        criteria = query.criteria
        gathered = self._engine.prepare(statements.gathered(self._engine, frozenset(criteria)))

        async def work(transaction: Transaction) -> "array[int]":
            row = await transaction.row(gathered, {"organization": organization, **criteria})
            return array("q") if row is None else self._engine.read_identifiers(row[-1])

        return await self._engine.read(work)

    async def _require(self, organization: OrganizationId, identifiers: "array[int]") -> None:
        missing: list[int] = []
        for chunk in _chunks(identifiers):
            asked = {"organization": organization, "ids": self._engine.bind_identifiers(chunk)}
            missing += sorted(set(chunk) - {row[0] for row in await self._engine.rows(self._existing, asked)})
        if missing:
            more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
            named = ", ".join(map(str, missing[:_NAMED]))
            raise Refusal(Code.NOT_FOUND, f"there is no interview {named}{more}: nothing was changed")

    async def _count(self, organization: OrganizationId, chunk: "array[int]") -> int:
        row = await self._engine.row(
            self._closed, {"organization": organization, "ids": self._engine.bind_identifiers(chunk)}
        )
        return row[0] if row else 0

    async def _mark(self, organization: OrganizationId, chunk: "array[int]", now: Instant) -> int:
        async def work(transaction: Transaction) -> int:
            state = await self._ledger.take(transaction, organization)
            asked = {"organization": organization, "ids": self._engine.bind_identifiers(chunk)}
            marked = await transaction.run(self._adopt, asked)
            if marked:
                await self._ledger.advance(transaction, organization, next_state(state, now))
            return marked

        return await self._engine.write(work, organization)


def _chunks(identifiers: "array[int]") -> Iterator["array[int]"]:
    return (identifiers[start : start + _CHUNK] for start in range(0, len(identifiers), _CHUNK))


def _holds(ascending: "array[int]", identifier: int) -> bool:
    position = bisect_left(ascending, identifier)
    return position < len(ascending) and ascending[position] == identifier
