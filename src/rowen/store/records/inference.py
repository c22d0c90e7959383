"""Inference of users, applications and job stages from interviews, for records that were not imported.

Owns how the observations of a batch are collected and stored. Must not know the form of a document. An imported record
is never replaced here. The order in which interviews arrive makes no difference to the result: the evidence stored with
each record ensures that (`interviews.observations`). Columns are called `derived` and `evidence`: renaming them would
cost a migration.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Final, Generic, NamedTuple, Protocol, TypeVar

import msgspec
from sqlalchemy import bindparam, select, update

from rowen.app.interviews import Codec, InterviewRow
from rowen.app.records import ACTIVE, APPLICATIONS, JOB_STAGES, USERS, RecordCodec, RecordRow
from rowen.interviews.interview import InterviewReference, OrganizationId
from rowen.interviews.moments import Instant
from rowen.interviews.observations import NO_FACTS, Fact, Observation, PersonFacts, latest, observe
from rowen.store.engines.base import Engine, Prepared, Transaction, constant
from rowen.store.records.clamping import Present
from rowen.store.records.writer import RecordWriter
from rowen.store.schema.tables import records, terms

_NEVER: Final = -(2**63)  # the time of an interview without `updated_at`
_LATEST: Final = 2**63 - 1

_APPLICATION: Final = ("organization_id", "resource", "id", "created_at", "updated_at", "status", "derived")
"""The columns of an application that is known from interviews only, in the order of the table."""

_encode: Final = msgspec.msgpack.Encoder().encode
_read_person: Final = msgspec.msgpack.Decoder(PersonFacts).decode
_read_name: Final = msgspec.msgpack.Decoder(Fact | None).decode


class _Identified(Protocol):
    """An observation of a record, which may name its id."""

    @property
    def id(self) -> int | None: ...


Seen = TypeVar("Seen", bound=_Identified)
Facts = TypeVar("Facts")


@dataclass(frozen=True, slots=True)
class _Kind(Generic[Seen, Facts]):
    """How the records of a resource follow from observations."""

    resource: str
    nothing: Facts
    """The facts before the first observation."""
    read: Callable[[bytes], Facts]
    """Read facts that were stored as evidence."""
    observe: Callable[[Facts, Seen, int], Facts]
    """Return the facts after one more observation, in an interview updated at that time."""
    texts: Callable[[Facts], object]
    """Return the visible part of the facts."""
    infer: Callable[[int, Facts, tuple[Instant, Instant]], RecordRow]
    """Return the record of an id, created and updated at those times."""


class _Known(NamedTuple):
    """The stored part of a record; its evidence only if requested."""

    id: int
    derived: bool
    created_at: int | None
    updated_at: int | None
    evidence: bytes | None = None


@dataclass(slots=True)
class _Gathered:
    """The observations of a batch, each once, with the newest time of an interview that has it."""

    people: dict[Observation, int] = field(default_factory=dict)
    stages: dict[InterviewReference, int] = field(default_factory=dict)
    applied: dict[int, int] = field(default_factory=dict)
    """The latest time by which each application was created."""
    active: dict[int, int] = field(default_factory=dict)
    """When the newest interview of each application was updated."""


class _Change(NamedTuple):
    """An inferred record to be written: its evidence, and its row if that differs."""

    id: int
    evidence: bytes
    record: RecordRow | None


class RecordInference:
    """Infers records from interviews, within their transaction."""

    def __init__(self, engine: Engine, codec: Codec, records_codec: RecordCodec) -> None:
        self._codec = codec
        self._users: _Kind[Observation, PersonFacts] = _Kind(
            USERS, NO_FACTS, _read_person, observe, PersonFacts.texts, records_codec.inferred_user
        )
        self._stages: _Kind[InterviewReference, Fact | None] = _Kind(
            JOB_STAGES,
            None,
            _read_name,
            lambda known, reference, time: latest(known, reference.name, time),
            lambda fact: fact and fact[1],
            records_codec.inferred_job_stage,
        )
        self._writer = RecordWriter(engine)
        self._bind = engine.bind_identifiers
        listed = engine.id_in(records.c.id, "ids")
        of = (records.c.organization_id == bindparam("organization"), records.c.resource == bindparam("resource"))
        known = select(records.c.id, records.c.derived, records.c.created_at, records.c.updated_at)
        self._times = engine.prepare(known.where(*of, listed))
        self._evidence = engine.prepare(known.add_columns(records.c.evidence).where(*of, listed))
        self._insert_application = engine.prepare_insert(records, _APPLICATION)
        one = (records.c.organization_id == bindparam("organization"), records.c.id == bindparam("one"))
        self._update_application = engine.prepare(
            update(records)
            .where(*one, records.c.resource == constant(APPLICATIONS))
            .values(created_at=bindparam("created"), updated_at=bindparam("updated"))
        )
        self._update_evidence = engine.prepare(
            update(records).where(*one, records.c.resource == bindparam("resource")).values(evidence=bindparam("known"))
        )
        held = (
            select(terms.c.value)
            .join(
                records,
                (records.c.organization_id == terms.c.organization_id)
                & (records.c.resource == terms.c.resource)
                & (records.c.id == terms.c.id),
            )
            .where(
                terms.c.organization_id == bindparam("organization"),
                terms.c.resource == constant(JOB_STAGES),
                terms.c.name == constant("interview_id"),
                ~records.c.derived,
            )
        )
        self._held = engine.prepare(held)

    async def infer(
        self, transaction: Transaction, organization: OrganizationId, drafts: Iterable[InterviewRow], present: Present
    ) -> bool:
        """Store a batch's observations, new records with the time of the commit; return whether clients can see any."""
        gathered = _gather(drafts, self._codec, present.now)
        timestamp = present.timestamp
        held = {int(value) for (value,) in await transaction.rows(self._held, {"organization": organization})}
        stages = {reference: time for reference, time in gathered.stages.items() if reference.id not in held}
        seen = [
            await self._keep_applications(transaction, organization, gathered),
            await self._keep(transaction, organization, self._users, gathered.people, timestamp),
            await self._keep(transaction, organization, self._stages, stages, timestamp),
        ]
        return any(seen)

    async def _keep_applications(
        self, transaction: Transaction, organization: OrganizationId, gathered: _Gathered
    ) -> bool:
        stored = await self._stored(transaction, organization, APPLICATIONS, gathered.applied)
        new: list[tuple[Any, ...]] = []
        changed: list[tuple[Any, ...]] = []
        for identifier, created in sorted(gathered.applied.items()):
            updated = gathered.active.get(identifier)
            known = stored.get(identifier)
            if known is None:
                new.append((organization, APPLICATIONS, identifier, created, updated, ACTIVE, True))
            elif known.derived:
                first = created if known.created_at is None else min(created, known.created_at)
                times = [time for time in (updated, known.updated_at) if time is not None]
                last = max(times, default=None)
                if (first, last) != (known.created_at, known.updated_at):
                    changed.append((organization, identifier, first, last))
        if new:
            await transaction.insert(self._insert_application, new)
        await _run_all(transaction, self._update_application, ("organization", "one", "created", "updated"), changed)
        return bool(new or changed)

    async def _keep(
        self,
        transaction: Transaction,
        organization: OrganizationId,
        kind: _Kind[Seen, Facts],
        observations: Mapping[Seen, int],
        timestamp: Instant,
    ) -> bool:
        """Store the observations of one resource; return whether clients can see any change."""
        by_id: dict[int, list[tuple[Seen, int]]] = {}
        for observation, time in observations.items():
            if observation.id is not None:
                by_id.setdefault(observation.id, []).append((observation, time))
        stored = await self._stored(transaction, organization, kind.resource, by_id, evidence=True)
        found = [
            change
            for identifier, seen in by_id.items()
            if (change := _change(kind, identifier, stored.get(identifier), seen, timestamp)) is not None
        ]
        return await self._write(transaction, organization, kind.resource, found)

    async def _stored(
        self,
        transaction: Transaction,
        organization: OrganizationId,
        resource: str,
        identifiers: Iterable[int],
        *,
        evidence: bool = False,
    ) -> dict[int, _Known]:
        """Return the stored records, by id."""
        ids = self._bind(sorted(identifiers))
        parameters = {"organization": organization, "resource": resource, "ids": ids}
        rows = await transaction.rows(self._evidence if evidence else self._times, parameters)
        return {known.id: known for known in (_Known(*row) for row in rows)}

    async def _write(
        self, transaction: Transaction, organization: OrganizationId, resource: str, found: list[_Change]
    ) -> bool:
        written = [change.record for change in found if change.record is not None]
        if written:
            await self._writer.put_all(transaction, organization, written)
        rows = [(organization, resource, change.id, change.evidence) for change in found]
        await _run_all(transaction, self._update_evidence, ("organization", "resource", "one", "known"), rows)
        return bool(written)


def _change(
    kind: _Kind[Seen, Facts], identifier: int, known: _Known | None, seen: Iterable[tuple[Seen, int]], now: Instant
) -> _Change | None:
    """Return the change to a record after observations; None if it was imported, or nothing differs."""
    if known is not None and not known.derived:
        return None
    before = kind.nothing if known is None or known.evidence is None else kind.read(known.evidence)
    after = before
    for observation, time in seen:
        after = kind.observe(after, observation, time)
    if known is not None and after == before:
        return None
    record = None
    if known is None or kind.texts(after) != kind.texts(before):
        created_at = now if known is None or known.created_at is None else Instant(known.created_at)
        record = kind.infer(identifier, after, (created_at, now))
    return _Change(identifier, _encode(after), record)


def _gather(drafts: Iterable[InterviewRow], codec: Codec, now: Instant) -> _Gathered:
    """Collect the observations of a batch. Written for speed: a repeated observation costs one lookup in a dict.

    An application is created no later than now, even if its only interview is in the future and has no `created_at`.
    """
    gathered = _Gathered()
    people, stages, applied, active = gathered.people, gathered.stages, gathered.applied, gathered.active
    seen, read = people.get, codec.observations
    for draft in drafts:
        observed = read(draft.document)
        updated = draft.updated_at
        time = _NEVER if updated is None else updated
        created = min(draft.starts_at, now) if draft.created_at is None else draft.created_at
        application = draft.application_id
        if created < applied.get(application, _LATEST):
            applied[application] = created
        if updated is not None and time > active.get(application, _NEVER):
            active[application] = time
        if (stage := observed.interview) is not None and time >= stages.get(stage, _NEVER):
            stages[stage] = time
        if (organizer := observed.organizer) is not None and time >= seen(organizer, _NEVER):
            people[organizer] = time
        for interviewer in observed.interviewers:
            if time >= seen(interviewer, _NEVER):
                people[interviewer] = time
    return gathered


async def _run_all(
    transaction: Transaction, statement: Prepared, names: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Run a statement for each row of values, which are in the order of `names`."""
    if rows:
        pick = itemgetter(*(names.index(name) for name in statement.parameters))
        await transaction.run_many(statement, [pick(row) for row in rows])
