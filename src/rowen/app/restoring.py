"""Undoing the cancellation of an interview.

Owns for how long that is possible, and what the interview is afterwards (contract section 4). Must not know JSON, HTTP
or SQL.
"""

from typing import Final

from rowen.app.double_booking import check_double_booking
from rowen.app.records import ACTIVE
from rowen.app.scheduling import ScheduleResult, actor_of, require_user, settled
from rowen.app.unit_of_work import UnitOfWork
from rowen.interviews.changes import Change, Kind
from rowen.interviews.errors import Code, FieldProblem, Refusal
from rowen.interviews.interview import ApplicationId, InterviewId, ScheduledInterview
from rowen.interviews.lifecycle import ABSENT, Command

UNDO_TIME: Final = 600_000
"""For how long a cancellation can be undone, in milliseconds."""

_EXISTS: Final = FieldProblem("id", "Is of an interview that is not cancelled")
_TOO_LATE: Final = FieldProblem("id", "Was cancelled more than 10 minutes ago: schedule the interview again")


async def restore(unit: UnitOfWork, identifier: InterviewId, on_behalf_of: int | None, api_key: str) -> ScheduleResult:
    """Schedule a cancelled interview again, with its id and everything else that it had.

    With None, an integration does. Raises Refusal: not found; invalid; conflict, if somebody would be booked twice and
    may not be.
    """
    user = None if on_behalf_of is None else await require_user(unit, on_behalf_of)
    if await unit.interview(identifier) is not None:
        raise Refusal(Code.INVALID, problems=(_EXISTS,))
    cancelled = await unit.cancellation(identifier)
    if cancelled is None:
        raise Refusal(Code.NOT_FOUND)
    if unit.now - cancelled.time > UNDO_TIME:
        raise Refusal(Code.INVALID, problems=(_TOO_LATE,))
    interview = settled(unit, Command.CREATE, ABSENT, cancelled.interview)
    await _require_possible(unit, interview)
    overlapping = await check_double_booking(unit, None, interview)
    await unit.begin_change()
    document = await unit.save(None, interview, Change(Kind.CREATED, actor_of(user, api_key)))
    return ScheduleResult(document, overlapping)


async def _require_possible(unit: UnitOfWork, interview: ScheduledInterview) -> None:
    """Raise Refusal (invalid) if the application is closed by now, or another interview has the event."""
    status = await unit.application_status(ApplicationId(interview.application_id))
    if status != ACTIVE:
        raise Refusal(Code.INVALID, problems=(FieldProblem("application_id", f"The application is {status}"),))
    event = interview.external_event_id
    holder = None if event is None else await unit.find_by_event_id(event)
    if holder is not None:
        problem = FieldProblem("external_event_id", f"Must be unique (interview {holder} has it)")
        raise Refusal(Code.INVALID, problems=(problem,))
