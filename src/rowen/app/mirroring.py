"""Following a mirrored account: one record at a time, as it is there now.

Owns which kind of change a difference is, and that a record without a difference is not written. Must not know where
records come from. See docs/decisions/0032-a-mirror-holds-rows.md.
"""

from typing import Final

import msgspec

from rowen.app.records import SCORECARDS, RecordRow
from rowen.app.unit_of_work import UnitOfWork
from rowen.interviews.changes import Actor, ActorKind, Change, Kind, kind_of
from rowen.interviews.interview import InterviewId, ScheduledInterview

_ACTOR: Final = Actor(ActorKind.MIRROR)


async def follow_interview(unit: UnitOfWork, identifier: InterviewId, now: ScheduledInterview | None) -> bool:
    """Write an interview as it is in the account now, None if it has none there; return whether it differed."""
    stored = await unit.interview(identifier)
    before = None if stored is None else stored.interview
    if now is None:
        if before is None:
            return False
        await unit.begin_change()
        await unit.delete(before, Change(Kind.CANCELLED, _ACTOR))
        return True
    if before is None:
        await unit.begin_change()
        await unit.save(None, now, Change(Kind.CREATED, _ACTOR))
        return True
    now = msgspec.structs.replace(now, updated_at=before.updated_at)
    if now == before:
        return False
    await unit.begin_change()
    await unit.save(before, now, await _change(unit, before, now))
    return True


async def follow_record(unit: UnitOfWork, resource: str, identifier: int, now: RecordRow | None) -> bool:
    """Write a record as it is in the account now, None if it has none there; return whether it differed.

    A record that is known from interviews only is not the account's: it stays until the account has one.
    """
    before = await unit.record(resource, identifier)
    if before is not None and before.derived:
        before = None
    if (None if before is None else before.document) == (None if now is None else now.document):
        return False
    await unit.begin_change()
    if now is None:
        await unit.delete_record(resource, identifier)
    else:
        await unit.save_record(now)
    return True


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
