"""The fields of an interview's times: a day, a time and minutes, or the first and the last day.

Owns how they are read, and what is asked back about times that the clocks skip or show twice. Must not know which form
they are in, or what is done with them.
"""

from datetime import date, timedelta
from typing import Final

from rowen.interviews.interview import Moment
from rowen.interviews.moments import LATEST, Instant
from rowen.web.forms import Form
from rowen.web.languages import zone_name
from rowen.web.local_times import instants_of, read_day, read_time
from rowen.web.views import Viewer, local

ALL_DAY: Final = "all_day"
"""The field `kind` of an interview without times."""

_MINUTE: Final = 60_000


def ends_of(viewer: Viewer, form: Form, least: int, most: int) -> tuple[Moment, Moment] | None:
    """Return the two ends of an interview, `least` to `most` minutes apart; None, with the problems noted."""
    if form.value("kind") == ALL_DAY:
        return _days(form)
    minutes = form.whole("minutes", least, most, "form.minutes")
    start = start_of(viewer, form)
    if start is not None and minutes is not None and start + minutes * _MINUTE > LATEST:
        form.note("day", "form.day")
    if form.problems or start is None or minutes is None:
        return None
    return Moment(date_time=start), Moment(date_time=Instant(start + minutes * _MINUTE))


def start_of(viewer: Viewer, form: Form) -> Instant | None:
    """Return when an interview begins, by the fields `day` and `start`; None, with the problem noted.

    A time that the clocks show twice is asked about.
    """
    day, at = read_day(form.text("day")), read_time(form.text("start"))
    if day is None:
        form.note("day", "form.day")
    if at is None:
        form.note("start", "form.time")
    if day is None or at is None:
        return None
    try:
        found = instants_of(day, at, viewer.zone)
    except ValueError:
        form.note("day", "form.day")
        return None
    language = viewer.language
    if not found.instants and found.before is not None and found.after is not None:
        before, after = language.time(found.before), language.time(found.after)
        form.note("start", "new.skipped", before=before, after=after)
        return None
    if len(found.instants) == 1:
        return found.instants[0]
    chosen = form.value("which")
    if chosen in ("0", "1"):
        return found.instants[int(chosen)]
    moments = [local(viewer, each) for each in found.instants]
    offered = [f"{language.time(each)} · {zone_name(viewer.zone_key, each)}" for each in moments]
    form.offer("which", [(str(number), words) for number, words in enumerate(offered)])
    form.note("which", "new.twice", time=language.time(moments[0]))
    return None


def _days(form: Form) -> tuple[Moment, Moment] | None:
    first = read_day(form.text("day"))
    if first is None:
        form.note("day", "form.day")
    last = read_day(form.text("last_day")) if form.text("last_day") else first
    if last is None or (first is not None and last < first):
        form.note("last_day", "edit.last_day")
    elif last == date.max:
        form.note("last_day", "form.day")
    if form.problems or first is None or last is None or last == date.max:
        return None
    return Moment(date=first), Moment(date=last + timedelta(days=1))
