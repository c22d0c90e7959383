"""Scheduling, rescheduling, answering and cancelling interviews.

Owns the rules of what clients may write (contract sections 4 and 5): each function is one command, carried out at a
desk. Must not know JSON, HTTP or SQL.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from rowen.app.desk import Booking, Desk, Stored
from rowen.app.panels import resolve_panel, with_scorecards
from rowen.app.ports import DoubleBooking
from rowen.interviews import lifecycle
from rowen.interviews.changes import Actor, ActorKind, Change, Kind, kind_of
from rowen.interviews.errors import Code, FieldProblem, Refusal
from rowen.interviews.interview import (
    ApplicationId,
    Interviewer,
    InterviewId,
    InterviewReference,
    Moment,
    ScheduledInterview,
    Status,
)
from rowen.interviews.lifecycle import ABSENT, Command
from rowen.interviews.moments import Instant
from rowen.interviews.people import Person, User, UserId, booked, person_of
from rowen.interviews.scheduling import UNSET, InterviewFields

ACTIVE: Final = "active"


class Outcome(NamedTuple):
    """What a command wrote: the interview's document, and what the client is warned of."""

    document: bytes
    warning: str | None = None


class Clash(NamedTuple):
    """Somebody who is busy with other interviews at the same time; `place` is the field that names them."""

    place: str
    interviews: Sequence[InterviewId]


async def schedule(desk: Desk, fields: InterviewFields, api_key: str) -> Outcome:
    """Make an interview. Raises Refusal: invalid, with every problem; not found (the user); conflict."""
    organizer = await require_user(desk, fields.on_behalf_of)
    found = list(fields.problems)
    found += await _reference_problems(desk, fields)
    reference = None
    if fields.interview_id is not UNSET:
        reference = await desk.interview_reference(fields.interview_id)
        if reference is None:
            found.append(FieldProblem("interview_id", "Must be the id of an interview of a job stage"))
    panel = await resolve_panel(desk, fields, found)
    if found or organizer is None:
        raise Refusal(Code.INVALID, problems=tuple(found))
    interview = _new_interview(fields, panel, organizer, reference)
    warning = await _check_bookings(desk, None, interview)
    interview = msgspec.structs.replace(interview, id=await desk.new_id())
    interview = settled(desk, Command.CREATE, ABSENT, msgspec.structs.replace(interview, created_at=await desk.stamp()))
    change = Change(Kind.CREATED, actor_of(organizer, api_key))
    return Outcome(await desk.keep(None, interview, change), warning)


async def change(desk: Desk, stored: Stored, fields: InterviewFields, api_key: str) -> Outcome:
    """Change an interview. Raises Refusal: invalid, with every problem; not found (the user); conflict."""
    before = stored.interview
    organizer = await require_user(desk, fields.on_behalf_of)
    await _require_changeable(desk, stored, Command.CHANGE)
    found = list(fields.problems)
    found += await _reference_problems(desk, fields, before)
    panel = before.interviewers
    if fields.interviewers is not UNSET:
        panel = await with_scorecards(desk, before, await resolve_panel(desk, fields, found))
    if found or organizer is None:
        raise Refusal(Code.INVALID, problems=tuple(found))
    asked = {name: getattr(fields, name) for name in _PLAIN if getattr(fields, name) is not UNSET}
    after = msgspec.structs.replace(before, **asked, interviewers=panel, organizer=organizer.organizer())
    after = settled(desk, Command.CHANGE, before.status, after)
    if after == before:
        return Outcome(stored.document)
    warning = await _check_bookings(desk, before, after)
    await desk.stamp()
    return Outcome(
        await desk.keep(before, after, Change(kind_of(before, after), actor_of(organizer, api_key))), warning
    )


async def cancel(desk: Desk, stored: Stored, on_behalf_of: int | None, api_key: str) -> None:
    """Delete an interview. Raises Refusal: invalid; not found (the user)."""
    user = await require_user(desk, on_behalf_of)
    if user is None:
        raise Refusal(Code.INVALID, problems=(MISSING_USER,))
    await _require_changeable(desk, stored, Command.CANCEL)
    await desk.stamp()
    await desk.drop(stored.interview, Change(Kind.CANCELLED, actor_of(user, api_key)))


MISSING_USER: Final = FieldProblem("On-Behalf-Of", "Is required: the id of the user who does this")
_NOT_OURS: Final = FieldProblem("id", "Only interviews created through the API can be changed or deleted")
_MOST_NAMED: Final = 20  # in a header, whose lines clients bound
_PLAIN: Final = ("start", "end", "external_event_id", "location", "video_conferencing_url")


async def require_user(desk: Desk, identifier: int | None) -> User | None:
    """Return the user a request is made for; None where it names none. Raises Refusal (not found): an unknown one."""
    if identifier is None:
        return None
    user = await desk.user(UserId(identifier))
    if user is None:
        raise Refusal(Code.NOT_FOUND)
    return user


def actor_of(user: User, api_key: str) -> Actor:
    """Return the actor that a user is who does something by an API key."""
    return Actor(ActorKind.USER, user.id, user.name, api_key)


def due_at(desk: Desk, interview: ScheduledInterview) -> Instant:
    """Return from when on an interview's feedback is awaited."""
    zone = ZoneInfo(desk.organization.time_zone)
    return Instant(interview.end.instant(zone) + desk.organization.grace)


def settled(desk: Desk, command: Command, state: lifecycle.State, interview: ScheduledInterview) -> ScheduledInterview:
    """Return an interview in the state that a command leads to. Raises Refusal where the state forbids it."""
    rule = lifecycle.require(state, command)
    situation = lifecycle.situation(interview.interviewers, due_at(desk, interview), desk.now)
    return msgspec.structs.replace(interview, status=lifecycle.status_after(rule, situation))


async def _require_changeable(desk: Desk, stored: Stored, command: Command) -> None:
    if not stored.created_through_api:
        raise Refusal(Code.INVALID, problems=(_NOT_OURS,))
    lifecycle.require(stored.interview.status, command)
    status = await desk.application_status(ApplicationId(stored.interview.application_id))
    if status != ACTIVE:
        raise Refusal(Code.INVALID, problems=(FieldProblem("application_id", f"The application is {status}"),))


async def _reference_problems(
    desk: Desk, fields: InterviewFields, before: ScheduledInterview | None = None
) -> list[FieldProblem]:
    """Return the problems of a new or changed interview's application, event and times."""
    found: list[FieldProblem] = []
    if fields.application_id is not UNSET:
        status = await desk.application_status(ApplicationId(fields.application_id))
        if status is None:
            found.append(FieldProblem("application_id", "Must be the id of an application"))
        elif status != ACTIVE:
            found.append(FieldProblem("application_id", f"Must be of an active application (it is {status})"))
    # Of what was imported, several may share an event: each may keep it.
    own = None if before is None else before.external_event_id
    if fields.external_event_id is not UNSET and fields.external_event_id != own:
        holder = await desk.holder_of_event(fields.external_event_id)
        if holder is not None:
            found.append(FieldProblem("external_event_id", f"Must be unique (interview {holder} has it)"))
    start = fields.start if fields.start is not UNSET else before and before.start
    end = fields.end if fields.end is not UNSET else before and before.end
    if isinstance(start, Moment) and isinstance(end, Moment):
        found += _time_problems(start, end, "end" if fields.end is not UNSET else "start")
    return found


def _time_problems(start: Moment, end: Moment, field: str) -> list[FieldProblem]:
    if (start.date is None) != (end.date is None):
        return [FieldProblem(field, "Must be of the same kind as the other end: both a date, or both a time")]
    backwards = (
        end.date < start.date
        if start.date is not None and end.date is not None
        else (end.date_time or 0) < (start.date_time or 0)
    )
    return [FieldProblem(field, "Must not put the end before the start")] if backwards else []


def _new_interview(
    fields: InterviewFields,
    panel: tuple[Interviewer, ...],
    organizer: User,
    reference: InterviewReference | None,
) -> ScheduledInterview:
    """Return the interview asked for, but for its id and times, which only the ledger gives."""
    asked = {name: getattr(fields, name) for name in _PLAIN if getattr(fields, name) is not UNSET}
    return ScheduledInterview(
        id=1,
        application_id=fields.application_id if fields.application_id is not UNSET else 0,
        status=Status.SCHEDULED,
        interview=reference,
        organizer=organizer.organizer(),
        interviewers=panel,
        **asked,
    )


async def _check_bookings(desk: Desk, before: ScheduledInterview | None, after: ScheduledInterview) -> str | None:
    """Return what to warn of where persons would be in two interviews at once.

    Raises Refusal (conflict) where the organization rejects that. Who was in the interview before, at the same
    times, is not asked again.
    """
    policy = desk.organization.double_booking
    if policy is DoubleBooking.ALLOW:
        return None
    clashes = await _clashes(desk, before, after)
    if not clashes:
        return None
    if policy is DoubleBooking.REJECT:
        problems = tuple(FieldProblem(each.place, f"Overlaps interview {_named(each.interviews)}") for each in clashes)
        raise Refusal(Code.CONFLICT, problems=problems)
    identifiers = sorted({identifier for each in clashes for identifier in each.interviews})
    return f'199 rowen "Double booking: overlaps interview {_named(identifiers)}"'


async def _clashes(desk: Desk, before: ScheduledInterview | None, after: ScheduledInterview) -> list[Clash]:
    zone = ZoneInfo(desk.organization.time_zone)
    starts_at, ends_at = after.start.instant(zone), after.end.instant(zone)
    if starts_at == ends_at:
        return []  # what takes no time keeps nobody busy
    moved = before is None or (before.start, before.end) != (after.start, after.end)
    asked: set[Person] = set() if before is None or moved else set(booked(before.interviewers))
    clashes = []
    for position, interviewer in enumerate(after.interviewers):
        for person in booked((interviewer,)):
            if person in asked:
                continue
            besides = None if before is None else InterviewId(before.id)
            others = set(await desk.overlapping(Booking(person, starts_at, ends_at), besides))
            if interviewer.id is not None and interviewer.email:  # who was invited as a guest before being a user
                guest = Booking(person_of(None, interviewer.email), starts_at, ends_at)
                others.update(await desk.overlapping(guest, besides))
            if others:
                clashes.append(Clash(f"interviewers[{position}]", sorted(others)))
    return clashes


def _named(identifiers: Sequence[InterviewId]) -> str:
    named = ", ".join(str(each) for each in identifiers[:_MOST_NAMED])
    return f"{named} and {len(identifiers) - _MOST_NAMED} more" if len(identifiers) > _MOST_NAMED else named
