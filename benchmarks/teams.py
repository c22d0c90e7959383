"""Invented teams, with working hours, busy times, interviews and pools: what finding times is measured on.

Owns the people, and writing them into Rowen over its API. Must not know the figures or the peer's tables.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final

from benchmarks import subject
from benchmarks.client import Request
from benchmarks.places import SqliteFile, fresh
from benchmarks.processes import Server
from benchmarks.subject import Database, expect

ORGANIZATION: Final = "Team"
MONDAY: Final = datetime(2031, 2, 3, tzinfo=UTC)
"""The first day of the window that is asked for; interviews begin two weeks before it."""
ZONES: Final = ("Europe/Berlin", "Europe/London", "Europe/Lisbon", "Europe/Athens")
FIRST_USER: Final = 100_001
_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday")
_WEEKS: Final = 12
_A_WEEK: Final = (4, 6)  # interviews and other busy times of each person
_SOURCE: Final = "calendar"

Interval = tuple[datetime, datetime]


@dataclass(frozen=True)
class Member:
    """A person: working from `opens` to `closes`, in hours of the own clock, with minutes between interviews."""

    id: int
    zone: str
    opens: int
    closes: int
    buffer: int
    interviews: tuple[Interval, ...]
    busy: tuple[Interval, ...]


@dataclass(frozen=True)
class Team:
    """People, and pools of them by number; each person is in one pool at most."""

    members: tuple[Member, ...]
    pools: tuple[tuple[int, ...], ...]


def team(people: int, pools: int, size: int) -> Team:
    """Return a team; the same numbers give the same team."""
    random = Random(people * 1_000 + size)
    members = tuple(_member(random, FIRST_USER + number) for number in range(people))
    ids = [each.id for each in members]
    return Team(members, tuple(tuple(ids[each * size : (each + 1) * size]) for each in range(pools)))


def _member(random: Random, identifier: int) -> Member:
    taken: list[Interval] = []
    for week in range(-2, _WEEKS):
        for _ in range(sum(_A_WEEK)):
            start = MONDAY + timedelta(weeks=week, days=random.randrange(5), minutes=15 * random.randrange(32, 68))
            end = start + timedelta(minutes=random.choice((30, 45, 60)))
            if all(end <= begins or ends <= start for begins, ends in taken):
                taken.append((start, end))
    count = len(taken) * _A_WEEK[0] // sum(_A_WEEK)
    opens = random.choice((8, 9, 10))
    return Member(
        identifier,
        random.choice(ZONES),
        opens,
        opens + random.choice((8, 9)),
        random.choice((0, 5, 15)),
        tuple(sorted(taken[:count])),
        tuple(sorted(taken[count:])),
    )


def loaded(file: Path, people: Team) -> Database:
    """Write the interviews of a team into a new database."""
    lines = fresh(file.with_suffix(".jsonl"))
    lines.write_text("".join(json.dumps(each) + "\n" for each in _interviews(people.members)), encoding="utf-8")
    database = subject.load(SqliteFile(file), {ORGANIZATION: lines})
    fresh(lines)
    return database


def prepare(server: Server, key: str, people: Team) -> list[int]:
    """Write the availability, the busy times and the pools of a team; return the ids of the pools."""
    window = {"from": _text(MONDAY - timedelta(weeks=2)), "to": _text(MONDAY + timedelta(weeks=_WEEKS))}
    actor = people.members[0].id
    with server.connect() as connection:

        def send(method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
            request = Request(f"/rowen/v1/{path}", key, method, actor, json.dumps(body).encode())
            answer: dict[str, Any] = json.loads(expect(connection, request).body)
            return answer

        for each in people.members:
            hours = [{"from": f"{each.opens:02}:00", "to": f"{each.closes:02}:00"}]
            availability = {
                "time_zone": each.zone,
                "working_hours": dict.fromkeys(_WEEKDAYS, hours),
                "buffer_minutes": {"before": each.buffer, "after": each.buffer},
            }
            send("PUT", f"users/{each.id}/availability", availability)
            busy = [{"from": _text(start), "to": _text(end)} for start, end in each.busy]
            send("PUT", f"users/{each.id}/busy?source={_SOURCE}", {"window": window, "busy": busy})
        return [
            send("POST", "pools", {"name": f"Pool {number}", "members": [{"user_id": one} for one in its]})["id"]
            for number, its in enumerate(people.pools)
        ]


def question(pools: Sequence[int], weeks: int, **fields: Any) -> dict[str, Any]:
    """Return the body of a question for all slots in some weeks; one seat of each pool unless `fields` say more."""
    window = {"from": _text(MONDAY), "to": _text(MONDAY + timedelta(weeks=weeks))}
    sessions = [{"minutes": 60, "seats": [{"pool": each} for each in pools]}]
    return {"window": window, "sessions": sessions, "limit": 5_000, **fields}


def _interviews(members: Sequence[Member]) -> Iterator[dict[str, Any]]:
    number = 0
    for member in members:
        for start, end in member.interviews:
            number += 1
            yield {
                "id": 1_000_000 + number,
                "application_id": 2_000_000 + number,
                "external_event_id": f"team-{number}",
                "start": {"date_time": _text(start)},
                "end": {"date_time": _text(end)},
                "location": None,
                "video_conferencing_url": None,
                "status": "scheduled",
                "created_at": "2026-01-01T00:00:00.000Z",
                "updated_at": "2026-01-01T00:00:00.000Z",
                "interview": {"id": 7001, "name": "Interview"},
                "organizer": None,
                "interviewers": [
                    {
                        "id": member.id,
                        "employee_id": None,
                        "name": f"Person {member.id}",
                        "email": f"person{member.id}@example.com",
                        "response_status": "accepted",
                        "scorecard_id": None,
                    }
                ],
            }


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")
