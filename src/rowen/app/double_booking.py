"""Keeping people, and rooms, out of two interviews at once.

Owns what an organization's setting makes of overlapping bookings (contract section 4). Must not know JSON, HTTP or SQL.
"""

from collections.abc import Sequence
from typing import NamedTuple
from zoneinfo import ZoneInfo

from rowen.app.organizations import DoubleBooking
from rowen.app.unit_of_work import Booking, UnitOfWork
from rowen.interviews.errors import Code, FieldProblem, Refusal
from rowen.interviews.interview import Interviewer, InterviewId, ScheduledInterview
from rowen.interviews.moments import Instant
from rowen.interviews.overlaps import name_interviews
from rowen.interviews.people import booked, person_of


class _Clash(NamedTuple):
    """An interviewer or a room that is busy with other interviews; `field` is the one that names it."""

    field: str
    interviews: Sequence[InterviewId]


async def check_double_booking(
    unit: UnitOfWork, before: ScheduledInterview | None, after: ScheduledInterview
) -> tuple[InterviewId, ...]:
    """Return the interviews, ascending, to warn of: a person or a room would be in one of them and in `after` at once.

    `before` is the interview as it was: who was in it, at the same times, is not checked again. Raises Refusal
    (conflict) if the organization rejects double bookings.
    """
    policy = unit.organization.double_booking
    if policy is DoubleBooking.ALLOW:
        return ()
    clashes = await _clashes(unit, before, after)
    if clashes and policy is DoubleBooking.REJECT:
        problems = [
            FieldProblem(each.field, f"Overlaps interview {name_interviews(each.interviews)}") for each in clashes
        ]
        raise Refusal(Code.CONFLICT, problems=tuple(problems))
    return tuple(sorted({interview for each in clashes for interview in each.interviews}))


async def _clashes(unit: UnitOfWork, before: ScheduledInterview | None, after: ScheduledInterview) -> list[_Clash]:
    zone = ZoneInfo(unit.organization.time_zone)
    starts_at, ends_at = after.start.instant(zone), after.end.instant(zone)
    if starts_at == ends_at:
        return []  # an interview without duration keeps nobody busy
    is_moved = before is None or (before.start, before.end) != (after.start, after.end)
    checked = set() if before is None or is_moved else set(booked(before.interviewers))
    clashes = []
    for position, interviewer in enumerate(after.interviewers):
        persons = booked((interviewer,))
        if not persons or persons[0] in checked:
            continue
        interviews = await _interviews_of(unit, interviewer, (starts_at, ends_at), InterviewId(after.id))
        if interviews:
            clashes.append(_Clash(f"interviewers[{position}]", sorted(interviews)))
    if is_moved or before is None or before.location != after.location:
        room = await unit.rooms.at(after.location)
        if room is not None:
            found = await unit.overlapping(Booking(room, starts_at, ends_at), InterviewId(after.id))
            clashes += [_Clash("location", found)] if found else []
    return clashes


async def _interviews_of(
    unit: UnitOfWork, interviewer: Interviewer, times: tuple[Instant, Instant], excluded: InterviewId
) -> set[InterviewId]:
    """Return the other interviews that keep an interviewer busy at the same time."""
    persons = [person_of(interviewer.id, interviewer.email)]
    if interviewer.id is not None and interviewer.email:  # a user may have been invited as a guest before
        persons.append(person_of(None, interviewer.email))
    return {interview for person in persons for interview in await unit.overlapping(Booking(person, *times), excluded)}
