"""Booking what was found, and the memory that finding times takes.

Owns which slots are booked, and how many people the memory is for. Must not know how either works.
"""

import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from random import Random
from statistics import median
from typing import Any, Final, NamedTuple

from benchmarks import teams, writes
from benchmarks.bench import Bench
from benchmarks.client import Connection, Request
from benchmarks.load import CONNECTIONS
from benchmarks.processes import BenchmarkError, Server
from benchmarks.report import Goal, Result, Unit
from benchmarks.subject import Database, expect, listing, walk
from benchmarks.teams import MONDAY
from benchmarks.writes import Material

_PEOPLE: Final = 200
_POOLS: Final = 50
_SIZE: Final = 4
_PANEL: Final = 2
_WEEKS: Final = 4
_APART: Final = timedelta(hours=2)
_SLOTS: Final = "/rowen/v1/slots"
_LEAST: Final = 50  # writes of a round: fewer say nothing
_MANY: Final = 5_000
_MANY_POOLS: Final = 5
_LONG: Final = 8
_MEGABYTE: Final = 1e6

_BOOKINGS: Final = Goal(0.5, 0.8)
_MEMORY: Final = Goal(60, 15, Unit.MEGABYTES, more_is_better=False)


class _Panel(NamedTuple):
    """A panel of one hour: a booking of it, and the create of the same interview."""

    booking: Request
    create: Request


def bookings(bench: Bench) -> Iterator[Result]:
    """Compare bookings of one-hour panels with creates of the same interviews, in turns, each in its own database."""
    team = teams.team(_PEOPLE, _POOLS, _SIZE)
    database = teams.loaded(bench.file("bookings"), team)
    try:
        with bench.served(database) as server:
            panels = _panels(server, database.keys[0], teams.prepare(server, database.keys[0], team))
        with (
            bench.copy(database, "creates-of-bookings") as other,
            bench.served(database) as booked,
            bench.served(other) as created,
        ):
            keyed = [each._replace(create=_with_key(each.create, other)) for each in panels]
            mine, theirs = _in_turns(booked, created, keyed, bench.scale.rounds.count)
    finally:
        database.place.clear()
    what = f"bookings of one-hour panels, {CONNECTIONS} clients, against creates of the same interviews"
    yield Result(what, f"{mine:,.0f} and {theirs:,.0f}/s", mine / theirs, _BOOKINGS)


def _panels(server: Server, key: str, pools: Sequence[int]) -> list[_Panel]:
    """Return panels that are all free: the people of a pool at starts far enough apart, for each pool."""
    sessions: list[dict[str, Any]] = []
    with server.connect() as connection:
        some = writes.material(connection, key)
        for pool in pools:
            asked = [{"minutes": 60, "seats": [{"pool": pool, "count": _PANEL}]}]
            body = json.dumps(teams.question([], _WEEKS, sessions=asked)).encode()
            last = None
            for slot in json.loads(expect(connection, Request(_SLOTS, key, "POST", body=body)).body)["slots"]:
                start = datetime.fromisoformat(slot["start"])
                if last is None or start - last >= _APART:
                    last = start
                    sessions += slot["sessions"]
        applications = _applications(connection, key)
    Random(_POOLS).shuffle(sessions)
    both = enumerate(zip(applications, sessions, strict=False))
    return [_panel(some, application, session, number) for number, (application, session) in both]


def _applications(connection: Connection, key: str) -> list[int]:
    """Return applications whose interviews are over before the first panel, so that each candidate is free."""
    found: list[int] = []
    for _, answer in walk(connection, listing(key, per_page=500, ends_before=f"{MONDAY:%Y-%m-%dT%H:%M:%SZ}")):
        found += [each["application_id"] for each in json.loads(answer.body)]
    return found


def _panel(some: Material, application: int, session: dict[str, Any], number: int) -> _Panel:
    users = [each["user_id"] for each in session["interviewers"]]
    times = {"start": session["start"], "end": session["end"]}
    interview = {"interview_id": some.stages[0], **times}
    held = {**interview, "interviewers": [{"user_id": each} for each in users]}
    create = {
        **interview,
        "application_id": application,
        "interviewers": [{"user_id": each, "response_status": "needs_action"} for each in users],
        "external_event_id": f"panel-{number}",
    }
    booking = {"application_id": application, "sessions": [held]}
    return _Panel(_write(some, "/rowen/v1/bookings", booking), _write(some, writes.SCHEDULED, create))


def _write(some: Material, path: str, body: dict[str, Any]) -> Request:
    return Request(path, some.key, "POST", some.users[0], json.dumps(body).encode())


def _with_key(request: Request, database: Database) -> Request:
    return Request(request.target, database.keys[0], request.method, request.author, request.body)


def _in_turns(booked: Server, created: Server, panels: Sequence[_Panel], rounds: int) -> tuple[float, float]:
    """Return the median of each side per second; each round writes panels of its own, after one that warms up."""
    size = len(panels) // (rounds + 1)
    if size < _LEAST:
        raise BenchmarkError(f"there are only {len(panels)} panels to book")
    found: list[tuple[float, float]] = []
    for number in range(rounds + 1):
        some = panels[number * size : (number + 1) * size]
        sides = ((booked, [each.booking for each in some]), (created, [each.create for each in some]))
        order = sides if number % 2 else sides[::-1]
        speeds = {server.port: _speed(server, requests) for server, requests in order}
        found.append((speeds[booked.port], speeds[created.port]))
    return median(each for each, _ in found[1:]), median(each for _, each in found[1:])


def _speed(server: Server, requests: Sequence[Request]) -> float:
    """Return the requests per second that a server answers. Raises BenchmarkError if one fails."""

    def send(share: Sequence[Request]) -> None:
        with server.connect() as connection:
            for each in share:
                expect(connection, each)

    begin = time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as clients:
        list(clients.map(send, [requests[number::CONNECTIONS] for number in range(CONNECTIONS)]))
    return len(requests) / (time.perf_counter() - begin)


def planning_memory(bench: Bench) -> Iterator[Result]:
    """Measure what the memory of a server grows by when it finds times for all people of a large team at once."""
    team = teams.team(_MANY, _MANY_POOLS, _MANY // _MANY_POOLS)
    with _prepared(bench, team) as (server, key, pools), server.connect() as connection:
        few = json.dumps(teams.question(pools[:1], 1, limit=1)).encode()
        expect(connection, Request(_SLOTS, key, "POST", body=few))  # what any question needs once
        before = server.memory() / _MEGABYTE
        body = json.dumps(teams.question(pools, _LONG, limit=1)).encode()
        total = json.loads(expect(connection, Request(_SLOTS, key, "POST", body=body)).body)["total"]
        grown = server.memory() / _MEGABYTE - before
    what = f"memory for {_MANY:,} people and {_LONG} weeks"
    yield Result(what, f"the server's growth from {before:,.0f} MB; {total:,} slots", grown, _MEMORY)


@contextmanager
def _prepared(bench: Bench, team: teams.Team) -> Iterator[tuple[Server, str, list[int]]]:
    """Serve a team by a server that has not yet found times: one server takes the data, another one the question."""
    database = teams.loaded(bench.file("planning-memory"), team)
    try:
        with bench.served(database) as server:
            pools = teams.prepare(server, database.keys[0], team)
        with bench.served(database) as server:
            yield server, database.keys[0], pools
    finally:
        database.place.clear()
