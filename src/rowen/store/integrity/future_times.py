"""Stored times that are in the future.

Owns how they are found in interviews, in records, and in the observations of people and stages. Must not know how they
came to be stored, or what repairs them.

`updated_at` must not be greater than the newest one in the ledger: clients that have seen it would miss every later
change. `created_at` must not be more than a day ahead of the clock and the ledger.
"""

from collections.abc import AsyncIterator
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Select, Table, bindparam, func, select

from rowen.app.archive import KEPT, singular
from rowen.app.records import APPLICATIONS, CANDIDATES, JOB_STAGES, JOBS, RESOURCES, SCORECARDS, USERS
from rowen.interviews.clock_skew import LIMIT
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant
from rowen.interviews.observations import Fact, PersonFacts
from rowen.store.engines.base import Engine, Transaction
from rowen.store.schema.tables import organizations, records, scheduled_interviews

KINDS: Final = (None, *RESOURCES, *KEPT)
"""The resources with times: interviews (None), and the records by their names in URLs."""

_NAMED: Final = 20  # how many rows of an organization are named
_CHUNK: Final = 5_000
_NO_LIMIT: Final = 2**63 - 1
_HINT: Final = "`rowen db repair` sets it to the present"
_NOUNS: Final[dict[str | None, str]] = {
    None: "interview",
    USERS: "user",
    APPLICATIONS: "application",
    JOB_STAGES: "job stage",
    SCORECARDS: "scorecard",
    CANDIDATES: "candidate",
    JOBS: "job",
    **{resource: singular(resource) for resource in KEPT},
}
_FIELDS: Final = {APPLICATIONS: ("applied_at", "last_activity_at")}
"""The columns of the times of creation and change, where their names differ."""


class Bounds(NamedTuple):
    """The latest times that rows of an organization may have, in milliseconds since 1970."""

    organization: OrganizationId
    updated_at: int
    created_at: int

    @classmethod
    def of(cls, organization: OrganizationId, newest: int, now: Instant | None) -> "Bounds":
        """Return the bounds for the newest time in the ledger, and for the clock if it is given."""
        return cls(organization, newest, _NO_LIMIT if now is None else max(newest, now) + LIMIT)


class FutureRow(NamedTuple):
    """A row with a time in the future; `resource` is None for an interview."""

    resource: str | None
    id: int
    created_at: int | None
    updated_at: int | None
    document: bytes | None


class FutureEvidence(NamedTuple):
    """Observations of a user or stage dated in the future; `repaired` dates them to the present."""

    resource: str
    id: int
    repaired: bytes


class FutureTimeCheck:
    """Finds rows whose times are in the future, within a transaction."""

    def __init__(self, engine: Engine) -> None:
        self._finders = {
            (table, column): engine.prepare(_finder(table, column))
            for table in (scheduled_interviews, records)
            for column in ("updated_at", "created_at")
        }
        self._counters = {
            (table, column): engine.prepare(_counter(table, column))
            for table in (scheduled_interviews, records)
            for column in ("updated_at", "created_at")
        }
        self._organizations = engine.prepare(
            select(organizations.c.id, organizations.c.name, organizations.c.last_updated_at).order_by(
                organizations.c.id
            )
        )
        self._evidence = engine.prepare(
            select(records.c.id, records.c.evidence)
            .where(
                records.c.organization_id == bindparam("organization"),
                records.c.resource == bindparam("resource"),
                records.c.id > bindparam("after"),
                records.c.evidence.is_not(None),
            )
            .order_by(records.c.id)
            .limit(bindparam("most"))
        )

    async def rows(self, transaction: Transaction, bounds: Bounds, resource: str | None, most: int) -> list[FutureRow]:
        """Return rows of one kind, at most `most`, ascending by id."""
        found: dict[int, FutureRow] = {}
        for column in ("updated_at", "created_at"):
            statement = self._finders[_table_of(resource), column]
            parameters = {**_parameters(bounds, resource, column), "most": most}
            for row in await transaction.rows(statement, parameters):
                found[row[0]] = FutureRow(resource, *row)
        return [found[identifier] for identifier in sorted(found)[:most]]

    async def evidence(
        self, transaction: Transaction, bounds: Bounds, present: Instant
    ) -> AsyncIterator[FutureEvidence]:
        """Yield the observations of users and stages dated after the bound of creation."""
        for resource in (USERS, JOB_STAGES):
            after, more = 0, True
            while more:
                parameters = {"organization": bounds.organization, "resource": resource, "after": after, "most": _CHUNK}
                rows = await transaction.rows(self._evidence, parameters)
                for identifier, evidence in rows:
                    repaired = _repaired(resource, evidence, bounds.created_at, present)
                    if repaired is not None:
                        yield FutureEvidence(resource, identifier, repaired)
                    after = identifier
                more = len(rows) == _CHUNK

    async def faults(self, transaction: Transaction, now: Instant | None) -> list[str]:
        """Return a sentence for each time, the first few of each organization, and the number of others.

        Without `now` only times that contradict the ledger are found.
        """
        found: list[str] = []
        for identifier, _, newest in await transaction.rows(self._organizations, {}):
            bounds = Bounds.of(identifier, newest, now)
            named = [
                sentence
                for resource in KINDS
                for row in await self.rows(transaction, bounds, resource, _NAMED)
                for sentence in _sentences(bounds, row)
            ]
            found += named[:_NAMED]
            if len(named) > _NAMED:
                others = await self._count(transaction, bounds) - _NAMED
                found.append(f"organization {identifier}: {others:,} more times are in the future: {_HINT}")
            if now is not None:
                found += [
                    f"{_NOUNS[each.resource]} {each.id} of organization {identifier}: "
                    f"what interviews say of it is dated in the future: {_HINT}"
                    async for each in self.evidence(transaction, bounds, now)
                ][:_NAMED]
        return found

    async def _count(self, transaction: Transaction, bounds: Bounds) -> int:
        """Count the times, not the rows: two in one count twice."""
        total = 0
        for resource in KINDS:
            for column in ("updated_at", "created_at"):
                statement = self._counters[_table_of(resource), column]
                row = await transaction.row(statement, _parameters(bounds, resource, column))
                total += row[0] if row else 0
        return total

    async def ledgers_ahead(self, transaction: Transaction, now: Instant) -> list[str]:
        """Return a sentence for each organization whose ledger is more than a day ahead of the clock."""
        return [
            f"organization {name}: its newest change is dated {written(newest)}, more than a day ahead of this "
            "machine's clock; until the clock has caught up, each change is dated a millisecond after the one before"
            for _, name, newest in await transaction.rows(self._organizations, {})
            if newest > now + LIMIT
        ]


def _table_of(resource: str | None) -> Table:
    return scheduled_interviews if resource is None else records


def _parameters(bounds: Bounds, resource: str | None, column: str) -> dict[str, Any]:
    latest = bounds.updated_at if column == "updated_at" else bounds.created_at
    return {"organization": bounds.organization, "resource": resource, "latest": latest}


def _matching(statement: Select[Any], table: Table, column: str) -> Select[Any]:
    statement = statement.where(
        table.c.organization_id == bindparam("organization"), table.c[column] > bindparam("latest")
    )
    return statement if table is scheduled_interviews else statement.where(table.c.resource == bindparam("resource"))


def _finder(table: Table, column: str) -> Select[Any]:
    wanted = select(table.c.id, table.c.created_at, table.c.updated_at, table.c.document)
    return _matching(wanted, table, column).order_by(table.c[column], table.c.id).limit(bindparam("most"))


def _counter(table: Table, column: str) -> Select[Any]:
    return _matching(select(func.count(table.c.id)), table, column)


def _sentences(bounds: Bounds, row: FutureRow) -> list[str]:
    created, updated = _FIELDS.get(row.resource or "", ("created_at", "updated_at"))
    times = ((created, row.created_at, bounds.created_at), (updated, row.updated_at, bounds.updated_at))
    return [
        f"{_NOUNS[row.resource]} {row.id} of organization {bounds.organization}: its {name} is in the future "
        f"({written(time)}): {_HINT}"
        for name, time, latest in times
        if time is not None and time > latest
    ]


def written(time: int) -> str:
    """Return a stored time as text, even if it is outside of the years that documents may have."""
    try:
        return str(Instant(time))
    except (ValueError, OverflowError):
        return f"{time} ms since 1970"


_read_person: Final = msgspec.msgpack.Decoder(PersonFacts).decode
_read_name: Final = msgspec.msgpack.Decoder(Fact | None).decode
_encode: Final = msgspec.msgpack.Encoder().encode


def _repaired(resource: str, evidence: bytes, latest: int, present: Instant) -> bytes | None:
    """Return evidence with times after `latest` set to the present, or None if there are none."""
    if resource == USERS:
        person = _read_person(evidence)
        repaired = PersonFacts(*(_until_now(fact, latest, present) for fact in person))
        return None if repaired == person else _encode(repaired)
    name = _read_name(evidence)
    now = _until_now(name, latest, present)
    return None if now == name else _encode(now)


def _until_now(fact: Fact | None, latest: int, present: Instant) -> Fact | None:
    return fact if fact is None or fact[0] <= latest else (int(present), fact[1])
