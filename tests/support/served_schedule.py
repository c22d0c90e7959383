"""The schedules that are served to the tests of the contract, of security and of clients.

Owns their records, keys and server, and a plain-Python rule for when a record begins. Must not know an engine. `HOME`
keeps UTC and has some hundreds of interviews; `AUCKLAND`, far to the east, shares some of their ids.
"""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import pytest

from tests.support.command import rowen
from tests.support.harness import FakeClock, opened
from tests.support.records import Record, record, write_json_lines
from tests.support.server import Server, serving
from tests.support.storage import Storage

HOME: Final = "home"
AUCKLAND: Final = "auckland"
ZONES: Final = {HOME: "UTC", AUCKLAND: "Pacific/Auckland"}
RATE_LIMIT: Final = 100_000
"""So high that only the tests of the limit, whose keys have their own, reach it."""

BOUNDARY: Final = datetime(2024, 2, 1, 12, tzinfo=UTC)
"""All four times of one record; two others have theirs one millisecond before and after."""

ODD_EVENT: Final = "Größe 1/2 + 100%, a&b=c;\"d\" <e> 'f' ?#[]"
SHARED_EVENT: Final = "shared"
LARGEST_ID: Final = 2**53 - 1

_START: Final = datetime(2023, 12, 1, tzinfo=UTC)
_STATUSES: Final = ("scheduled", "awaiting_feedback", "complete")
_PANEL: Final[tuple[Record, ...]] = (
    {
        "id": 4080,
        "employee_id": "employee123",
        "name": "Kate Austen",
        "email": "kate.austen@example.com",
        "response_status": "accepted",
        "scorecard_id": 11274,
    },
    {
        "id": 40387397999,
        "employee_id": None,
        "name": "Łukasz Żółć",
        "email": "l@example.com",
        "response_status": "declined",
        "scorecard_id": None,
    },
    {
        "id": None,
        "employee_id": None,
        "name": None,
        "email": "guest@elsewhere.example",
        "response_status": "tentative",
        "scorecard_id": None,
    },
)


@dataclass(frozen=True, slots=True)
class ServedSchedule:
    """Schedules in a database, served. `records` are each organization's, by ascending id; `keys` open everything.

    `through_api` are the ids of those in `HOME` that were created through the API.
    """

    server: Server
    database: str
    records: Mapping[str, tuple[Record, ...]]
    keys: Mapping[str, str]
    through_api: frozenset[int]

    @property
    def home(self) -> tuple[Record, ...]:
        """The records of `HOME`."""
        return self.records[HOME]


def written(moment: datetime) -> str:
    """Write a moment as Harvest does."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"


def moment_of(text: str | None) -> datetime | None:
    """Read a moment that Harvest wrote."""
    return None if text is None else datetime.fromisoformat(text)


def instant(end: Mapping[str, str], zone: str) -> datetime:
    """Return the instant of a record's start or end, in an organization in `zone`."""
    if "date_time" in end:
        return datetime.fromisoformat(end["date_time"])
    day = date.fromisoformat(end["date"])
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))


def identifiers(records: Iterable[Record]) -> list[int]:
    """Return the ids of records, in their order."""
    return [each["id"] for each in records]


def _home_records() -> list[Record]:
    return [*(_timed(n) if n % 6 else _all_day(n) for n in range(1, 340)), *_odd_records()]


def _timed(number: int) -> Record:
    start = _START + timedelta(hours=13, minutes=37, milliseconds=17) * number
    return _with_variety(
        number,
        start={"date_time": written(start)},
        end={"date_time": written(start + timedelta(minutes=15 + number % 4 * 15))},
    )


def _all_day(number: int) -> Record:
    day = (_START + timedelta(days=number // 2)).date()
    return _with_variety(
        number,
        start={"date": day.isoformat()},
        end={"date": (day + timedelta(days=1 + number % 2)).isoformat()},
    )


def _with_variety(number: int, **changes: object) -> Record:
    created = _START + timedelta(hours=5, milliseconds=1) * number
    updated = created + timedelta(minutes=1, milliseconds=7) * number
    return record(
        5_000 + 3 * number if number < 320 else 40_387_397_003 + number,
        application_id=7_000 + number % 9,
        external_event_id=None if number % 17 == 0 else SHARED_EVENT if number % 50 == 1 else f"event-{number}",
        status=_STATUSES[number % 3],
        created_at=None if number % 11 == 3 else written(created),
        updated_at=None if number % 13 == 5 else written(updated),
        location=None if number % 7 == 0 else f"Grüner Saal {number}",
        video_conferencing_url=f"https://video.example.com/{number}?a=b&c=d" if number % 5 == 0 else None,
        interviewers=list(_PANEL[: number % 4]),
        **changes,
    )


def _odd_records() -> Iterator[Record]:
    for offset in (-1, 0, 1):
        at = written(BOUNDARY + timedelta(milliseconds=offset))
        yield record(
            9_001 + offset,
            start={"date_time": at},
            end={"date_time": at},
            created_at=at,
            updated_at=at,
            external_event_id=f"boundary-{offset}",
            application_id=8_000,
        )
    yield record(9_100, external_event_id=ODD_EVENT, application_id=8_001)
    yield record(
        9_101,
        location='"Quoted" \\ / \t \u0001 \u007f \u2028 <b>&amp;</b> 面接 🌲',
        interview=None,
        organizer=None,
        interviewers=[],
        external_event_id="",
    )
    yield record(
        9_102,
        interview={"id": None, "name": None},
        organizer={"id": None, "first_name": None, "last_name": None, "name": None, "employee_id": None},
    )
    yield record(LARGEST_ID, application_id=LARGEST_ID, external_event_id="largest")


def _auckland_records() -> list[Record]:
    shared = [{**_all_day(number), "location": "Auckland"} for number in range(6, 90, 6)]
    own = [record(600_000 + number, application_id=60_000, external_event_id=f"akl-{number}") for number in range(9)]
    return [*shared, *own]


def make_key(
    database: str,
    organization: str,
    name: str,
    *,
    allow: Iterable[str] = (),
    rate_limit: int | None = None,
) -> str:
    """Create a key, with its organization and database if they are missing; return the key."""
    with opened(database, FakeClock(None)) as harness:
        found = harness.run(harness.store.organizations.find(organization))
        return harness.new_key(found or harness.tenant(organization).organization, name, allow, rate_limit)


def import_records(database: str, organization: str, folder: Path, records: list[Record], *options: str) -> None:
    """Import records into an organization, as an operator does."""
    file = write_json_lines(folder / f"{organization}{'-'.join(options)}.jsonl", records)
    rowen("import", file, "--organization", organization, "--database", database, *options)


@contextmanager
def serving_schedule(database: str, folder: Path) -> Iterator[ServedSchedule]:
    """Fill a new database and serve it until the end of the block."""
    home = sorted(_home_records(), key=lambda each: each["id"])
    through_api = [each for each in home if each["id"] % 5 == 2]
    others = [each for each in home if each["id"] % 5 != 2]
    auckland = sorted(_auckland_records(), key=lambda each: each["id"])
    with opened(database, FakeClock(None)) as harness:
        keys = {name: harness.tenant(name, zone).key for name, zone in ZONES.items()}
    with ThreadPoolExecutor() as pool:
        imports = [
            pool.submit(import_records, database, HOME, folder, others),
            pool.submit(import_records, database, HOME, folder, through_api, "--created-through-api"),
            pool.submit(import_records, database, AUCKLAND, folder, auckland),
        ]
        for each in imports:
            each.result()
    with serving(database, ["--rate-limit", str(RATE_LIMIT)]) as server:
        yield ServedSchedule(
            server,
            database,
            {HOME: tuple(home), AUCKLAND: tuple(auckland)},
            keys,
            frozenset(identifiers(through_api)),
        )


_shared: Final[dict[str, ServedSchedule]] = {}


def shared_schedule(storage: Storage, config: pytest.Config, folders: pytest.TempPathFactory) -> ServedSchedule:
    """Return the schedules on a storage engine, served once for every folder of tests until the run ends."""
    if storage.name not in _shared:
        folder = folders.mktemp("schedule")
        stack = ExitStack()
        config.add_cleanup(stack.close)
        _shared[storage.name] = stack.enter_context(serving_schedule(storage.new_database(folder), folder))
    return _shared[storage.name]
