"""Renaming people in the interviews that name them.

Owns how those interviews are found and rewritten, each as a change of its own. Must not know what a user is.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import bindparam, select, update

from rowen.app.interviews import Codec
from rowen.app.organizations import Organization
from rowen.app.outbox import events_of
from rowen.interviews.changes import Actor, Change, ChangeSummary, Kind, differences
from rowen.interviews.interview import ScheduledInterview
from rowen.interviews.moments import Instant
from rowen.interviews.people import seats_of
from rowen.interviews.renaming import Renaming, renamed
from rowen.store.engines.base import Engine, Transaction
from rowen.store.interviewers import InterviewerTable, Panel
from rowen.store.ledger.change_log import ChangeLog, LoggedChange
from rowen.store.ledger.ledger import LedgerState, next_state
from rowen.store.schema.tables import scheduled_interviews
from rowen.store.webhooks.outbox import Outbox

_CHUNK: Final = 2_000


class RenameContext(NamedTuple):
    """What every change of a renaming has in common: its organization, its actor, and when it is made."""

    organization: Organization
    actor: Actor
    now: Instant


class Renamer:
    """Renames people within a transaction that has taken the ledger."""

    def __init__(self, engine: Engine, codec: Codec) -> None:
        self._codec = codec
        self._log = ChangeLog(engine, codec)
        self._outbox = Outbox(engine)
        self._interviewers = InterviewerTable(engine)
        stored = scheduled_interviews.c
        of_organization = stored.organization_id == bindparam("organization")
        self._chunk = engine.prepare(
            select(stored.id, stored.document)
            .where(of_organization, stored.id > bindparam("after"))
            .order_by(stored.id)
            .limit(bindparam("size"))
        )
        self._update = engine.prepare(
            update(scheduled_interviews)
            .where(of_organization, stored.id == bindparam("one"))
            .values(updated_at=bindparam("time"), document=bindparam("body"))
        )

    async def rename(
        self,
        transaction: Transaction,
        context: RenameContext,
        people: Mapping[int, Renaming],
        state: LedgerState,
    ) -> LedgerState:
        """Rename people, by their ids, in every interview; return the ledger as of the last one.

        Webhook deliveries are due from the context's `now` on: the ledger's time may be ahead of the clock.
        """
        after = 0
        while rows := await transaction.rows(
            self._chunk, {"organization": context.organization.id, "after": after, "size": _CHUNK}
        ):
            for _, document in rows:
                if people.keys().isdisjoint(self._codec.identifiers(document)):  # which costs less than decoding it
                    continue
                before = self._codec.decode(document)
                changed = renamed(before, people)
                if changed != before:
                    state = next_state(state, context.now)
                    await self._keep(transaction, context, (before, changed), state)
            after = rows[-1][0]
        return state

    async def _keep(
        self,
        transaction: Transaction,
        context: RenameContext,
        states: tuple[ScheduledInterview, ScheduledInterview],
        ledger: LedgerState,
    ) -> None:
        """Write an interview, before and after, as of a state of the ledger."""
        organization, change = context.organization, Change(Kind.PERSON_RENAMED, context.actor)
        time: Instant = ledger.last_updated_at
        before, after = states[0], msgspec.structs.replace(states[1], updated_at=time)
        draft = self._codec.draft(after, ZoneInfo(organization.time_zone))
        document = draft.document
        values = {"organization": organization.id, "one": after.id, "time": int(time), "body": document}
        await transaction.run(self._update, values)
        if draft.seats != seats_of(before.interviewers):
            panel = Panel(after.id, draft.seats, int(time), int(time))
            # Nobody joins: no id is assigned.
            await self._interviewers.replace(transaction, organization.id, [panel], ledger.last_interviewer_id)
        fields = differences(before, after)
        summary = ChangeSummary(ledger.revision, time, change.kind, change.actor, after.id, fields=fields)
        await self._log.append(transaction, organization.id, LoggedChange(summary, document))
        events = events_of(change, document, self._codec.event_body)
        await self._outbox.enqueue(transaction, organization.id, ledger.revision, context.now, events)
