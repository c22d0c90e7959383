"""What a write that passes through a mirror comes to, by the rules for writes here and the limits of the account.

Owns which fields Harvest v3 takes (contract section 15), and the check that is made before a write is queued and again
before it is sent. Must not know JSON, HTTP or SQL.
"""

from typing import Final, NamedTuple

from rowen.app.account_writes import Request, WriteAction
from rowen.app.records import ScorecardCodec
from rowen.app.scheduling import plan_cancelling, plan_change, plan_new
from rowen.app.unit_of_work import Stored, UnitOfWork
from rowen.interviews.errors import Code, Problems, Refusal
from rowen.interviews.interview import Interviewer, InterviewId, ScheduledInterview
from rowen.interviews.people import User
from rowen.interviews.scheduling import UNSET, InterviewFields

_NOT_KEPT: Final = "Is not kept by the mirrored account: leave it out"
_FIXED: Final = "Cannot be changed in the mirrored account"
_NO_DATE: Final = "Cannot become all-day in the mirrored account: delete the interview, and create another"


class PassedPlan(NamedTuple):
    """What a write comes to.

    `before` is the interview that is to be changed or deleted, `after` what it is to become; `user` who acts; and
    `overlapping` the interviews to warn of.
    """

    before: ScheduledInterview | None
    after: ScheduledInterview | None
    user: User | None
    overlapping: tuple[InterviewId, ...] = ()


async def plan(unit: UnitOfWork, codec: ScorecardCodec, request: Request) -> PassedPlan:
    """Check and resolve a write. Raises Refusal: invalid, with every problem; not found; conflict; stale."""
    fields = request.fields or InterviewFields()
    if request.action is WriteAction.CREATE:
        made = await plan_new(unit, fields)
        _require_kept(fields, None, made.interview.interviewers)
        return PassedPlan(None, made.interview, made.user, made.overlapping)
    stored = await _stored(unit, request)
    if request.action is WriteAction.CANCEL:
        return PassedPlan(stored.interview, None, await plan_cancelling(unit, stored, request.user))
    changed = await plan_change(unit, codec, stored, fields)
    _require_kept(fields, stored.interview, changed.interview.interviewers)
    return PassedPlan(stored.interview, changed.interview, changed.user, changed.overlapping)


async def _stored(unit: UnitOfWork, request: Request) -> Stored:
    stored = await unit.interview(InterviewId(request.interview or 0))
    if stored is None:
        raise Refusal(Code.NOT_FOUND)
    if request.known_at is not None and stored.interview.updated_at != request.known_at:
        raise Refusal(Code.STALE)
    return stored


def _require_kept(fields: InterviewFields, before: ScheduledInterview | None, panel: tuple[Interviewer, ...]) -> None:
    """Raise Refusal (invalid) if the account would not keep all that a client gave."""
    problems = Problems()
    if fields.interviewers is not UNSET:
        for position, each in enumerate(panel):
            if each.id is None and each.name is not None:
                problems.note(f"interviewers[{position}].name", _NOT_KEPT)
    if before is not None:
        if fields.external_event_id not in (UNSET, before.external_event_id):
            problems.note("external_event_id", _FIXED)
        for name in ("start", "end"):
            moment = getattr(fields, name)
            if moment is not UNSET and moment.is_date and moment != getattr(before, name):
                problems.note(name, _NO_DATE)
    problems.raise_any()
