"""The time from a write to the arrival of its webhook, and to that of its event in the change feed.

Owns the figures of a receiver of webhooks and of a follower of the change feed, both measured on the same writes.
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

_PAUSE: Final = (0.02, 0.06)  # seconds between two writes; random, so that writes do not synchronize with polling
_WEBHOOK: Final = Goal(200, None, Unit.MILLISECONDS, more_is_better=False)
_FOLLOWER: Final = Goal(50, None, Unit.MILLISECONDS, more_is_better=False)


class _Write(NamedTuple):
    """A write: its external event id, the time it was sent, and the time of its response."""

    event: str
    sent: float
    answered: float


def webhooks(bench: Bench) -> Iterator[Result]:
    """Time from sending a write to its arrival at the receiver of a webhook, and at a waiting follower."""
    with bench.copy(bench.few, "webhooks") as database, arrivals.receiving() as (url, received):
        subject.add_webhook(database, organization_name(0), url)
        with bench.served(database) as rowen, rowen.connect() as connection:
            some = writes.material(connection, database.keys[0])
            with arrivals.following(rowen, database.keys[0]) as followed:
                _write(connection, some, bench.scale.writes // 10, [received, followed])  # opens the connections
                done = _write(connection, some, bench.scale.writes, [received, followed])
    yield _result("webhook's arrival", done, received, _WEBHOOK)
    yield _result("waiting follower", done, followed, _FOLLOWER)


def _write(connection: Connection, some: Material, count: int, destinations: Sequence[Arrivals]) -> list[_Write]:
    """Schedule `count` interviews with pauses, and return once all of them have arrived at each destination."""
    chance = random.Random(count)
    done = []
    for _ in range(count):
        time.sleep(chance.uniform(*_PAUSE))
        event = f"webhook-{chance.randbytes(8).hex()}"
        request = named(some.creation(chance), event)
        sent = time.perf_counter()
        expect(connection, request)
        done.append(_Write(event, sent, time.perf_counter()))
    for arrived in destinations:
        for write in done:
            arrived.wait_for(write.event)
    return done


def _result(destination: str, done: Sequence[_Write], arrived: Arrivals, goal: Goal) -> Result:
    whole = [(arrived.wait_for(write.event) - write.sent) * 1000 for write in done]
    after = [(arrived.wait_for(write.event) - write.answered) * 1000 for write in done]
    worst, worst_after = (quantiles(values, n=100)[98] for values in (whole, after))
    measured = f"p50 {median(whole):.1f} ms; from the response p50 {median(after):.1f}, p99 {worst_after:.1f} ms"
    return Result(f"a write, from its request, to its {destination}, p99 of {len(done)}", measured, worst, goal)
