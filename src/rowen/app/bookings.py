"""Booking: all interviews of a slot in one unit of work, or none.

Owns that everything that slots obey is checked again, with the ledger locked, so that of racing clients one wins
(contract section 17). Must not know JSON, HTTP or SQL.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

from rowen.app.planning import DEFAULT_FRESHNESS, MINUTE, Facts, Freshness, PlanningRequest, people_of, spans
from rowen.app.records import ACTIVE, ScorecardCodec
from rowen.app.scheduling import ScheduleResult, change, require_user, schedule
from rowen.app.unit_of_work import Stored, UnitOfWork
from rowen.interviews.errors import Code, FieldProblem, Problems, Refusal
from rowen.interviews.holds import HeldSession
from rowen.interviews.interview import InterviewId, Moment, ResponseStatus
from rowen.interviews.moments import Instant
from rowen.interviews.scheduling import UNSET, InterviewerInput, InterviewFields
from rowen.planning.bits import Span
from rowen.planning.objections import NOT_OFFERED, objections, overlaps
from rowen.planning.people import Person


class BookingInput(msgspec.Struct, frozen=True, kw_only=True):
    """What a client books. With `force`, limits, hours and buffers do not count.

    Sessions that are among the problems are None; so is `on_behalf_of` only if that is among them.
    """

    application_id: int | None = None
    sessions: tuple[HeldSession | None, ...] = ()
    force: bool = False
    on_behalf_of: int | None = None
    problems: tuple[FieldProblem, ...] = ()


class _Checked(NamedTuple):
    """People, rooms and the candidate, with the sessions of a booking that were checked so far."""

    people: dict[int, Person]
    reasons: Mapping[int, str]
    rooms: dict[int, list[Span]]
    room_names: Mapping[int, str]
    candidate: list[Span]


async def book(
    unit: UnitOfWork,
    codec: ScorecardCodec,
    asked: BookingInput,
    api_key: str,
    freshness: Freshness = DEFAULT_FRESHNESS,
) -> list[ScheduleResult]:
    """Create or move the interviews of a booking. Raises Refusal: invalid, with every problem; conflict."""
    if asked.on_behalf_of is not None:
        await require_user(unit, asked.on_behalf_of)
    facts = await unit.planning_facts(wanted_by(asked))
    problems = Problems(asked.problems)
    check_references(facts, asked, problems)
    moved = await moved_interviews(unit, asked, problems)
    problems.raise_any()
    asked = with_kept_rooms(facts, asked)
    require_free(facts, asked, int(unit.now), freshness)
    done = []
    for session in asked.sessions:
        if session is not None:
            stored = moved.get(session.scheduled_interview_id or 0)
            fields = _fields(facts, asked, session, stored)
            done.append(
                await schedule(unit, fields, api_key)
                if stored is None
                else await change(unit, codec, stored, fields, api_key)
            )
    return done


async def moved_interviews(unit: UnitOfWork, asked: BookingInput, problems: Problems) -> dict[int, Stored]:
    """Return the interviews that are moved, by id, and note those that are not the application's."""
    found: dict[int, Stored] = {}
    for place, session in enumerate(asked.sessions):
        if session is None or session.scheduled_interview_id is None:
            continue
        stored = await unit.interview(InterviewId(session.scheduled_interview_id))
        path = f"sessions[{place}].scheduled_interview_id"
        if stored is None or stored.interview.application_id != asked.application_id:
            problems.note(path, "Must be the id of an interview of the application")
        elif session.scheduled_interview_id in found:
            problems.note(path, "Must be given once")
        else:
            found[session.scheduled_interview_id] = stored
    return found


def with_kept_rooms(facts: Facts, asked: BookingInput) -> BookingInput:
    """Return a booking in which interviews that are moved keep their rooms where no other is named."""
    sessions = (
        each
        if each is None or each.room_id is not None
        else msgspec.structs.replace(each, room_id=facts.moved_room(each.scheduled_interview_id))
        for each in asked.sessions
    )
    return msgspec.structs.replace(asked, sessions=tuple(sessions))


def require_free(facts: Facts, asked: BookingInput, now: int, freshness: Freshness) -> None:
    """Raise Refusal (conflict) that names all that is taken, or against the rules of slots."""
    taken = tuple(conflicts(facts, asked, now, freshness))
    if taken:
        raise Refusal(Code.CONFLICT, problems=taken)


def _is_moved(session: HeldSession, stored: Stored) -> bool:
    return _times(session) != (stored.interview.start, stored.interview.end)


def _times(session: HeldSession) -> tuple[Moment, Moment]:
    return Moment(date_time=Instant(session.start)), Moment(date_time=Instant(session.end))


def _fields(facts: Facts, asked: BookingInput, session: HeldSession, stored: Stored | None) -> InterviewFields:
    """Return a session as the fields of an interview.

    An interview that is moved keeps its guests, who have no seat, but for a user who is an interviewer now. All are
    asked for an answer, but for those who stay at the same times.
    """
    before = () if stored is None else stored.interview.interviewers
    seated = {each.email for each in facts.guests(session.scheduled_interview_id) if each.user in session.interviewers}
    start, end = _times(session)
    is_moved = stored is None or _is_moved(session, stored)
    kept = {each.id for each in before if not is_moved and each.response_status is not ResponseStatus.DECLINED}
    asked_again = ResponseStatus.NEEDS_ACTION if is_moved else None
    panel = [
        InterviewerInput(user_id=each, response_status=None if each in kept else ResponseStatus.NEEDS_ACTION)
        for each in session.interviewers
        if each is not None
    ]
    panel += [
        InterviewerInput(email=each.email, name=each.name, response_status=asked_again)
        for each in before
        if each.id is None and each.email not in seated
    ]
    return InterviewFields(
        application_id=UNSET if stored or asked.application_id is None else asked.application_id,
        interview_id=UNSET if session.interview_id is None else session.interview_id,
        interviewers=tuple(panel),
        start=start,
        end=end,
        location=next((each.name for each in facts.rooms if each.id == session.room_id), UNSET),
        on_behalf_of=asked.on_behalf_of,
        is_free=True,
    )


def wanted_by(asked: BookingInput) -> PlanningRequest:
    """Return what has to be known for a booking; interviews that are moved count as if they were not there."""
    sessions = [each for each in asked.sessions if each is not None]
    moved = frozenset(each.scheduled_interview_id for each in sessions if each.scheduled_interview_id is not None)
    return PlanningRequest(
        users=tuple({user: None for each in sessions for user in each.interviewers if user is not None}),
        pools=(),
        starts=min((each.start for each in sessions), default=0),
        ends=max((each.end for each in sessions), default=0),
        application=asked.application_id,
        stage_interviews=tuple(each.interview_id for each in sessions if each.interview_id is not None),
        rooms=bool(moved) or any(each.room_id is not None for each in sessions),
        without=moved,
        chooses=False,
    )


def check_references(facts: Facts, asked: BookingInput, problems: Problems) -> None:
    """Note what is named and does not exist."""
    if asked.application_id is not None and facts.application_status is None:
        problems.note("application_id", "Must be the id of an application")
    elif asked.application_id is not None and facts.application_status != ACTIVE:
        problems.note("application_id", f"Must be of an active application (it is {facts.application_status})")
    rooms = {room.id for room in facts.rooms}
    for place, session in enumerate(asked.sessions):
        if session is None:
            continue
        path = f"sessions[{place}]"
        if session.interview_id is not None and session.interview_id not in facts.stage_interviews:
            problems.note(f"{path}.interview_id", "Must be the id of an interview of a job stage")
        if session.room_id is not None and session.room_id not in rooms:
            problems.note(f"{path}.room_id", "Must be the id of a room")
        for number, user in enumerate(session.interviewers):
            if user is not None and user not in facts.names:
                problems.note(f"{path}.interviewers[{number}].user_id", "Must be the id of a user")
            elif user is not None and user in session.interviewers[:number]:
                problems.note(f"{path}.interviewers[{number}].user_id", "Must be given once")


def conflicts(facts: Facts, asked: BookingInput, now: int, freshness: Freshness) -> Iterator[FieldProblem]:
    """Yield what is taken, or against the rules of slots: each session counts for those after it."""
    sessions = [(place, each) for place, each in enumerate(asked.sessions) if each is not None]
    window = _span(min(each.start for _, each in sessions), max(each.end for _, each in sessions))
    known = people_of(facts, window, now, freshness)
    checked = _Checked(
        dict(known.people),
        {each.user: each.why for each in known.not_offered},
        {room.id: list(facts.room_times(room.id, now)) for room in facts.rooms},
        {room.id: room.name for room in facts.rooms},
        list(spans(facts.candidate)),
    )
    for place, session in sessions:
        for field, message in _session_conflicts(checked, session, -(-now // MINUTE), is_forced=asked.force):
            yield FieldProblem(f"sessions[{place}]{field}", message)
        for message in _guest_conflicts(facts, known.people, session, -(-now // MINUTE), is_forced=asked.force):
            yield FieldProblem(f"sessions[{place}]", message)


def _guest_conflicts(
    facts: Facts, people: Mapping[int, Person], session: HeldSession, now: int, *, is_forced: bool
) -> Iterator[str]:
    """Yield why guests of an interview cannot come at another time."""
    moved = facts.moved.get(session.scheduled_interview_id or 0)
    if moved is None or (moved.starts, moved.ends) == (session.start, session.end):
        return
    span = _span(session.start, session.end)
    for guest in moved.guests:
        message = next(objections(people[guest.person], span, now, is_forced=is_forced), None)
        if message is not None and guest.user not in session.interviewers:
            yield f"The guest {guest.email} {message[0].lower()}{message[1:]}"


def _session_conflicts(
    checked: _Checked, session: HeldSession, now: int, *, is_forced: bool
) -> Iterator[tuple[str, str]]:
    span = _span(session.start, session.end)
    if overlaps(checked.candidate, span):
        yield "", "The candidate has another interview at this time"
    checked.candidate.append(span)
    if session.room_id is not None:
        if overlaps(checked.rooms[session.room_id], span):
            yield ".room_id", f"{checked.room_names[session.room_id]} is taken at this time"
        checked.rooms[session.room_id].append(span)
    for number, user in enumerate(session.interviewers):
        if user is None:
            continue
        person = checked.people[user]
        message = next(objections(person, span, now, is_forced=is_forced), None)
        if message is not None:
            reason = checked.reasons.get(user) if message == NOT_OFFERED else None
            yield f".interviewers[{number}]", f"{message}: {reason}" if reason else message
        interviews = (*person.interviews, span)
        checked.people[user] = msgspec.structs.replace(person, interviews=interviews)


def _span(start: int, end: int) -> Span:
    return Span(start // MINUTE, -(-end // MINUTE))
