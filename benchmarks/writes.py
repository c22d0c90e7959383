"""Writing to a schedule: what can be scheduled, and writes at a steady pace.

Owns the bodies of writes, made of what the API itself shows of an organization, and the threads that send them. Must
not know a figure.
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
"""Stands for the external event id in the bodies made here."""

_SEED: Final = 20180401
_CLERKS: Final = 8


@dataclass(frozen=True)
class Material:
    """What there is in one organization to make interviews of: ids, all from a page of its list."""

    key: str
    applications: Sequence[int]
    stages: Sequence[int]
    users: Sequence[int]

    def creation(self, chance: random.Random) -> Request:
        """Return a request that schedules an interview of one or two people, within the next year."""
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
        """Return a request that gives an interview another time and place."""
        start = _next_hour() + timedelta(minutes=15 * chance.randrange(4 * 24 * 365))
        body = {"start": _stamp(start), "end": _stamp(start + timedelta(hours=1)), "location": f"Room {start:%H%M}"}
        author = chance.choice(self.users)
        return Request(f"{SCHEDULED}/{identifier}", self.key, "PATCH", author, json.dumps(body).encode())


def material(connection: Connection, key: str) -> Material:
    """Return what the first page of an organization's list is made of."""
    page: list[dict[str, Any]] = json.loads(expect(connection, listing(key, per_page=500)).body)
    users = {each["id"] for interview in page for each in interview["interviewers"] if each["id"] is not None}
    return Material(
        key,
        sorted({interview["application_id"] for interview in page}),
        sorted({interview["interview"]["id"] for interview in page}),
        sorted(users),
    )


def creations(some: Material, count: int) -> list[Request]:
    """Return requests that schedule interviews; each names `MARK` where its external event id belongs."""
    chance = random.Random(_SEED)
    return [some.creation(chance) for _ in range(count)]


def named(request: Request, event: str) -> Request:
    """Return a creation with its external event id."""
    return replace(request, body=request.body.replace(MARK.encode(), event.encode()))


@contextmanager
def steady_writes(server: Server, some: Material, per_second: int) -> Iterator[None]:
    """Write to one organization at a steady pace for the length of the block: creations and moves by turns.

    Raises BenchmarkError where a write failed, or the server could not keep the pace.
    """
    ended = threading.Event()
    begin = time.perf_counter()
    with ThreadPoolExecutor(_CLERKS, "clerk") as clerks:
        pause = _CLERKS / per_second
        sent = [
            clerks.submit(_write, server, some, (begin + pause * i / _CLERKS, pause), ended) for i in range(_CLERKS)
        ]
        try:
            yield
        finally:
            ended.set()
            seconds = time.perf_counter() - begin
    done = sum(each.result() for each in sent)
    if done < 0.95 * per_second * seconds - _CLERKS:  # each may have one that was due a moment ago
        raise BenchmarkError(f"only {done / seconds:.0f} of {per_second} writes a second were answered")


def _write(server: Server, some: Material, pace: tuple[float, float], ended: threading.Event) -> int:
    """Send a write at each of the times that are a clerk's, and return how many there were."""
    (due, pause), count, made = pace, 0, 0
    chance = random.Random(due)  # no other clerk's, and no earlier round's: events must be new
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
