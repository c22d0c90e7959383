"""Requests that write, and writes at a steady pace.

Owns the bodies of writes, whose ids come from the organization's own list, and the threads that send them. Must not
know the figures.
"""

import json
import random
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from benchmarks.client import Connection, Request
from benchmarks.processes import BenchmarkError, Server
from benchmarks.subject import expect, listing

SCHEDULED: Final = "/v2/scheduled_interviews"
MARK: Final = "--the-event-of-it--"
"""The placeholder of the external event id in these bodies."""

_SEED: Final = 20180401
_THREADS: Final = 8


@dataclass(frozen=True)
class Material:
    """The ids of one organization to create interviews with, all from a page of its list."""

    key: str
    applications: Sequence[int]
    stages: Sequence[int]
    users: Sequence[int]

    def creation(self, chance: random.Random) -> Request:
        """Return a request that schedules an interview with one or two interviewers, within the next year."""
        start = _next_hour() + timedelta(minutes=15 * chance.randrange(4 * 24 * 365))
        panel = chance.sample(self.users, k=chance.choice((1, 2)))
        body = {
            "application_id": chance.choice(self.applications),
            "interview_id": chance.choice(self.stages),
            "interviewers": [{"user_id": user, "response_status": "needs_action"} for user in panel],
            "start": _stamp(start),
            "end": _stamp(start + timedelta(hours=1)),
            "external_event_id": MARK,
            "location": "Small Conference Room",
        }
        return Request(SCHEDULED, self.key, "POST", chance.choice(self.users), json.dumps(body).encode())

    def move(self, identifier: int, chance: random.Random) -> Request:
        """Return a request that changes the time and the location of an interview."""
        start = _next_hour() + timedelta(minutes=15 * chance.randrange(4 * 24 * 365))
        body = {"start": _stamp(start), "end": _stamp(start + timedelta(hours=1)), "location": f"Room {start:%H%M}"}
        author = chance.choice(self.users)
        return Request(f"{SCHEDULED}/{identifier}", self.key, "PATCH", author, json.dumps(body).encode())


def material(connection: Connection, key: str) -> Material:
    """Return the ids in the first page of an organization's list."""
    page: list[dict[str, Any]] = json.loads(expect(connection, listing(key, per_page=500)).body)
    users = {each["id"] for interview in page for each in interview["interviewers"] if each["id"] is not None}
    return Material(
        key,
        sorted({interview["application_id"] for interview in page}),
        sorted({interview["interview"]["id"] for interview in page}),
        sorted(users),
    )


def creations(some: Material, count: int) -> list[Request]:
    """Return requests that schedule interviews; each contains `MARK` in place of its external event id."""
    chance = random.Random(_SEED)
    return [some.creation(chance) for _ in range(count)]


def named(request: Request, event: str) -> Request:
    """Return the request with `event` as its external event id."""
    return replace(request, body=request.body.replace(MARK.encode(), event.encode()))


@contextmanager
def steady_writes(server: Server, some: Material, per_second: int) -> Iterator[None]:
    """Write to one organization at a steady pace for the length of the block: creations and moves in turns.

    Raises BenchmarkError if a write failed, or if the server was too slow for the pace.
    """
    ended = threading.Event()
    begin = time.perf_counter()
    with ThreadPoolExecutor(_THREADS, "writer") as pool:
        pause = _THREADS / per_second
        sent = [
            pool.submit(_write, server, some, (begin + pause * i / _THREADS, pause), ended) for i in range(_THREADS)
        ]
        try:
            yield
        finally:
            ended.set()
            seconds = time.perf_counter() - begin
    done = sum(each.result() for each in sent)
    if done < 0.95 * per_second * seconds - _THREADS:  # each thread may have a write that has just become due
        raise BenchmarkError(f"the server answered only {done / seconds:.0f} of {per_second} writes per second")


def _write(server: Server, some: Material, pace: tuple[float, float], ended: threading.Event) -> int:
    """Send writes at the pace of one thread, and return their number."""
    (due, pause), count, made = pace, 0, 0
    chance = random.Random(due)  # no other thread or round has this seed: event ids must be new
    with server.connect() as connection:
        while not ended.wait(max(0.0, due - time.perf_counter())):
            if made:
                expect(connection, some.move(made, chance))
                made = 0
            else:
                event = f"steady-{chance.randbytes(8).hex()}"
                made = json.loads(expect(connection, named(some.creation(chance), event)).body)["id"]
            count += 1
            due += pause
    return count


def _next_hour() -> datetime:
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S.000Z}"
