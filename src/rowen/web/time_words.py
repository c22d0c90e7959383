"""Found times as pages show them: slots with their people and reasons, and why there are few.

Owns the words, in the language of the viewer, for what planning says in English. Must not know a form, or how slots
are found.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import groupby
from typing import Final, NamedTuple

from rowen.app.planning import MINUTE, NotOffered
from rowen.app.slots import FoundSlots, SeatInput, SlotsInput
from rowen.interviews.moments import Instant
from rowen.planning.explanation import Reason
from rowen.planning.question import Held
from rowen.web.languages import Language
from rowen.web.views import Viewer, initials, local

_SUGGESTED: Final = 3
CHOICES: Final = (
    (re.compile(r"Asked for by name"), "find.why_named"),
    (re.compile(r"In the interview before it was moved"), "find.why_before"),
    (re.compile(r"The whole pool is asked for"), "find.why_whole"),
    (re.compile(r"The least loaded who is free: (\d+) interviews? in the weeks around"), "find.why_least"),
    (re.compile(r"Free, while others are needed elsewhere; (\d+) interviews? .*"), "find.why_needed"),
)
"""The reasons for which planning chooses somebody, and their texts."""

MISSING: Final = (
    (re.compile(r"Is disabled"), "find.missing_disabled"),
    (re.compile(r"Has no availability"), "find.missing_hours"),
    (re.compile(r"Has no source of busy times"), "find.missing_source"),
    (re.compile(r"Source .* has not been read yet.*", re.DOTALL), "find.missing_read"),
    (re.compile(r"Source .* was read .* ago, which is too long.*", re.DOTALL), "find.missing_old"),
    (re.compile(r"No source of busy times covers (any|all) of the window"), "find.missing_covered"),
)
"""The reasons for which somebody is not offered, and their texts."""

OF_PERSON: Final = {
    "working hours": ("hours", "find.cost_hours"),
    "time off and holidays": ("time_off", "find.cost_time_off"),
    "busy times": ("person", "find.cost_busy"),
    "missing busy times": ("person", "find.cost_unknown"),
    "interviews": ("person", "find.cost_interviews"),
    "buffers": ("buffers", "find.cost_buffers"),
    "limits": ("limits", "find.cost_limits"),
    "minimum notice": ("notice", "find.cost_notice"),
}
"""What keeps a person from interviews: what a button leaves out for it, and the text."""

LEFT_OUT: Final = {key: without for without, (key, _) in OF_PERSON.items() if key != "person"}
"""The constraints of a person that a coordinator may leave out: as forms name them, and as planning does."""

_POOL: Final = "one more person in pool "
_SEAT: Final = re.compile(r"sessions\[(\d+)\]\.seats\[(\d+)\]")
_NO_HOURS: Final = "Has no availability"

OF_SESSIONS: Final = {
    "the longest gap": "find.cost_gap",
    "one date for all sessions": "find.cost_date",
    "different people in each session": "find.cost_repeat",
}
"""What keeps several interviews from being on one day, and their texts."""


class AskedTimes(NamedTuple):
    """A question, the names of pools and rooms, and whether a window may be longer, and an interview shorter."""

    input: SlotsInput
    pools: Mapping[int, str]
    rooms: Mapping[int, str]
    can_be_longer: bool
    can_be_shorter: bool


class SlotPerson(NamedTuple):
    """Somebody in a slot, with the reason for the choice."""

    name: str
    initials: str
    why: str


class ShownSlot(NamedTuple):
    """A slot: the value of its button, when it is, with whom and in which room, and what speaks for it."""

    value: str
    day: date
    when: str
    time: str
    begins: str
    people: Sequence[SlotPerson]
    room: str | None
    why: str

    @property
    def where(self) -> str:
        """The names of its people, and its room."""
        names = ", ".join(each.name for each in self.people)
        return f"{names} \u00b7 {self.room}" if self.room else names


class SlotDay(NamedTuple):
    """The slots of a day, those after each other with the same people and the same room together."""

    words: str
    groups: Sequence[tuple[str, Sequence[ShownSlot]]]

    @property
    def total(self) -> int:
        """How many slots the day has."""
        return sum(len(slots) for _, slots in self.groups)


class Cost(NamedTuple):
    """What keeps slots away, with the button that leaves it out: its value and its text; without one if empty."""

    words: str
    value: str = ""
    button: str = ""


class TimesInWords(NamedTuple):
    """The answer to a search, in words; `left_out` are constraints that do not count: value and words."""

    total: int
    shown: int
    suggested: Sequence[ShownSlot]
    days: Sequence[SlotDay]
    costs: Sequence[Cost]
    missing: Sequence[Cost]
    left_out: Sequence[tuple[str, str]]


def written_times(viewer: Viewer, asked: AskedTimes, answer: FoundSlots) -> TimesInWords:
    """Return the answer to a question as a person sees it."""
    return _Writer(viewer, asked, answer).times()


class _Writer:
    def __init__(self, viewer: Viewer, asked: AskedTimes, answer: FoundSlots) -> None:
        self._viewer = viewer
        self._language: Language = viewer.language
        self._asked = asked
        self._answer = answer
        self._seats = [() if each is None else each.seats for each in asked.input.sessions]

    def times(self) -> TimesInWords:
        answer = self._answer
        slots = [self._slot(slot[0], count) for slot, count in answer.ranked]
        suggested: dict[date, ShownSlot] = {}
        for each in slots:
            if len(suggested) < _SUGGESTED:
                suggested.setdefault(each.day, each)
        by_day = groupby(sorted(slots, key=lambda each: int(each.value.partition("-")[0])), lambda each: each.day)
        return TimesInWords(
            answer.slots.total,
            len(slots),
            list(suggested.values()),
            [SlotDay(self._language.full_day(day), _grouped(its)) for day, its in by_day],
            [*filter(None, map(self._cost, answer.reasons)), *self._general()] if self._is_few() else [],
            list(self._missing()),
            list(self._left_out()),
        )

    def _is_few(self) -> bool:
        return self._answer.slots.total <= self._asked.input.few

    def _slot(self, held: Held, same_day: int) -> ShownSlot:
        viewer, language = self._viewer, self._language
        start, end = (local(viewer, Instant(each * MINUTE)) for each in held.span)
        names = self._answer.names
        people = [self._person(names.get(each.person) or str(each.person), each.why) for each in held.interviewers]
        room = None if held.room is None else self._asked.rooms.get(held.room)
        ids = ".".join(str(each.person) for each in held.interviewers)
        return ShownSlot(
            f"{held.span.start * MINUTE}-{ids}-{room or ''}",
            start.date(),
            language.full_day(start.date()),
            f"{language.time(start)}\u2013{language.time(end)}",
            language.time(start),
            people,
            room,
            language.counted("find.same_day", same_day) if same_day else language.text("find.free_day"),
        )

    def _person(self, name: str, why: str) -> SlotPerson:
        return SlotPerson(name, initials(name), _translated(self._language, CHOICES, why))

    def _name(self, user: int | None) -> str:
        return self._answer.names.get(user or 0) or str(user)

    def _cost(self, reason: Reason) -> Cost | None:
        """Return a constraint, with what it costs, and the button that leaves it out."""
        language, without = self._language, reason.without
        more = language.counted("find.times", reason.slots)
        if reason.without == "missing busy times" and reason.person in {each.user for each in self._answer.not_offered}:
            return None  # the page names them already, with the reason
        if reason.person is not None:
            key, text = OF_PERSON[without]
            name = self._name(reason.person)
            words = language.text(text, name=name, times=more)
            if key != "person":
                return Cost(words, f"{key}:{reason.person}", language.text("find.leave_out"))
            return Cost(words, *self._without(f"person:{reason.person}", name))
        if without.startswith(_POOL):
            return Cost(language.text("find.cost_pool", pool=without.removeprefix(_POOL), times=more))
        if (seat := _SEAT.fullmatch(without)) is not None:
            value, name = self._named(self._seats[int(seat[1])][int(seat[2])])
            return Cost(language.text("find.cost_seat", name=name, times=more), *self._without(value, name))
        if without.startswith("the room"):
            return Cost(language.text("find.cost_room", times=more), "room", language.text("find.leave_out"))
        return Cost(language.text(OF_SESSIONS.get(without, "find.cost_candidate"), times=more))

    def _without(self, value: str, name: str) -> tuple[str, str]:
        """Return the button that searches without somebody; none where nobody would be left."""
        return (value, self._language.text("find.without", name=name)) if len(self._seats[0]) > 1 else ("", "")

    def _named(self, seat: SeatInput | None) -> tuple[str, str]:
        """Return what a button leaves out for a seat, and who is to sit there."""
        if seat is None or seat.pool is not None:
            pool = 0 if seat is None or seat.pool is None else seat.pool
            return f"pool:{pool}", self._asked.pools.get(pool, str(pool))
        user = (seat.users or (None,))[0]
        return f"person:{user}", self._name(user)

    def _general(self) -> Iterator[Cost]:
        """Yield what helps unless somebody who has to come is never offered: a longer window, a shorter interview."""
        language, never = self._language, {each.user for each in self._answer.not_offered}
        if any(seat and seat.users and never.issuperset(seat.users) for seats in self._seats for seat in seats):
            return
        if self._asked.can_be_longer:
            yield Cost(language.text("find.cost_window"), "window", language.text("find.longer"))
        if self._asked.can_be_shorter:
            yield Cost(language.text("find.cost_minutes"), "shorter", language.text("find.shorter"))

    def _missing(self) -> Iterator[Cost]:
        """Yield who is not offered, and why."""
        language, hours = self._language, list[NotOffered]()
        for each in self._answer.not_offered:
            if each.why == _NO_HOURS:
                hours.append(each)
                continue
            why = _translated(language, MISSING, each.why)
            words = language.text("find.missing", name=self._name(each.user), why=why)
            yield Cost(words, *self._without(f"person:{each.user}", self._name(each.user)))
        if hours:
            names = ", ".join(self._name(each.user) for each in hours)
            words = language.text("find.missing", name=names, why=language.text("find.missing_hours"))
            yield Cost(words, "usual_hours", language.text("find.usual_hours"))

    def _left_out(self) -> Iterator[tuple[str, str]]:
        for without, person in self._asked.input.left_out:
            key, _ = OF_PERSON[without]
            yield f"{key}:{person}", self._language.text(f"find.no_{key}", name=self._name(person))


def _grouped(slots: Iterable[ShownSlot]) -> list[tuple[str, list[ShownSlot]]]:
    return [(where, list(its)) for where, its in groupby(slots, lambda each: each.where)]


def _translated(language: Language, table: tuple[tuple[re.Pattern[str], str], ...], text: str) -> str:
    """Return a sentence of planning in a language; as it is if nothing is known of it."""
    for pattern, key in table:
        found = pattern.fullmatch(text)
        if found is not None:
            return language.text(key, value=found[1] if found.groups() else "")
    return text
