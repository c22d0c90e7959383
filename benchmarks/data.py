"""The generated interviews that all figures use.

Owns realistic Harvest documents in their canonical form, the same for the same seed, and the files that contain them.
Must not know servers, databases or figures.
"""

import random
import shutil
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

ORGANIZATIONS: Final = 12
SEED: Final = 20140326
BEGIN: Final = datetime(2023, 9, 1, tzinfo=UTC)
END: Final = datetime(2026, 9, 1, tzinfo=UTC)
MIDDLE: Final = "2025-03-02T12:00:00.000Z"
"""The middle of the schedule: a filter by this time matches about half of the interviews."""

_FIRST_ID: Final = 40_387_000_000  # more than 32 bits, as real ids have
_DAY: Final = 86_400_000
_QUARTER: Final = 900_000
_STAFF: Final = 240
_MIXER: Final = 0x9E3779B97F4A7C15  # odd: multiplying by it modulo 2**64 never maps two numbers to one
_FIRST_NAMES: Final = (  # noqa: SIM905 - a list would be a page long
    "Jack Kate Hugo Claire Sayid Sun James Juliet Desmond Penny Charlie Zoë Boone Shannon Michael Walter "
    "Ana Libby Eko Bernard Rose Daniel Charlotte Miles Frank Richard Łukasz José Amélie Søren Priya Wei "
    "Chidi Noor"
).split()
_LAST_NAMES: Final = (  # noqa: SIM905 - a list would be a page long
    "Shephard Austen Reyes Littleton Jarrah Kwon Ford Burke Hume Widmore Pace Rutherford Dawson Lloyd "
    "Cortez Smith Tunde Nadler Faraday Lewis Straume Lapidus Alpert Nowak Núñez Lefèvre Sørensen Iyer "
    "Zhang Okafor Haddad"
).split()
_STAGES: Final = (
    "Recruiter Screen",
    "Hiring Manager Interview",
    "Technical Phone Screen",
    "Whiteboarding Challenge",
    "System Design",
    "Culture Fit",
    "Executive Interview",
    "Reference Call",
)
_LOCATIONS: Final = (
    None,
    None,
    "Big Conference Room",
    "Small Conference Room",
    "Room 4.12",
    "Berlin, 3rd floor",
    "Remote",
)
_RESPONSES: Final = ("accepted", "accepted", "accepted", "needs_action", "tentative", "declined")
_PANEL_SIZES: Final = (1, 1, 1, 1, 1, 2, 2, 2, 3, 4)


class Timed(msgspec.Struct, frozen=True):
    """A point in time: `2014-03-26T22:15:00.000Z`."""

    date_time: str


class AllDay(msgspec.Struct, frozen=True):
    """A whole day: `2017-08-22`; an end is exclusive."""

    date: str


class Stage(msgspec.Struct, frozen=True):
    """The kind of an interview."""

    id: int
    name: str


class Organizer(msgspec.Struct, frozen=True):
    """The user who arranged an interview."""

    id: int
    first_name: str
    last_name: str
    name: str
    employee_id: str


class Interviewer(msgspec.Struct, frozen=True):
    """A member of the panel; `id` is null if it is not a user."""

    id: int | None
    employee_id: str | None
    name: str | None
    email: str
    response_status: str
    scorecard_id: int | None


class Interview(msgspec.Struct, frozen=True):
    """A document of the Harvest API, with its keys in the order of contract section 1."""

    id: int
    application_id: int
    external_event_id: str
    start: Timed | AllDay
    end: Timed | AllDay
    location: str | None
    video_conferencing_url: str | None
    status: str
    created_at: str
    updated_at: str
    interview: Stage
    organizer: Organizer
    interviewers: tuple[Interviewer, ...]


@dataclass(frozen=True)
class Corpus:
    """Files of JSON Lines: `combined` contains all interviews by id, `organizations` one file per organization."""

    count: int
    combined: Path
    organizations: tuple[Path, ...]

    @property
    def home(self) -> Path:
        """The folder of the files; its name changes with their content."""
        return self.combined.parent


def corpus(count: int, folder: Path, organizations: int = ORGANIZATIONS) -> Corpus:
    """Return `count` interviews spread over `organizations`, generated at first use and kept in `folder`."""
    # The name changes with this module, so that files of an older version are not used.
    home = folder / f"interviews-{count}-{organizations}-{zlib.crc32(Path(__file__).read_bytes()):08x}"
    names = tuple(f"organization-{number:02}.jsonl" for number in range(1, organizations + 1))
    if not home.exists():
        unfinished = home.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        _write(count, unfinished, names)
        unfinished.rename(home)
    return Corpus(count, home / "combined.jsonl", tuple(home / name for name in names))


def _write(count: int, home: Path, names: tuple[str, ...]) -> None:
    encode = msgspec.json.Encoder().encode
    with ExitStack() as stack:
        combined = stack.enter_context((home / "combined.jsonl").open("wb"))
        parts = [stack.enter_context((home / name).open("wb")) for name in names]
        for organization, interview in interviews(count, len(parts)):
            line = encode(interview) + b"\n"
            combined.write(line)
            parts[organization].write(line)


def interviews(count: int, organizations: int, seed: int = SEED) -> Iterator[tuple[int, Interview]]:
    """Yield `count` pairs of an organization's index and one of its interviews, by ascending id and creation."""
    chance = random.Random(seed)
    teams = [_Team(number, organizations) for number in range(organizations)]
    begin = round(BEGIN.timestamp() * 1000)
    step = (END - BEGIN) / timedelta(milliseconds=1) / count
    identifier = _FIRST_ID
    for index in range(count):
        identifier += chance.randrange(1, 8)
        team = teams[index % organizations]
        created = begin + int((index + chance.random()) * step)
        yield team.number, team.interview(identifier, created, chance)


class _Team:
    """One organization of several: its people, its stages, and the number of its interviews so far."""

    def __init__(self, number: int, organizations: int) -> None:
        self.number = number
        self._organizations = organizations
        self._people = tuple(_organizer(number, place) for place in range(_STAFF))
        self._emails = tuple(_email(person) for person in self._people)
        self._stages = tuple(Stage(7001 + number * 100 + place, name) for place, name in enumerate(_STAGES))
        self._made = 0

    def interview(self, identifier: int, created: int, chance: random.Random) -> Interview:
        """Generate the next interview; `created` is in milliseconds since 1970."""
        self._made += 1
        start, end, begins = _moments(created, chance)
        status = _status(begins, chance)
        return Interview(
            id=identifier,
            application_id=180_000_000 + self._made // 3 * self._organizations + self.number,
            external_event_id=f"{identifier * _MIXER % 2**64:016x}",
            start=start,
            end=end,
            location=chance.choice(_LOCATIONS),
            video_conferencing_url=_video(chance),
            status=status,
            created_at=_stamp(created),
            updated_at=_stamp(_updated(created, begins, status, chance)),
            interview=chance.choice(self._stages),
            organizer=self._people[chance.randrange(20)],
            interviewers=self._panel(identifier, status, chance),
        )

    def _panel(self, identifier: int, status: str, chance: random.Random) -> tuple[Interviewer, ...]:
        first = chance.randrange(_STAFF)
        size = chance.choice(_PANEL_SIZES)
        panel = [self._interviewer(first + place * 7, identifier * 4 + place, status, chance) for place in range(size)]
        if chance.random() < 0.03:
            guest = f"guest{identifier % 9973}@example.com"
            panel[-1] = Interviewer(None, None, None, guest, chance.choice(_RESPONSES), None)
        return tuple(panel)

    def _interviewer(self, place: int, scorecard: int, status: str, chance: random.Random) -> Interviewer:
        place %= _STAFF
        person = self._people[place]
        completed = status == "complete" or (status == "awaiting_feedback" and chance.random() < 0.3)
        return Interviewer(
            id=person.id,
            employee_id=person.employee_id,
            name=person.name,
            email=self._emails[place],
            response_status=chance.choice(_RESPONSES),
            scorecard_id=scorecard if completed else None,
        )


def _organizer(team: int, place: int) -> Organizer:
    first = _FIRST_NAMES[(place + team) % len(_FIRST_NAMES)]
    last = _LAST_NAMES[(place * 5 + team) % len(_LAST_NAMES)]
    return Organizer(4_000_000 + team * 1000 + place, first, last, f"{first} {last}", f"{12_000 + team * 1000 + place}")


def _email(person: Organizer) -> str:
    return f"staff{person.employee_id}@example.com"


def _moments(created: int, chance: random.Random) -> tuple[Timed | AllDay, Timed | AllDay, int]:
    """Return the start, the end, and the start in milliseconds: within three weeks, during working hours."""
    day = created // _DAY + chance.randrange(1, 22)
    if chance.random() < 0.04:
        return AllDay(_date(day)), AllDay(_date(day + 1)), day * _DAY
    begins = day * _DAY + chance.randrange(32, 68) * _QUARTER
    ends = begins + chance.choice((2, 3, 4, 4, 6)) * _QUARTER
    return Timed(_stamp(begins)), Timed(_stamp(ends)), begins


def _status(begins: int, chance: random.Random) -> str:
    if begins > END.timestamp() * 1000:
        return "scheduled"
    # Some scorecards are never submitted: a quarter of the past interviews still awaits feedback.
    return "complete" if chance.random() < 0.75 else "awaiting_feedback"


def _updated(created: int, begins: int, status: str, chance: random.Random) -> int:
    settled = created + int(chance.random() * _DAY)
    return settled if status == "scheduled" else max(settled, begins + int(chance.random() * 9 * _DAY))


def _video(chance: random.Random) -> str | None:
    room = chance.getrandbits(40)
    return f"https://meet.example.com/{room:010x}" if room % 3 == 0 else None


def _stamp(moment: int) -> str:
    days, rest = divmod(moment, _DAY)
    seconds, milliseconds = divmod(rest, 1000)
    minutes, seconds = divmod(seconds, 60)
    return f"{_date(days)}T{minutes // 60:02}:{minutes % 60:02}:{seconds:02}.{milliseconds:03}Z"


_dates: Final[dict[int, str]] = {}


def _date(days: int) -> str:
    text = _dates.get(days)
    if text is None:
        text = _dates[days] = (date(1970, 1, 1) + timedelta(days=days)).isoformat()
    return text
