"""Finding a time for a panel: the question that a form asks, and the slot that was chosen of the answer.

Owns the fields of the question, which of its constraints a button leaves out, and how a chosen slot fills the form.
Must not know how slots are found, or how they are written (`time_words.py`).
"""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from rowen.api.identifiers import read_identifier
from rowen.app.slots import RoomInput, SeatInput, SessionInput, SlotsInput
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.moments import LATEST, Instant
from rowen.interviews.pools import Pool
from rowen.interviews.rooms import Room
from rowen.interviews.scheduling import MOST_INTERVIEWERS
from rowen.web.directory import LONGEST_MINUTES
from rowen.web.forms import Form
from rowen.web.local_times import instants_of, read_day
from rowen.web.ports import PagePorts
from rowen.web.request import WebRequest
from rowen.web.time_words import LEFT_OUT, AskedTimes, TimesInWords, written_times
from rowen.web.usual_panel import pool_fields, wanted_pools
from rowen.web.views import local

FEW: Final = 5
"""Up to how many slots the page says why there are so few."""

DAYS: Final = 14
"""How many days are searched at first."""

MOST_DAYS: Final = 56
_MOST_SLOTS: Final = 300
_SHORTEST: Final = 30
_SHORTER: Final = 15
_DAY: Final = timedelta(days=1)
_SLOT: Final = re.compile(r"([0-9]{1,15})-([0-9]{1,20}(?:\.[0-9]{1,20}){0,99})-([^\0]{0,2000})", re.DOTALL)


class Search(NamedTuple):
    """What a form is about: an application, the panel, and the pools and rooms there are."""

    application: int
    panel: tuple[int, ...]
    pools: Sequence[Pool]
    rooms: Sequence[Room]


def add_defaults(form: Form, request: WebRequest, now: Instant) -> None:
    """Show what is searched at first: from tomorrow on, for two weeks."""
    tomorrow = local(request.viewer, now).date() + _DAY
    form.default("times_from", tomorrow.isoformat())
    form.default("times_until", (tomorrow + (DAYS - 1) * _DAY).isoformat())


class TimeSearch:
    """Answers the question of a form."""

    def __init__(self, ports: PagePorts) -> None:
        self._planner = ports.services.planner

    async def find(self, request: WebRequest, form: Form, search: Search) -> TimesInWords | None:
        """Return the times for a panel; None, with the problems noted in the form."""
        request.require("slots:find")
        _relax(form)
        question = _question(request, form, search)
        if question is None:
            return None
        try:
            answer = await self._planner.find(request.session.person.organization, question.input)
        except Refusal as refusal:
            if refusal.code is not Code.INVALID:
                raise
            form.note_refused(refusal.problems, {})
            return None
        return written_times(request.viewer, question, answer)


def _relax(form: Form) -> None:
    """Change the fields as a button asks that was pressed: a longer window, a shorter interview, no room, no pool."""
    relaxed, _, value = form.value("relax").partition(":")
    minutes = form.text("minutes")
    until = read_day(form.text("times_until"))
    if relaxed == "window" and until is not None and until < date.max - DAYS * _DAY:
        form.put("times_until", (until + DAYS * _DAY).isoformat())
    elif relaxed == "shorter" and minutes.isascii() and minutes.isdigit():
        form.put("minutes", str(max(int(minutes[:4]) - _SHORTER, _SHORTEST)))
    elif relaxed == "room":
        form.put("with_room", "")
    elif relaxed == "pool":
        form.put(f"pool-{value}", "0")
    elif relaxed == "usual_hours":
        form.put("usual_hours", "1")


def _question(request: WebRequest, form: Form, search: Search) -> AskedTimes | None:
    """Return the question of a form; None, with the problems noted."""
    window = read_window(request, form)
    minutes = form.whole("minutes", 5, LONGEST_MINUTES, "form.minutes")
    wanted = {each: count for each, count in wanted_pools(form, search.pools).items() if count}
    if not search.panel and not wanted:
        form.note("panel", "new.panel_needed")
    elif len(search.panel) > MOST_INTERVIEWERS:
        form.note("panel", "new.panel_large", most=MOST_INTERVIEWERS)
    if form.problems or window is None or minutes is None:
        return None
    seats = (
        *(SeatInput(users=(each,)) for each in search.panel),
        *(SeatInput(pool=each, count=count) for each, count in wanted.items()),
    )
    room = RoomInput() if form.value("with_room") else None
    relaxed = tuple(dict.fromkeys((*form.all("left_out"), form.value("relax"))))
    asked = SlotsInput(
        window=window,
        sessions=(SessionInput(minutes=minutes, seats=seats, room=room),),
        time_zones=(request.viewer.zone.key,),
        application_id=search.application,
        limit=_MOST_SLOTS,
        few=FEW,
        ranked=True,
        usual_hours=bool(form.value("usual_hours")),
        left_out=tuple(found for each in relaxed if (found := _left_out(each)) is not None),
    )
    can_be_longer = window[1] - window[0] <= (MOST_DAYS - DAYS) * _DAY / timedelta(milliseconds=1)
    names = {each.id: each.name for each in search.pools}
    rooms = {each.id: each.name for each in search.rooms}
    return AskedTimes(asked, names, rooms, can_be_longer, minutes > _SHORTEST)


def _left_out(text: str) -> tuple[str, int | None] | None:
    """Return the constraint of a person that is left out: `buffers:4003`."""
    without, _, person = text.partition(":")
    identifier = read_identifier(person)
    return (LEFT_OUT[without], identifier) if without in LEFT_OUT and identifier is not None else None


def read_window(request: WebRequest, form: Form) -> tuple[int, int] | None:
    """Return the first and last moment of the days of a form, in milliseconds; None, with the problem noted."""
    first, last = read_day(form.text("times_from")), read_day(form.text("times_until"))
    if first is None:
        form.note("times_from", "form.day")
    if last is None:
        form.note("times_until", "form.day")
    if first is None or last is None:
        return None
    if not date(1971, 1, 1) < first < date(9990, 1, 1) or not first <= last < first + MOST_DAYS * _DAY:
        form.note("times_until", "find.window", most=MOST_DAYS)
        return None
    return _midnight(first, request.viewer.zone), _midnight(last + _DAY, request.viewer.zone)


def _midnight(day: date, zone: ZoneInfo) -> int:
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
    return Instant.of(midnight)


def fill(request: WebRequest, form: Form, pools: Sequence[Pool]) -> list[int] | None:
    """Fill the form with the slot whose button was pressed, and return its panel; None if it is none."""
    found = _SLOT.fullmatch(form.value("slot"))
    if found is None or int(found[1]) > LATEST - _DAY // timedelta(milliseconds=1):  # in every zone before year 10000
        return None
    start = local(request.viewer, Instant(int(found[1])))
    form.put("day", start.date().isoformat())
    form.put("start", f"{start:%H:%M}")
    form.put("kind", "")
    instants = instants_of(start.date(), start.time(), request.viewer.zone).instants
    if len(instants) > 1:
        form.put("which", str(instants.index(Instant(int(found[1])))))
    if found[3]:
        form.put("location", found[3])
    for each in pool_fields(pools):
        form.clear(each.field)
    return [identifier for text in found[2].split(".") if (identifier := read_identifier(text)) is not None]
