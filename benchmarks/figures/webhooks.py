"""Telling: how long after a write others have heard of it.

Owns the figures of a webhook's receiver and of a follower of the feed, both of which hear of the same writes.
"""

import random
import time
from collections.abc import Iterator, Sequence
from statistics import median, quantiles
from typing import Final, NamedTuple

from benchmarks import arrivals, subject, writes
from benchmarks.arrivals import Arrivals
from benchmarks.bench import Bench, organization_name
from benchmarks.client import Connection
from benchmarks.report import Goal, Result, Unit
from benchmarks.subject import expect
from benchmarks.writes import Material, named

_GENTLE: Final = (0.02, 0.06)  # seconds between two writes, never quite the same: in step with nothing
_WEBHOOK: Final = Goal(200, None, Unit.MILLISECONDS, more_is_better=False)
_FOLLOWER: Final = Goal(50, None, Unit.MILLISECONDS, more_is_better=False)


class _Write(NamedTuple):
    """A write: what is known of it by, when it was sent, and when it was answered."""

    event: str
    sent: float
    answered: float


def webhooks(bench: Bench) -> Iterator[Result]:
    """Time from sending a write to its arrival at a webhook's receiver, and at a waiting follower."""
    with bench.copy(bench.few, "told") as database, arrivals.receiving() as (url, received):
        subject.add_webhook(database, organization_name(0), url)
        with bench.served(database) as rowen, rowen.connect() as connection:
            some = writes.material(connection, database.keys[0])
            with arrivals.following(rowen, database.keys[0]) as followed:
                _write(connection, some, bench.scale.writes // 10, [received, followed])  # opens what is kept open
                done = _write(connection, some, bench.scale.writes, [received, followed])
    yield _result("webhook's arrival", done, received, _WEBHOOK)
    yield _result("waiting follower", done, followed, _FOLLOWER)


def _write(connection: Connection, some: Material, count: int, told: Sequence[Arrivals]) -> list[_Write]:
    """Schedule interviews at a gentle pace, and return once all of them have been told."""
    chance = random.Random(count)
    done = []
    for _ in range(count):
        time.sleep(chance.uniform(*_GENTLE))
        event = f"told-{chance.randbytes(8).hex()}"
        request = named(some.creation(chance), event)
        sent = time.perf_counter()
        expect(connection, request)
        done.append(_Write(event, sent, time.perf_counter()))
    for each in told:
        for write in done:
            each.wait_for(write.event)
    return done


def _result(whom: str, done: Sequence[_Write], heard: Arrivals, goal: Goal) -> Result:
    whole = [(heard.wait_for(write.event) - write.sent) * 1000 for write in done]
    behind = [(heard.wait_for(write.event) - write.answered) * 1000 for write in done]
    worst, worst_behind = (quantiles(values, n=100)[98] for values in (whole, behind))
    measured = f"p50 {median(whole):.1f} ms; from the answer p50 {median(behind):.1f}, p99 {worst_behind:.1f} ms"
    return Result(f"a write, from its request, to its {whom}, p99 of {len(done)}", measured, worst, goal)
