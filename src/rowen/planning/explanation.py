"""Why there are no slots: each constraint is left out in turn, and the slots are counted.

Owns what can be left out, and in which words. Must not know the names of people, or how often anybody may ask.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice, takewhile
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from rowen.planning.finding import FreeStarts, find
from rowen.planning.people import ALWAYS, LoadLimits, Person, free_starts
from rowen.planning.question import Question, Seat, TooManyOrdersError

MOST_TRIED: Final = 300
"""How many constraints are left out, each by itself."""

MOST_REASONS: Final = 3

_NEWCOMER: Final = -1
"""The id of a person who is always free."""


class Relaxed(NamedTuple):
    """A question without one of its constraints; `person` is whose constraint it was."""

    without: str
    person: int | None
    question: Question


class Reason(NamedTuple):
    """What was left out, whose it was, and how many slots there are without it."""

    without: str
    person: int | None
    slots: int


def reasons(
    question: Question, free: FreeStarts = free_starts, goes_on: Callable[[], bool] = lambda: True
) -> list[Reason]:
    """Return the constraints that cost most, each with the slots there would be without it, the most first.

    They are tried one after the other, as long as `goes_on` returns true.
    """
    found = []
    for relaxed in takewhile(lambda _: goes_on(), islice(relaxations(question), MOST_TRIED)):
        try:
            total = find(replace(relaxed.question, most_slots=0), free).total
        except TooManyOrdersError:
            continue
        if total:
            found.append(Reason(relaxed.without, relaxed.person, total))
    return sorted(found, key=lambda each: -each.slots)[:MOST_REASONS]


def leave_out(question: Question, constraints: Iterable[tuple[str, int | None]]) -> Question:
    """Return a question without some of its constraints, as `reasons` names them; others are ignored."""
    for each in constraints:
        found = (relaxed.question for relaxed in relaxations(question) if (relaxed.without, relaxed.person) == each)
        question = next(found, question)
    return question


def relaxations(question: Question) -> Iterator[Relaxed]:
    """Yield the question without each of its constraints: those of people come last."""
    yield from _of_all(question)
    for pool in sorted({seat.pool for each in question.sessions for seat in each.seats if seat.pool is not None}):
        yield Relaxed(f"one more person in pool {pool}", None, _with_newcomer(question, pool))
    asked = {
        each for session in question.sessions for seat in session.seats if not seat.is_optional for each in seat.people
    }
    for identifier in sorted(asked):
        for without, changes in _of_person(question.people[identifier]):
            person = replace(question.people[identifier], **changes)
            people = {**question.people, identifier: person}
            yield Relaxed(without, identifier, replace(question, people=people))


def _of_all(question: Question) -> Iterator[Relaxed]:
    everything: Mapping[str, tuple[bool, dict[str, Any]]] = {
        "the candidate's free times": (question.candidate_free is not None, {"candidate_free": None}),
        "the candidate's interviews": (bool(question.candidate_busy), {"candidate_busy": ()}),
        "lunch": (question.lunch is not None, {"lunch": None}),
        "the longest gap": (len(question.sessions) > 1, {"most_gap": question.grid.window.end}),
        "the shortest gap": (question.least_gap > 0, {"least_gap": 0}),
        "the order of the sessions": (not question.in_any_order, {"in_any_order": True}),
        "one date for all sessions": (question.days == 1, {"days": 2}),
        "different people in each session": (not question.repeats_people, {"repeats_people": True}),
    }
    several = {"the order of the sessions", "one date for all sessions", "different people in each session"}
    for without, (is_kept, changes) in everything.items():
        if is_kept and (len(question.sessions) > 1 or without not in several):
            yield Relaxed(without, None, replace(question, **changes))
    for index, session in enumerate(question.sessions):
        if session.rooms is not None:
            yield Relaxed(f"the room of sessions[{index}]", None, _with_session(question, index, rooms=None))
        if session.guests:
            yield Relaxed(f"the guests of sessions[{index}]", None, _with_session(question, index, guests=()))
        needed = [place for place, seat in enumerate(session.seats) if not seat.is_optional]
        for place in needed if len(needed) > 1 else ():
            seats = (*session.seats[:place], *session.seats[place + 1 :])
            without = f"sessions[{index}].seats[{place}]"
            yield Relaxed(without, None, _with_session(question, index, seats=seats))


def _of_person(person: Person) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what keeps a person from interviews, and the changes that leave it out."""
    if person.hours != ALWAYS:
        yield "working hours", {"hours": ALWAYS}
    if person.away or person.days_off:
        yield "time off and holidays", {"away": (), "days_off": ()}
    if person.busy:
        yield "busy times", {"busy": ()}
    if person.unknown:
        yield "missing busy times", {"unknown": ()}
    if person.interviews:
        yield "interviews", {"interviews": ()}
    if person.apart:
        yield "buffers", {"before": 0, "after": 0}
    if person.limits != LoadLimits():
        yield "limits", {"limits": LoadLimits()}
    if person.notice:
        yield "minimum notice", {"notice": 0}


def _with_session(question: Question, index: int, **changes: Any) -> Question:
    sessions = list(question.sessions)
    sessions[index] = replace(sessions[index], **changes)
    return replace(question, sessions=tuple(sessions))


def _with_newcomer(question: Question, pool: str) -> Question:
    """Return the question with a person who is always free in each seat of a pool."""

    def seat(asked: Seat) -> Seat:
        return replace(asked, people=(*asked.people, _NEWCOMER)) if asked.pool == pool else asked

    sessions = [replace(each, seats=tuple(map(seat, each.seats))) for each in question.sessions]
    people = {**question.people, _NEWCOMER: Person(id=_NEWCOMER)}
    return replace(question, sessions=tuple(sessions), people=people)
