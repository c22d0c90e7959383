"""The options of `rowen slots`, as a table of settings, and the question that they ask.

Owns how people, pools and times of the options become the body of `POST /rowen/v1/slots`, and which option a problem of
that body is about. Must not know how slots are found or printed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from rowen.api.reading.slot_fields import MOST_SLOTS, ZONE, read_question
from rowen.app.slots import DEFAULT_LIMIT, SlotsInput
from rowen.cli.similar_names import alternatives
from rowen.interviews.errors import FieldProblem, Problems, Refusal
from rowen.interviews.people import User, fold
from rowen.interviews.pools import Pool
from rowen.settings import IsoTime, SettingRow

_DEFAULT_MINUTES: Final = 60
_DEFAULT_WINDOW: Final = timedelta(weeks=2)
_FIELDS: Final = {"window.from": "--from", "window.to": "--to", "sessions[0].minutes": "--minutes", "limit": "--limit"}
_JSON: Final = "--json: "
_SESSION: Final = "sessions[0]"
_ROOM: Final = "sessions[0].room"


@dataclass(frozen=True, slots=True)
class SlotOptions:
    """What is asked: one interview by options, or everything as JSON."""

    people: Annotated[
        tuple[str, ...],
        SettingRow("A user who has to be there: an id or e-mail address. Repeat for more.", option="--person"),
    ] = ()
    pools: Annotated[
        tuple[str, ...],
        SettingRow(
            "A pool of whom one has to be there: a name or id; Backend=2 asks for two. Repeat.", option="--pool"
        ),
    ] = ()
    minutes: Annotated[int | None, SettingRow(f"How long the interview is. Default: {_DEFAULT_MINUTES}.", 1, 1_440)] = (
        None
    )
    starts: Annotated[
        IsoTime | None,
        SettingRow("Not before this date or time, which is local without an offset. Default: now.", option="--from"),
    ] = None
    ends: Annotated[
        IsoTime | None,
        SettingRow("Ends by then, likewise; a date is its midnight. Default: two weeks after.", option="--to"),
    ] = None
    time_zone: Annotated[
        str | None, SettingRow("The zone of local times, such as Europe/Berlin. Default: the organization's.")
    ] = None
    room: Annotated[int | None, SettingRow("Also a free room with at least this many places.", 1, 100_000)] = None
    limit: Annotated[int | None, SettingRow(f"How many slots are shown. Default: {DEFAULT_LIMIT}.", 1, MOST_SLOTS)] = (
        None
    )
    json: Annotated[
        str | None,
        SettingRow("A file with the body of POST /rowen/v1/slots, in place of the other options; - is standard input."),
    ] = None

    def beside_json(self) -> list[str]:
        """Return the options that cannot be given together with `--json` and are."""
        given = {
            "--person": self.people,
            "--pool": self.pools,
            "--minutes": self.minutes,
            "--from": self.starts,
            "--to": self.ends,
            "--room": self.room,
            "--limit": self.limit,
        }
        return [name for name, value in given.items() if value]

    def zone(self, usual: str) -> str:
        """Return the name of the zone of local times. Raises Refusal (invalid)."""
        problems = Problems()
        ZONE.read(problems, "--time-zone", self.time_zone or usual)
        problems.raise_any()
        return self.time_zone or usual


class SlotQuestion(NamedTuple):
    """A question; `names` are the options behind the fields of its body, `otherwise` precedes all other fields."""

    question: SlotsInput
    names: Mapping[str, str]
    otherwise: str = ""

    def named(self, problem: FieldProblem) -> FieldProblem:
        """Return a problem with the option that it is about."""
        return problem._replace(field=self.option(problem.field))

    def option(self, field: str) -> str:
        """Return the option behind a field: that of the field, or of the one that contains it."""
        paths = (path for path in self.names if field == path or field.startswith((f"{path}.", f"{path}[")))
        found = next(map(self.names.__getitem__, paths), None)
        return found or f"{self.otherwise}{field}"


def read_body(content: bytes) -> SlotQuestion:
    """Return the question of a whole body. Raises Refusal (malformed)."""
    try:
        return SlotQuestion(read_question(content), {}, _JSON)
    except Refusal as refusal:
        problems = (each._replace(field=f"{_JSON}{each.field}") for each in refusal.problems)
        raise Refusal(refusal.code, refusal.message, tuple(problems)) from None


def read_options(
    options: SlotOptions, users: Sequence[User], pools: Sequence[Pool], zone: str, now: float
) -> SlotQuestion:
    """Return the question of options; `now` is in seconds since 1970. Raises Refusal (invalid), with every problem."""
    problems = Problems()
    names: dict[str, str] = {}
    seats: list[dict[str, Any]] = []
    for text in options.people:
        names[f"{_SESSION}.seats[{len(seats)}]"] = f"--person {text}"
        seats.append({"users": [_user(text, users, problems)]})
    for text in options.pools:
        names[f"{_SESSION}.seats[{len(seats)}]"] = f"--pool {text}"
        seats.append(_pool(text, pools, problems))
    if not seats:
        problems.note("--person", "Or --pool must be given")
    window = _window(options, ZoneInfo(zone), datetime.fromtimestamp(now, UTC), problems)
    problems.raise_any()
    session: dict[str, Any] = {"minutes": options.minutes or _DEFAULT_MINUTES, "seats": seats}
    if options.room is not None:
        session["room"] = {"capacity": options.room}
    body = {"window": window, "time_zones": [zone], "sessions": [session], "limit": options.limit or DEFAULT_LIMIT}
    names |= {**_FIELDS, f"the room of {_SESSION}": "--room", _ROOM: "--room", "window": "--to", "sessions": "--person"}
    return SlotQuestion(read_question(msgspec.json.encode(body)), names)


def _user(text: str, users: Sequence[User], problems: Problems) -> int:
    """Return the id of the user who is named; 1 after noting a problem."""
    found = [each.id for each in users if text == str(each.id)] or [
        each.id for each in users if fold(text) in map(fold, each.emails or filter(None, [each.email]))
    ]
    if len(found) == 1:
        return found[0]
    if found:
        problems.note(f"--person {text}", f"Must name one user ({', '.join(map(str, found))} have this address)")
    else:
        near = alternatives(text, [each.email for each in users if each.email])
        problems.note(f"--person {text}", f"Must be the id or e-mail address of a user{near.rstrip('.')}")
    return 1


def _pool(text: str, pools: Sequence[Pool], problems: Problems) -> dict[str, Any]:
    """Return a seat of the pool that is named, by a whole name or one with `=COUNT` after it."""
    name, separator, count = text.rpartition("=")
    wanted = (text, 1)
    if separator and count.isdecimal() and not _pools(text, pools):
        wanted = (name, int(count))
    found = _pools(wanted[0], pools)
    if len(found) == 1:
        return {"pool": found[0], "count": wanted[1]}
    if found:
        problems.note(f"--pool {text}", f"Must name one pool ({', '.join(map(str, found))} have this name)")
    else:
        near = alternatives(wanted[0], [each.name for each in pools]).rstrip(".")
        problems.note(f"--pool {text}", f"Must be the id or name of a pool{near}")
    return {"pool": 1}


def _pools(text: str, pools: Sequence[Pool]) -> list[int]:
    return [each.id for each in pools if text == each.name] or [each.id for each in pools if text == str(each.id)]


def _window(options: SlotOptions, zone: ZoneInfo, now: datetime, problems: Problems) -> dict[str, str]:
    """Return when slots may be, as the API reads it."""
    starts = now if options.starts is None else _moment(options.starts, zone, "--from", problems)
    ends = starts + _DEFAULT_WINDOW if options.ends is None else _moment(options.ends, zone, "--to", problems)
    return {"from": starts.isoformat(), "to": ends.isoformat()}


def _moment(text: str, zone: ZoneInfo, option: str, problems: Problems) -> datetime:
    """Return a time, by the clock of a zone unless it has an offset; any time after noting a problem."""
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        problems.note(option, "Must be an ISO-8601 date or time, such as 2031-02-03 or 2031-02-03T09:00")
        return datetime(2000, 1, 1, tzinfo=UTC)
