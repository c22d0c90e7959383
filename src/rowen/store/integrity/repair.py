"""Repairing stored times that are in the future.

Owns that a repair goes through the ledger, in transactions short enough to run next to servers: each interview is a
change of its own, with its document, its columns and its place in the feed written together. Must not know how such
times are found.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import BindParameter, bindparam, case, update

from rowen.app.archive import KEPT
from rowen.app.interviews import Codec, InterviewRow
from rowen.app.organizations import Organization
from rowen.app.outbox import events_of
from rowen.app.records import RESOURCES, RecordCodec, RecordRow
from rowen.interviews.changes import Actor, ActorKind, Change, ChangeSummary, Counts, FieldChange, Kind
from rowen.interviews.errors import Unavailable
from rowen.interviews.interview import ScheduledInterview
from rowen.interviews.moments import Instant
from rowen.store.engines.base import Engine, Transaction
from rowen.store.integrity.future_times import Bounds, FutureRow, FutureTimeCheck, written
from rowen.store.ledger.change_log import ChangeLog, LoggedChange
from rowen.store.ledger.ledger import Ledger, LedgerState, next_state
from rowen.store.schema.tables import interviewers, records, scheduled_interviews
from rowen.store.webhooks.outbox import Outbox

_CHUNK: Final = 500  # rows repaired in one transaction

_REPAIRED: Final = Change(Kind.REPAIRED, Actor(ActorKind.OPERATOR))


@dataclass(slots=True)
class Repaired:
    """How many interviews, and how many other records, were repaired."""

    interviews: int = 0
    records: int = 0


class Repairer:
    """Sets times in the future to the present."""

    def __init__(self, engine: Engine, codec: Codec, records_codec: RecordCodec) -> None:
        self._engine = engine
        self._codec = codec
        self._records_codec = records_codec
        self._times = FutureTimeCheck(engine)
        self._ledger = Ledger(engine)
        self._log = ChangeLog(engine, codec)
        self._outbox = Outbox(engine)
        values: dict[str, BindParameter[Any]] = {
            name: bindparam(f"new_{name}") for name in ("created_at", "updated_at", "document")
        }
        interviews, others = scheduled_interviews.c, records.c
        self._update_interview = engine.prepare(
            update(scheduled_interviews)
            .where(interviews.organization_id == bindparam("organization"), interviews.id == bindparam("one"))
            .values(values)
        )
        seats = interviewers.c
        time: BindParameter[int] = bindparam("time")
        self._update_interviewers = engine.prepare(
            update(interviewers)
            .where(seats.organization_id == bindparam("organization"), seats.interview_id == bindparam("one"))
            .values(
                created_at=case((seats.created_at > bindparam("latest_created"), time), else_=seats.created_at),
                updated_at=case((seats.updated_at > bindparam("latest_updated"), time), else_=seats.updated_at),
            )
        )
        one = (
            others.organization_id == bindparam("organization"),
            others.resource == bindparam("of"),
            others.id == bindparam("one"),
        )
        self._update_record = engine.prepare(update(records).where(*one).values(values))
        self._update_evidence = engine.prepare(update(records).where(*one).values(evidence=bindparam("new_evidence")))

    async def faults(self, now: Instant) -> list[str]:
        """Return what would be repaired, a sentence each."""

        async def work(transaction: Transaction) -> list[str]:
            return await self._times.faults(transaction, now)

        return await self._engine.read(work)

    async def repair(self, organization: Organization, now: Instant) -> Repaired:
        """Repair an organization. An interruption leaves complete transactions, and the repair may be run again."""
        done = Repaired()
        while count := await self._write(organization, self._repair_interviews, now):
            done.interviews += count
        for resource in (*RESOURCES, *KEPT):
            while count := await self._write(organization, self._repair_records, now, resource):
                done.records += count
        done.records += await self._write(organization, self._repair_evidence, now)
        return done

    async def _write(self, organization: Organization, work: Any, now: Instant, *arguments: Any) -> int:
        """Run work on the ledger in one transaction; it returns the new state of the ledger, and a count."""

        async def unit(transaction: Transaction) -> int:
            before = await self._ledger.take(transaction, organization.id)
            bounds = Bounds.of(organization.id, before.last_updated_at, now)
            state, count = await work(transaction, organization, bounds, before, now, *arguments)
            if state != before:
                await self._ledger.advance(transaction, organization.id, state)
            return int(count)

        return await self._engine.write(unit, organization.id)

    async def _repair_interviews(
        self, transaction: Transaction, organization: Organization, bounds: Bounds, state: LedgerState, now: Instant
    ) -> tuple[LedgerState, int]:
        found = await self._times.rows(transaction, bounds, None, _CHUNK)
        for row in found:
            state = next_state(state, now)
            draft = self._repaired(row, organization, bounds, state.last_updated_at)
            parameters = {**_new_values(draft), "organization": organization.id, "one": row.id}
            await transaction.run(self._update_interview, parameters)
            latest = {"latest_created": bounds.created_at, "latest_updated": bounds.updated_at}
            named = {"organization": organization.id, "one": row.id, "time": int(state.last_updated_at)}
            await transaction.run(self._update_interviewers, {**named, **latest})
            summary = ChangeSummary(
                state.revision,
                state.last_updated_at,
                _REPAIRED.kind,
                _REPAIRED.actor,
                row.id,
                fields=_fields(row, draft),
            )
            await self._log.append(transaction, organization.id, LoggedChange(summary, draft.document))
            events = events_of(_REPAIRED, draft.document, self._codec.event_body)
            await self._outbox.enqueue(transaction, organization.id, state.revision, now, events)
        return state, len(found)

    def _repaired(self, row: FutureRow, organization: Organization, bounds: Bounds, timestamp: Instant) -> InterviewRow:
        """Return an interview as of a time; its time of creation stays unless it is in the future, too."""
        try:
            interview: ScheduledInterview = self._codec.decode(row.document or b"")
        except ValueError as error:
            raise Unavailable(
                f"interview {row.id} of organization {organization.id}: its document cannot be read: "
                "run `rowen db check`"
            ) from error
        is_future = row.created_at is not None and row.created_at > bounds.created_at
        created_at = timestamp if is_future else interview.created_at
        after = msgspec.structs.replace(interview, created_at=created_at, updated_at=timestamp)
        return self._codec.draft(after, ZoneInfo(organization.time_zone))

    async def _repair_records(
        self,
        transaction: Transaction,
        organization: Organization,
        bounds: Bounds,
        state: LedgerState,
        now: Instant,
        resource: str,
    ) -> tuple[LedgerState, int]:
        found = await self._times.rows(transaction, bounds, resource, _CHUNK)
        if not found:
            return state, 0
        state = next_state(state, now)
        for row in found:
            draft = RecordRow(resource, row.id, row.created_at, row.updated_at, None, False, row.document)
            is_future = row.created_at is not None and row.created_at > bounds.created_at
            created_at = int(state.last_updated_at) if is_future else row.created_at
            draft = self._records_codec.with_times(draft, created_at, int(state.last_updated_at))
            parameters = {**_new_values(draft), "organization": organization.id, "of": resource, "one": row.id}
            await transaction.run(self._update_record, parameters)
        summary = ChangeSummary(
            state.revision,
            state.last_updated_at,
            _REPAIRED.kind,
            _REPAIRED.actor,
            None,
            resource,
            Counts(0, len(found)),
        )
        await self._log.append(transaction, organization.id, LoggedChange(summary))
        return state, len(found)

    async def _repair_evidence(
        self, transaction: Transaction, organization: Organization, bounds: Bounds, state: LedgerState, now: Instant
    ) -> tuple[LedgerState, int]:
        """Date observations to the present. Clients cannot see that: the ledger stays as it is."""
        found = [each async for each in self._times.evidence(transaction, bounds, now)]
        for each in found:
            named = {"organization": organization.id, "of": each.resource, "one": each.id}
            await transaction.run(self._update_evidence, {**named, "new_evidence": each.repaired})
        return state, len(found)


def _new_values(draft: InterviewRow | RecordRow) -> dict[str, Any]:
    return {
        "new_created_at": draft.created_at,
        "new_updated_at": draft.updated_at,
        "new_document": draft.document,
    }


def _fields(row: FutureRow, draft: InterviewRow) -> Sequence[FieldChange]:
    """Return the times that differ, before and after."""
    times = (("created_at", row.created_at, draft.created_at), ("updated_at", row.updated_at, draft.updated_at))
    return [FieldChange(name, _text(old), _text(new)) for name, old, new in times if old != new]


def _text(time: int | None) -> str | None:
    return None if time is None else written(time)
