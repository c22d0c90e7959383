"""Writing the records of a mirrored account, one at a time.

Owns which kind of change a difference is, and its time, which is ours and not the account's. A record that does not
differ is not written. Must not know where records come from. See docs/decisions/0032-a-mirror-holds-rows.md.
"""

from typing import Final

import msgspec

from rowen.app.records import APPLICATIONS, SCORECARDS, RecordCodec, RecordRow
from rowen.app.unit_of_work import UnitOfWork
from rowen.interviews.changes import Actor, ActorKind, Change, Kind, kind_of
from rowen.interviews.clock_skew import is_ahead
from rowen.interviews.interview import InterviewId, ScheduledInterview
from rowen.interviews.moments import Instant

_ACTOR: Final = Actor(ActorKind.MIRROR)


async def follow_interview(
    unit: UnitOfWork,
    identifier: InterviewId,
    now: ScheduledInterview | None,
    present: Instant,
    actor: Actor = _ACTOR,
) -> bool:
    """Write an interview as it is in the account now, None if it has none there; return whether it differed.

    `actor` is who made the change there, if that is known.
    """
    stored = await unit.interview(identifier)
    before = None if stored is None else stored.interview
    if now is None:
        if before is None:
            return False
        await unit.begin_change()
        await unit.delete(before, Change(Kind.CANCELLED, actor, of_account=True))
        return True
    if is_ahead(now.created_at, present):
        created_at = _possible(None if before is None else before.created_at, present)
        now = msgspec.structs.replace(now, created_at=Instant(created_at))
    if before is None:
        await unit.begin_change()
        await unit.save(None, now, Change(Kind.CREATED, actor, of_account=True))
        return True
    now = msgspec.structs.replace(now, updated_at=before.updated_at)
    if now == before:
        return False
    await unit.begin_change()
    change = await _change(unit, before, now)
    await unit.save(before, now, msgspec.structs.replace(change, actor=actor, of_account=True))
    return True


async def follow_record(
    unit: UnitOfWork, codec: RecordCodec, resource: str, identifier: int, now: RecordRow | None, present: Instant
) -> bool:
    """Write a record as it is in the account now, None if it has none there; return whether it differed.

    A record that is known from interviews only is not the account's: it stays until the account has one.
    """
    before = await unit.record(resource, identifier)
    if before is not None and before.derived:
        before = None
    if now is None:
        if before is None:
            return False
        await unit.begin_change()
        await unit.delete_record(resource, identifier)
        return True
    now = _clamped(codec, now, before, present)
    if resource == APPLICATIONS:  # what counts as its last change is its last activity, which is the account's
        if before is not None and now.document == before.document:
            return False
        await unit.begin_change()
    else:
        if before is not None:
            same = codec.with_times(now, now.created_at, before.updated_at)
            if same.document == before.document:
                return False
        now = codec.with_times(now, now.created_at, int(await unit.begin_change()))
    await unit.record_change(before, now, _ACTOR)
    return True


def _clamped(codec: RecordCodec, record: RecordRow, before: RecordRow | None, present: Instant) -> RecordRow:
    """Return a record without times that are too far ahead: those that are known replace them, or the present."""
    if not is_ahead(record.created_at, present) and not is_ahead(record.updated_at, present):
        return record
    known = (None, None) if before is None else (before.created_at, before.updated_at)
    given = (record.created_at, record.updated_at)
    times = [_possible(old, present) if is_ahead(new, present) else new for new, old in zip(given, known, strict=True)]
    return codec.with_times(record, *times)


def _possible(known: int | None, present: Instant) -> int:
    """Return a known time that can be right, or the present."""
    return int(present) if known is None or is_ahead(known, present) else known


async def _change(unit: UnitOfWork, before: ScheduledInterview, after: ScheduledInterview) -> Change:
    """Return the change between two states: of several things that differ the most important one decides."""
    kind = kind_of(before, after)
    if kind is not Kind.UPDATED:
        return Change(kind, _ACTOR)
    old = {each.scorecard_id for each in before.interviewers if each.scorecard_id is not None}
    new = {each.scorecard_id for each in after.interviewers if each.scorecard_id is not None}
    if new - old:
        scorecard = await unit.record(SCORECARDS, min(new - old))
        return Change(Kind.SCORED, _ACTOR, None if scorecard is None else scorecard.document)
    if old - new:
        return Change(Kind.SCORE_REMOVED, _ACTOR)
    if before.status is not after.status:
        return Change(Kind.STATUS_CHANGED, _ACTOR)
    if _anonymous(before) == _anonymous(after):
        return Change(Kind.PERSON_RENAMED, _ACTOR)
    return Change(Kind.UPDATED, _ACTOR)


def _anonymous(interview: ScheduledInterview) -> ScheduledInterview:
    """Return an interview without the names of people."""
    organizer = interview.organizer
    return msgspec.structs.replace(
        interview,
        organizer=None if organizer is None else type(organizer)(organizer.id),
        interviewers=tuple(
            msgspec.structs.replace(each, name=None, employee_id=None, email=None if each.id else each.email)
            for each in interview.interviewers
        ),
    )
