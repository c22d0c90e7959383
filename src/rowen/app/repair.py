"""Repair: what to do when an interviewer cannot come.

Owns what is proposed (somebody else in the same seat, or else another order of the candidate's interviews on that day
with the same people, or else another time of at most half an hour earlier or later), and that it obeys what slots
obey when it is written (contract section 17). Must not know JSON, HTTP or SQL, or who knows of pools.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, pairwise, permutations
from typing import Final, NamedTuple, Protocol

from rowen.app.bookings import (
    BookingInput,
    check_references,
    conflicts,
    require_free,
    wanted_by,
    with_kept_rooms,
)
from rowen.app.organizations import DoubleBooking, Organization
from rowen.app.planning import DEFAULT_FRESHNESS, MINUTE, Facts, Freshness, PlanningRequest, people_of
from rowen.app.records import ScorecardCodec
from rowen.app.scheduling import change
from rowen.app.unit_of_work import UnitOfWork
from rowen.interviews.errors import Code, FieldProblem, Problems, Refusal
from rowen.interviews.holds import HeldSession
from rowen.interviews.interview import (
    Interviewer,
    InterviewId,
    Moment,
    ResponseStatus,
    ScheduledInterview,
    Status,
)
from rowen.interviews.moments import Instant
from rowen.interviews.people import booked
from rowen.interviews.scheduling import UNSET, InterviewerInput, InterviewFields
from rowen.planning.bits import Span
from rowen.planning.fairness import Loads
from rowen.planning.objections import objections

MOST_SWAPS: Final = 3
MOST_SHIFTS: Final = 2
LONGEST_SHIFT: Final = 30 * MINUTE
"""How much earlier or later an interview is proposed, in milliseconds."""

MOST_REORDERED: Final = 5
"""How many interviews of a day are put in another order."""

MOST_IN_ORDERS: Final = 30
"""How many people these interviews have together at most: every order is tried with all of them."""

_STEP: Final = 15 * MINUTE


class Broken(NamedTuple):
    """An interview with a time of day, the user who cannot come, and who may sit there instead, with their weights.

    `that_day` are the candidate's interviews of that day in the order of time, this one among them.
    """

    interview: ScheduledInterview
    leaving: int
    seat: Mapping[int, int]
    that_day: Sequence[ScheduledInterview]


class Swap(NamedTuple):
    """Somebody else in the same seat, with the number of interviews in the weeks around."""

    joining: int
    name: str
    load: int


class Moved(NamedTuple):
    """An interview at another time, in milliseconds."""

    interview: InterviewId
    start: int
    end: int


class Proposals(NamedTuple):
    """What can be done, the best first; moves are proposed only where nobody else can come."""

    swaps: Sequence[Swap] = ()
    moves: Sequence[Sequence[Moved]] = ()


class Repair(NamedTuple):
    """What is to be done about an interview: `joining` takes the seat of `leaving`, or else interviews are moved."""

    interview: InterviewId
    leaving: int
    joining: int | None
    moves: Sequence[Moved]
    on_behalf_of: int


class FactsReader(Protocol):
    """Reads what is known for planning."""

    async def read(self, organization: Organization, wanted: PlanningRequest) -> Facts:
        """Return what is known, all of it as of one state."""
        ...


async def propose(
    known: FactsReader, organization: Organization, broken: Broken, now: int, freshness: Freshness = DEFAULT_FRESHNESS
) -> Proposals:
    """Return what can be done about an interview."""
    facts = await known.read(organization, wanted_for_swaps(broken))
    if found := swaps(facts, broken, now, freshness):
        return Proposals(swaps=found)
    wanted = wanted_for_orders(broken)
    if wanted is not None and (moved := orders(await known.read(organization, wanted), broken, now, freshness)):
        return Proposals(moves=moved)
    return Proposals(moves=shifts(facts, broken, now, freshness))


def wanted_for_swaps(broken: Broken) -> PlanningRequest:
    """Return what has to be known to propose somebody else, or another time."""
    start, end = _times(broken.interview)
    return PlanningRequest(
        users=tuple(dict.fromkeys((*broken.seat, *_coming(broken.interview, broken.leaving)))),
        pools=(),
        starts=start - LONGEST_SHIFT,
        ends=end + LONGEST_SHIFT,
        application=broken.interview.application_id,
        rooms=True,
        without=frozenset({broken.interview.id}),
    )


def swaps(facts: Facts, broken: Broken, now: int, freshness: Freshness = DEFAULT_FRESHNESS) -> list[Swap]:
    """Return who else can come, the least loaded first."""
    start, end = _times(broken.interview)
    span = Span(start // MINUTE, -(-end // MINUTE))
    people = people_of(facts, span, now, freshness).people
    present = {each.id for each in broken.interview.interviewers}
    free = [
        each
        for each in broken.seat
        if each not in present and each in people and not any(objections(people[each], span, -(-now // MINUTE)))
    ]
    loads = Loads(people)
    order = loads.order(loads.turns(tuple(free), broken.seat), span.start)
    return [Swap(each, facts.names[each], load) for each, load in islice(order.items(), MOST_SWAPS)]


def shifts(facts: Facts, broken: Broken, now: int, freshness: Freshness = DEFAULT_FRESHNESS) -> list[list[Moved]]:
    """Return other times for the same people, the nearest first."""
    start, end = _times(broken.interview)
    found = []
    for size in range(_STEP, LONGEST_SHIFT + 1, _STEP):
        for by in (size, -size):
            moved = [Moved(InterviewId(broken.interview.id), start + by, end + by)]
            if _is_free(facts, broken, moved, (now, freshness)):
                found.append(moved)
    return found[:MOST_SHIFTS]


def wanted_for_orders(broken: Broken) -> PlanningRequest | None:
    """Return what has to be known to propose another order; None if there is none."""
    if not 1 < len(broken.that_day) <= MOST_REORDERED:
        return None
    times = [_times(each) for each in broken.that_day]
    users = tuple(dict.fromkeys(user for each in broken.that_day for user in _coming(each, broken.leaving)))
    if len(users) > MOST_IN_ORDERS:
        return None
    return PlanningRequest(
        users=users,
        pools=(),
        starts=min(start for start, _ in times),
        ends=max(end for _, end in times),
        application=broken.interview.application_id,
        rooms=True,
        without=frozenset(each.id for each in broken.that_day),
    )


def orders(facts: Facts, broken: Broken, now: int, freshness: Freshness = DEFAULT_FRESHNESS) -> list[list[Moved]]:
    """Return the other order of the interviews of that day that moves the fewest of them."""
    if facts.organization.double_booking is DoubleBooking.REJECT and _is_shared(broken.that_day):
        return []  # they are moved one after the other, and somebody would be in two at once meanwhile
    possible = sorted((_laid_out(broken.that_day, each) for each in permutations(broken.that_day)), key=len)
    for moved in possible:
        is_moved = any(each.interview == broken.interview.id for each in moved)
        if is_moved and _is_free(facts, broken, moved, (now, freshness)):
            return [moved]
    return []


async def repair(
    unit: UnitOfWork, codec: ScorecardCodec, wanted: Repair, api_key: str, freshness: Freshness = DEFAULT_FRESHNESS
) -> bytes:
    """Do what was proposed, and return the interview's document. Raises Refusal: not found; invalid; conflict.

    All interviews are changed, or none. It is a conflict if somebody is no longer free.
    """
    moves = wanted.moves or [Moved(wanted.interview, 0, 0)]
    interviews = [await _interview(unit, each.interview) for each in moves]
    if wanted.interview not in [each.id for each in interviews]:
        raise Refusal(Code.INVALID, problems=(FieldProblem("moves", "Must move the interview itself"),))
    if len({each.application_id for each in interviews}) != 1 or len({each.id for each in interviews}) != len(moves):
        raise Refusal(Code.INVALID, problems=(FieldProblem("moves", "Must be of one application, each once"),))
    asked = _asked_to_swap(wanted, interviews[0]) if wanted.joining else _asked_to_move(wanted, interviews)
    facts = await unit.planning_facts(wanted_by(asked))
    problems = Problems()
    check_references(facts, asked, problems)
    problems.raise_any()
    require_free(facts, with_kept_rooms(facts, asked), int(unit.now), freshness)
    document = b""
    for interview, moved in zip(interviews, moves, strict=True):
        stored = await unit.interview(InterviewId(interview.id))
        assert stored is not None  # noqa: S101  (it was read above, in the same transaction)
        result = await change(unit, codec, stored, _fields(wanted, interview, moved), api_key)
        if interview.id == wanted.interview:
            document = result.document
    return document


async def undo_repair(
    unit: UnitOfWork, codec: ScorecardCodec, earlier: Mapping[InterviewId, InterviewFields], api_key: str
) -> None:
    """Put interviews back as they were. Raises Refusal: not found; invalid; conflict."""
    for identifier, fields in earlier.items():
        await _interview(unit, identifier)
        stored = await unit.interview(identifier)
        assert stored is not None  # noqa: S101  (it was read above, in the same transaction)
        await change(unit, codec, stored, fields, api_key)


async def _interview(unit: UnitOfWork, identifier: InterviewId) -> ScheduledInterview:
    """Return an interview that can be repaired. Raises Refusal: not found; invalid."""
    stored = await unit.interview(identifier)
    if stored is None:
        raise Refusal(Code.NOT_FOUND)
    if stored.interview.start.date_time is None or stored.interview.status is not Status.SCHEDULED:
        raise Refusal(Code.INVALID, problems=(FieldProblem("id", "Must be an interview to come, with a time"),))
    return stored.interview


def _asked_to_swap(wanted: Repair, interview: ScheduledInterview) -> BookingInput:
    """Return what is checked: only the one who joins. Raises Refusal (invalid) if nobody can be replaced."""
    present = [each.id for each in interview.interviewers]
    if wanted.leaving not in present or wanted.joining in present:
        problem = FieldProblem("joining", "Must take the seat of an interviewer, and not be one already")
        raise Refusal(Code.INVALID, problems=(problem,))
    start, end = _times(interview)
    return BookingInput(sessions=(HeldSession(start=start, end=end, interviewers=(wanted.joining,)),))


def _asked_to_move(wanted: Repair, interviews: Sequence[ScheduledInterview]) -> BookingInput:
    moved = {each.interview: each for each in wanted.moves}
    sessions = tuple(_session(each, moved[InterviewId(each.id)], wanted.leaving) for each in interviews)
    return BookingInput(application_id=interviews[0].application_id, sessions=sessions)


def _session(interview: ScheduledInterview, moved: Moved, leaving: int) -> HeldSession:
    return HeldSession(
        start=moved.start,
        end=moved.end,
        interviewers=tuple(_coming(interview, leaving)),
        scheduled_interview_id=interview.id,
    )


def _is_free(facts: Facts, broken: Broken, moved: Sequence[Moved], at: tuple[int, Freshness]) -> bool:
    by_id = {each.id: each for each in (broken.interview, *broken.that_day)}
    sessions = tuple(_session(by_id[each.interview], each, broken.leaving) for each in moved)
    stays = [each for each in broken.that_day if each.id not in {one.interview for one in moved}]
    kept = tuple(_session(each, Moved(InterviewId(each.id), *_times(each)), 0) for each in stays)
    whole = BookingInput(application_id=broken.interview.application_id, sessions=(*sessions, *kept))
    if len(moved) == 1:  # the others are in the facts
        whole = BookingInput(application_id=broken.interview.application_id, sessions=sessions)
    return next(conflicts(facts, with_kept_rooms(facts, whole), *at), None) is None


def _laid_out(before: Sequence[ScheduledInterview], after: Sequence[ScheduledInterview]) -> list[Moved]:
    """Return the interviews whose times change in another order; the gaps between them stay as they are."""
    times = [_times(each) for each in before]
    gaps = [later[0] - earlier[1] for earlier, later in pairwise(times)]
    start, moved = times[0][0], []
    for each, gap in zip(after, (*gaps, 0), strict=True):
        was, end = _times(each), start + _times(each)[1] - _times(each)[0]
        if was != (start, end):
            moved.append(Moved(InterviewId(each.id), start, end))
        start = end + gap
    return moved


def _is_shared(interviews: Sequence[ScheduledInterview]) -> bool:
    """Return whether somebody, or a place, is in several of some interviews."""
    named = [each.location for each in interviews if each.location]
    people = [person for each in interviews for person in booked(each.interviewers)]
    return len(set(named)) < len(named) or len(set(people)) < len(people)


def _coming(interview: ScheduledInterview, leaving: int) -> Iterator[int]:
    """Yield the users on a panel who have not declined, and the one who can come at another time only."""
    for each in interview.interviewers:
        if each.id is not None and (each.response_status is not ResponseStatus.DECLINED or each.id == leaving):
            yield each.id


def _times(interview: ScheduledInterview) -> tuple[int, int]:
    """Return the times of an interview, in milliseconds. Raises ValueError for one that lasts all day."""
    if interview.start.date_time is None or interview.end.date_time is None:
        raise ValueError("has no time of day")
    return int(interview.start.date_time), int(interview.end.date_time)


def _fields(wanted: Repair, interview: ScheduledInterview, moved: Moved) -> InterviewFields:
    """Return what changes: somebody who joins, or who is asked again at another time, has not answered yet."""
    panel = tuple(_input(each, wanted) for each in interview.interviewers)
    is_moved = wanted.joining is None
    return InterviewFields(
        interviewers=panel,
        start=Moment(date_time=Instant(moved.start)) if is_moved else UNSET,
        end=Moment(date_time=Instant(moved.end)) if is_moved else UNSET,
        on_behalf_of=wanted.on_behalf_of,
        knows_guests=True,
    )


def _input(interviewer: Interviewer, wanted: Repair) -> InterviewerInput:
    if interviewer.id is None:
        return InterviewerInput(email=interviewer.email, name=interviewer.name)
    if interviewer.id != wanted.leaving:
        return InterviewerInput(user_id=interviewer.id)
    return InterviewerInput(user_id=wanted.joining or wanted.leaving, response_status=ResponseStatus.NEEDS_ACTION)
