"""What interviews say of the things around them: users, applications and job stages known from nothing better.

Owns how that is gathered from a batch and kept. Must not know what a document looks like. What is imported of a
record is better than anything derived: it is never replaced here. Whatever the order in which interviews arrive,
the same is known in the end; hence the evidence beside each record (`interviews.mentions`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import bindparam, literal_column, select, update
from sqlalchemy.sql.elements import ColumnElement

from rowen.app.ports import Codec, Draft, RecordDraft
from rowen.app.records import APPLICATIONS, JOB_STAGES, USERS, RecordCodec
from rowen.interviews.interview import InterviewReference, OrganizationId
from rowen.interviews.mentions import UNKNOWN, Mention, Person, Said, hear, newer
from rowen.interviews.moments import Instant
from rowen.store.engine import Engine, Prepared, Transaction
from rowen.store.records import RecordWriter
from rowen.store.tables import records, terms

_NEVER: Final = -(2**63)  # when an interview without `updated_at` was updated
_LATEST: Final = 2**63 - 1

_APPLICATION: Final = ("organization_id", "resource", "id", "created_at", "updated_at", "status", "derived")
"""What is given of an application that is known from interviews only, in the order of the table."""

_encode: Final = msgspec.msgpack.Encoder().encode
_read_person: Final = msgspec.msgpack.Decoder(Person).decode
_read_name: Final = msgspec.msgpack.Decoder(Said | None).decode


@dataclass(slots=True)
class _Gathered:
    """What a batch says, each statement once, with the newest time at which it is made."""

    people: dict[Mention, int] = field(default_factory=dict)
    stages: dict[InterviewReference, int] = field(default_factory=dict)
    applied: dict[int, int] = field(default_factory=dict)
    """The first time that an application is known at."""
    active: dict[int, int] = field(default_factory=dict)
    """When the newest interview of an application was updated."""


class _Change(NamedTuple):
    """A derived record that is to be written: what is known of it, and as it will be stored if that differs."""

    id: int
    evidence: bytes
    record: RecordDraft | None


class Deriver:
    """Keeps what interviews say of the things around them, within a transaction."""

    def __init__(self, engine: Engine, codec: Codec, records_codec: RecordCodec) -> None:
        self._codec = codec
        self._records = records_codec
        self._writer = RecordWriter(engine)
        self._bind = engine.bind_identifiers
        listed = engine.among(records.c.id, "ids")
        of = (records.c.organization_id == bindparam("organization"), records.c.resource == bindparam("resource"))
        known = select(records.c.id, records.c.derived, records.c.created_at, records.c.updated_at)
        self._times = engine.prepare(known.where(*of, listed))
        self._evidence = engine.prepare(known.add_columns(records.c.evidence).where(*of, listed))
        self._insert_application = engine.prepare_insert(records, _APPLICATION)
        one = (records.c.organization_id == bindparam("organization"), records.c.id == bindparam("one"))
        self._update_application = engine.prepare(
            update(records)
            .where(*one, records.c.resource == _literal(APPLICATIONS))
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
                terms.c.resource == _literal(JOB_STAGES),
                terms.c.name == literal_column("'interview_id'"),
                ~records.c.derived,
            )
        )
        self._held = engine.prepare(held)

    async def derive(
        self, transaction: Transaction, organization: OrganizationId, drafts: Iterable[Draft], stamp: Instant
    ) -> bool:
        """Keep what a batch says, new records stamped with `stamp`; return whether a client can see any of it."""
        gathered = _gather(drafts, self._codec)
        seen = [
            await self._keep_applications(transaction, organization, gathered),
            await self._keep_users(transaction, organization, gathered, stamp),
            await self._keep_stages(transaction, organization, gathered, stamp),
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
            row = stored.get(identifier)
            if row is None:
                new.append((organization, APPLICATIONS, identifier, created, updated, "active", True))
            elif row[1]:
                first = min(created, _LATEST if row[2] is None else row[2])
                last = updated if row[3] is None else max(row[3], _NEVER if updated is None else updated)
                if (first, last) != (row[2], row[3]):
                    changed.append((organization, identifier, first, last))
        if new:
            await transaction.insert(self._insert_application, new)
        await _run_all(transaction, self._update_application, ("organization", "one", "created", "updated"), changed)
        return bool(new or changed)

    async def _keep_users(
        self, transaction: Transaction, organization: OrganizationId, gathered: _Gathered, stamp: Instant
    ) -> bool:
        by_id: dict[int, list[tuple[Mention, int]]] = {}
        for mention, time in gathered.people.items():
            if mention.id is not None:
                by_id.setdefault(mention.id, []).append((mention, time))
        stored = await self._stored(transaction, organization, USERS, by_id, evidence=True)
        found: list[_Change] = []
        for identifier, mentions in by_id.items():
            row = stored.get(identifier)
            if row is not None and not row[1]:
                continue
            before = UNKNOWN if row is None or row[4] is None else _read_person(row[4])
            after = before
            for mention, time in mentions:
                after = hear(after, mention, time)
            if row is None or after != before:
                differs = row is None or after.texts() != before.texts()
                at = (stamp if row is None or row[2] is None else Instant(row[2]), stamp)
                made = self._records.derived_user(identifier, after, at) if differs else None
                found.append(_Change(identifier, _encode(after), made))
        return await self._write(transaction, organization, USERS, found)

    async def _keep_stages(
        self, transaction: Transaction, organization: OrganizationId, gathered: _Gathered, stamp: Instant
    ) -> bool:
        by_id: dict[int, list[tuple[str | None, int]]] = {}
        for reference, time in gathered.stages.items():
            if reference.id is not None:
                by_id.setdefault(reference.id, []).append((reference.name, time))
        stored = await self._stored(transaction, organization, JOB_STAGES, by_id, evidence=True)
        held = {row[0] for row in await transaction.rows(self._held, {"organization": organization})}
        found: list[_Change] = []
        for identifier, names in by_id.items():
            row = stored.get(identifier)
            if str(identifier) in held or (row is not None and not row[1]):
                continue
            before = None if row is None or row[4] is None else _read_name(row[4])
            after = before
            for name, time in names:
                after = newer(after, name, time)
            if row is None or after != before:
                differs = row is None or before is None or after is None or after[1] != before[1]
                at = (stamp if row is None or row[2] is None else Instant(row[2]), stamp)
                made = self._records.derived_job_stage(identifier, after, at) if differs else None
                found.append(_Change(identifier, _encode(after), made))
        return await self._write(transaction, organization, JOB_STAGES, found)

    async def _stored(
        self,
        transaction: Transaction,
        organization: OrganizationId,
        resource: str,
        identifiers: Iterable[int],
        *,
        evidence: bool = False,
    ) -> dict[int, Any]:
        """Return the rows of the ids that are stored: id, derived, created_at, updated_at, and the evidence."""
        ids = self._bind(sorted(identifiers))
        parameters = {"organization": organization, "resource": resource, "ids": ids}
        rows = await transaction.rows(self._evidence if evidence else self._times, parameters)
        return {row[0]: row for row in rows}

    async def _write(
        self, transaction: Transaction, organization: OrganizationId, resource: str, found: list[_Change]
    ) -> bool:
        written = [change.record for change in found if change.record is not None]
        if written:
            await self._writer.put_all(transaction, organization, written)
        rows = [(organization, resource, change.id, change.evidence) for change in found]
        await _run_all(transaction, self._update_evidence, ("organization", "resource", "one", "known"), rows)
        return bool(written)


def _gather(drafts: Iterable[Draft], codec: Codec) -> _Gathered:
    """Put together what a batch says. Written for speed: a statement heard before costs one look into a dict."""
    gathered = _Gathered()
    people, stages, applied, active = gathered.people, gathered.stages, gathered.applied, gathered.active
    heard, read = people.get, codec.mentions
    for draft in drafts:
        said = read(draft.document)
        updated = draft.updated_at
        time = _NEVER if updated is None else updated
        created = draft.starts_at if draft.created_at is None else draft.created_at
        application = draft.application_id
        if created < applied.get(application, _LATEST):
            applied[application] = created
        if updated is not None and time > active.get(application, _NEVER):
            active[application] = time
        if (stage := said.interview) is not None and time >= stages.get(stage, _NEVER):
            stages[stage] = time
        if (organizer := said.organizer) is not None and time >= heard(organizer, _NEVER):
            people[organizer] = time
        for interviewer in said.interviewers:
            if time >= heard(interviewer, _NEVER):
                people[interviewer] = time
    return gathered


async def _run_all(
    transaction: Transaction, statement: Prepared, names: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Run a statement for each row of values, which stand in the order of `names`."""
    if rows:
        pick = itemgetter(*(names.index(name) for name in statement.parameters))
        await transaction.run_many(statement, [pick(row) for row in rows])


def _literal(text: str) -> ColumnElement[Any]:
    return literal_column(f"'{text}'")
