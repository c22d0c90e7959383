"""The body of busy times: an address, or the busy times of a window.

Owns its fields and limits (contract section 16). Must not know what is stored.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rowen.api import planning_examples as examples
from rowen.api.headers.acting_user import read_acting_user
from rowen.api.reading import values
from rowen.api.reading.body import Body
from rowen.api.reading.values import LONGEST_NAME, ValueReader, sequence, structure
from rowen.api.request import ApiRequest
from rowen.api.schemas import closed
from rowen.app.busy import LONGEST_WINDOW, PUSH_MOST, BusyFields
from rowen.interviews.busy import Interval
from rowen.interviews.errors import Problems

_DAY: Final = 86_400_000
_BOUNDS: Final[ValueReader[dict[str, Any]]] = structure(
    dict, {"from": values.instant, "to": values.instant}, "from", "to"
)


def _read_interval(problems: Problems, path: str, value: Any) -> Interval | None:
    fields = _BOUNDS.read(problems, path, value)
    if fields is None:
        return None
    if fields["from"] >= fields["to"]:
        problems.note(f"{path}.to", "Must be after from")
        return None
    return Interval(int(fields["from"]), int(fields["to"]))


_INTERVAL: Final = ValueReader(_read_interval, closed({"from": values.instant.schema, "to": values.instant.schema}))
_FIELDS: Final[Mapping[str, ValueReader[Any]]] = {
    "url": values.web_address.described("An address of a calendar (iCalendar) to read, instead of all other fields"),
    "window": _INTERVAL.described("The times of which all busy times are given: they replace what was known there"),
    "read_at": values.instant.described("When the window was read: now, if it is left out"),
    "busy": sequence(_INTERVAL, PUSH_MOST),
}
BUSY: Final = Body("BusyTimesBody", _FIELDS, examples.PUSHED_BUSY)


def read_source_name(text: str) -> str:
    """Return the name of a source. Raises ValueError."""
    if 0 < len(text) <= LONGEST_NAME and text.isprintable():
        return text
    raise ValueError(f"Must have 1 to {LONGEST_NAME} characters, and no control characters")


def read_busy(request: ApiRequest, source: str) -> BusyFields:
    """Read the PUT of a source. Raises Refusal."""
    problems = Problems()
    fields = busy_fields(source, BUSY.read(request.body, problems), problems)
    user = read_acting_user(request, problems)
    return fields._replace(on_behalf_of=user, problems=tuple(problems.found))


def busy_fields(source: str, fields: Mapping[str, Any], problems: Problems) -> BusyFields:
    """Return what the values of a body put, of nobody, after noting what is wrong with them together."""
    if "url" in fields:
        for name in fields.keys() - {"url"}:
            problems.note(name, "Must not be given beside url")
    elif not problems.count:
        for name in ("window", "busy"):
            if name not in fields:
                problems.note(name, "Is required, unless a url is given")
    busy = fields.get("busy", ())
    _check_window(fields.get("window"), busy, problems)
    known = tuple(each for each in busy if each is not None)
    return BusyFields(
        source, fields.get("url"), fields.get("window"), fields.get("read_at"), known, None, tuple(problems.found)
    )


def _check_window(window: Interval | None, busy: Sequence[Interval | None], problems: Problems) -> None:
    """Note a window that is too long, and the busy times that are not in it."""
    if window is None:
        return
    if window.ends - window.starts > LONGEST_WINDOW:
        problems.note("window.to", f"Must be at most {LONGEST_WINDOW // _DAY} days after from")
    for place, each in enumerate(busy):
        if each is not None and (each.ends <= window.starts or each.starts >= window.ends):
            problems.note(f"busy[{place}]", "Must be in the window, at least partly")
