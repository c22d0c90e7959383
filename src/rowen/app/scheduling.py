"""Scheduling, changing and cancelling interviews.

Owns the rules for what clients may write (contract sections 4 and 5): each function is one command, executed in a unit
of work. Must not know JSON, HTTP or SQL.
"""

from typing import Any, Final, NamedTuple
from uuid import uuid4
from zoneinfo import ZoneInfo

import msgspec

from rowen.app.double_booking import check_double_booking
from rowen.app.panels import resolve_panel, with_scorecards
from rowen.app.records import ACTIVE, ScorecardCodec
from rowen.app.unit_of_work import Stored, UnitOfWork
from rowen.interviews import lifecycle
from rowen.interviews.changes import Actor, ActorKind, Change, Kind, kind_of
from rowen.interviews.errors import Code, FieldProblem, Problems, Refusal, UnknownUserError
from rowen.interviews.interview import ApplicationId, InterviewId, InterviewReference, ScheduledInterview, Status
from rowen.interviews.lifecycle import ABSENT, Command
from rowen.interviews.moments import Instant
from rowen.interviews.people import User, UserId
from rowen.interviews.scheduling import UNSET, InterviewFields

EVENT: Final = "rowen"
"""What the id of an event begins with that a client did not name."""


class ScheduleResult(NamedTuple):
    """The result of a command: the interview's document and id, and those that also keep one of its people busy."""

    document: bytes
    overlapping: tuple[InterviewId, ...] = ()
    interview: InterviewId = InterviewId(0)


class PlannedChange(NamedTuple):
    """What a command comes to: the interview as it will be, those that it overlaps, and the user who gives it.

    A new interview has the id 0 and no time yet.
    """

    interview: ScheduledInterview
    overlapping: tuple[InterviewId, ...]
    user: User | None


async def plan_new(unit: UnitOfWork, fields: InterviewFields) -> PlannedChange:
    """Check a new interview, and resolve it. Raises Refusal: invalid, with every problem; not found; conflict."""
    organizer = None if fields.on_behalf_of is None else await require_user(unit, fields.on_behalf_of)
    problems = Problems(fields.problems)
    await _check_references(unit, fields, None, problems)
    reference = await _stage_interview(unit, fields, problems)
    panel = await resolve_panel(unit, fields, problems)
    application = fields.application_id
    if problems.found or not (organizer or fields.by_integration) or application is UNSET:
        raise problems.refusal()
    interview = ScheduledInterview(
        id=0,
        application_id=application,
        status=Status.SCHEDULED,
        interview=reference,
        organizer=None if organizer is None else organizer.organizer(),
        interviewers=panel,
        **{"external_event_id": f"{EVENT}-{uuid4()}", **_given(fields)},
    )
    interview = settled(unit, Command.CREATE, ABSENT, interview)
    overlapping = () if fields.is_free else await check_double_booking(unit, None, interview)
    return PlannedChange(interview, overlapping, organizer)


async def schedule(unit: UnitOfWork, fields: InterviewFields, api_key: str) -> ScheduleResult:
    """Create an interview. Raises Refusal as `plan_new` does."""
    plan = await plan_new(unit, fields)
    identifier = await unit.new_id()
    interview = msgspec.structs.replace(plan.interview, id=identifier, created_at=await unit.begin_change())
    document = await unit.save(None, interview, Change(Kind.CREATED, actor_of(plan.user, api_key)))
    return ScheduleResult(document, plan.overlapping, InterviewId(identifier))


async def plan_change(
    unit: UnitOfWork, codec: ScorecardCodec, stored: Stored, fields: InterviewFields
) -> PlannedChange:
    """Check and resolve a change. Raises Refusal: invalid, with every problem; not found (the user); conflict."""
    before = stored.interview
    organizer = None if fields.on_behalf_of is None else await require_user(unit, fields.on_behalf_of)
    await require_changeable(unit, stored, Command.CHANGE)
    problems = Problems(fields.problems)
    await _check_references(unit, fields, before, problems)
    panel = before.interviewers
    if fields.interviewers is not UNSET:
        panel = await resolve_panel(unit, fields, problems, before.interviewers)
        panel = await with_scorecards(unit, codec, before, panel)
    if problems.found or not (organizer or fields.by_integration):
        raise problems.refusal()
    named = before.organizer if organizer is None else organizer.organizer()
    after = msgspec.structs.replace(before, **_given(fields), interviewers=panel, organizer=named)
    after = settled(unit, Command.CHANGE, before.status, after)
    overlapping = () if after == before or fields.is_free else await check_double_booking(unit, before, after)
    return PlannedChange(after, overlapping, organizer)


async def change(
    unit: UnitOfWork, codec: ScorecardCodec, stored: Stored, fields: InterviewFields, api_key: str
) -> ScheduleResult:
    """Change an interview. Raises Refusal as `plan_change` does."""
    before = stored.interview
    plan = await plan_change(unit, codec, stored, fields)
    after = plan.interview
    if after == before:
        return ScheduleResult(stored.document, (), InterviewId(after.id))
    await unit.begin_change()
    document = await unit.save(before, after, Change(kind_of(before, after), actor_of(plan.user, api_key)))
    return ScheduleResult(document, plan.overlapping, InterviewId(after.id))


async def plan_cancelling(unit: UnitOfWork, stored: Stored, on_behalf_of: int | None) -> User | None:
    """Return the user who may delete an interview. Raises Refusal: invalid; not found (the user)."""
    user = None if on_behalf_of is None else await require_user(unit, on_behalf_of)
    await require_changeable(unit, stored, Command.CANCEL)
    return user


async def cancel(unit: UnitOfWork, stored: Stored, on_behalf_of: int | None, api_key: str) -> None:
    """Delete an interview; with None, an integration does. Raises Refusal: invalid; not found (the user)."""
    user = await plan_cancelling(unit, stored, on_behalf_of)
    await unit.begin_change()
    await unit.delete(stored.interview, Change(Kind.CANCELLED, actor_of(user, api_key)))


_NOT_OURS: Final = FieldProblem("id", "Only interviews created through the API can be changed or deleted")
_RESOLVED: Final = frozenset({"application_id", "interviewers"})  # they are looked up before they are written
_PLAIN: Final = tuple(
    name
    for name in InterviewFields.__struct_fields__
    if name in ScheduledInterview.__struct_fields__ and name not in _RESOLVED
)


async def require_user(unit: UnitOfWork, identifier: int) -> User:
    """Return the user on whose behalf a write is made. Raises UnknownUserError."""
    user = await unit.user(UserId(identifier))
    if user is None:
        raise UnknownUserError
    return user


def actor_of(user: User | None, api_key: str) -> Actor:
    """Return the actor for a user who uses an API key, or for the integration that has the key."""
    if user is None:
        return Actor(ActorKind.INTEGRATION, api_key=api_key)
    return Actor(ActorKind.USER, user.id, user.name, api_key)


def due_at(unit: UnitOfWork, interview: ScheduledInterview) -> Instant:
    """Return the time from which an interview awaits feedback."""
    zone = ZoneInfo(unit.organization.time_zone)
    return Instant(interview.end.instant(zone) + unit.organization.grace)


def settled(
    unit: UnitOfWork, command: Command, state: lifecycle.State, interview: ScheduledInterview
) -> ScheduledInterview:
    """Return an interview in the state that a command leads to. Raises Refusal if the state forbids it."""
    rule = lifecycle.require(state, command)
    situation = lifecycle.situation(interview.interviewers, due_at(unit, interview), unit.now)
    return msgspec.structs.replace(interview, status=lifecycle.status_after(rule, situation))


async def require_changeable(unit: UnitOfWork, stored: Stored, command: Command) -> None:
    """Raise Refusal (invalid) if clients may not change an interview by a command."""
    # In a mirror, the account decides which of its interviews can be changed.
    if not stored.created_through_api and unit.organization.mirrored_from is None:
        raise Refusal(Code.INVALID, problems=(_NOT_OURS,))
    lifecycle.require(stored.interview.status, command)
    status = await unit.application_status(ApplicationId(stored.interview.application_id))
    if status != ACTIVE:
        raise Refusal(Code.INVALID, problems=(FieldProblem("application_id", f"The application is {status}"),))


async def _check_references(
    unit: UnitOfWork, fields: InterviewFields, before: ScheduledInterview | None, problems: Problems
) -> None:
    """Note the problems of an interview's application, event and times."""
    await _check_application(unit, fields, problems)
    await _check_event_id(unit, fields, before, problems)
    _check_times(fields, before, problems)


async def _check_application(unit: UnitOfWork, fields: InterviewFields, problems: Problems) -> None:
    if fields.application_id is UNSET:
        return
    status = await unit.application_status(ApplicationId(fields.application_id))
    if status is None:
        problems.note("application_id", "Must be the id of an application")
    elif status != ACTIVE:
        problems.note("application_id", f"Must be of an active application (it is {status})")


async def _check_event_id(
    unit: UnitOfWork, fields: InterviewFields, before: ScheduledInterview | None, problems: Problems
) -> None:
    # Imported interviews may share an event id: each may keep it.
    if fields.external_event_id is UNSET or (before and fields.external_event_id == before.external_event_id):
        return
    holder = await unit.find_by_event_id(fields.external_event_id)
    if holder is not None:
        problems.note("external_event_id", f"Must be unique (interview {holder} has it)")


def _check_times(fields: InterviewFields, before: ScheduledInterview | None, problems: Problems) -> None:
    start, end = fields.start, fields.end
    if before is not None:
        start, end = before.start if start is UNSET else start, before.end if end is UNSET else end
    if start is UNSET or end is UNSET:
        return
    field = "start" if fields.end is UNSET else "end"
    if start.is_date != end.is_date:
        problems.note(field, "Must be of the same kind as the other end: both a date, or both a time")
    elif end.is_before(start):
        problems.note(field, "Must not put the end before the start")


async def _stage_interview(unit: UnitOfWork, fields: InterviewFields, problems: Problems) -> InterviewReference | None:
    """Return the interview of a job stage that is to be held."""
    if fields.interview_id is UNSET:
        return None
    reference = await unit.interview_reference(fields.interview_id)
    if reference is None:
        problems.note("interview_id", "Must be the id of an interview of a job stage")
    return reference


def _given(fields: InterviewFields) -> dict[str, Any]:
    """Return the fields that the client gave and that are copied into the interview."""
    return {name: value for name in _PLAIN if (value := getattr(fields, name)) is not UNSET}
