"""Mirrors of an account of Harvest v3, which Rowen serves: the first reading, its rest, and how late changes are.

Owns the figures of `rowen mirror`. Must not know how it reads.
"""

import json
import random
import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from statistics import median, quantiles
from typing import Final

from benchmarks import arrivals, data, subject, writes
from benchmarks.accounts import RESOURCES, Account, create_client, mirrored, rows
from benchmarks.arrivals import Arrivals
from benchmarks.bench import Bench, organization_name
from benchmarks.client import Connection, Request
from benchmarks.places import SqliteFile
from benchmarks.processes import BenchmarkError
from benchmarks.report import Goal, Result, Unit
from benchmarks.subject import Database, expect, walk
from benchmarks.writes import Material, named
from rowen.mirror.walks import OVERLAP

_REPEATS: Final = 4
_LARGEST_PAGE: Final = 500
_EVERY: Final = 1  # seconds between two rounds
_IDLE_ROUNDS: Final = 8
_PATIENCE: Final = 120.0  # seconds for these rounds
_PAUSE: Final = (0.05, 0.25)  # seconds between two changes
_REQUESTS: Final = re.compile(r'^rowen_request_seconds_count\{.*?route="/v3/(\w+)".*?\} ([0-9.e+]+)$', re.MULTILINE)

_FIRST: Final = Goal(0.3, 0.7)
_IDLE: Final = Goal(len(RESOURCES), None, Unit.COUNT, more_is_better=False)
_LATE: Final = Goal(300, None, Unit.MILLISECONDS, more_is_better=False)


def first_mirror(bench: Bench) -> Iterator[Result]:
    """Compare the first reading with a client that only receives the same pages; then count the requests at rest."""
    size = bench.scale.interviews // 10
    place = SqliteFile(bench.file("mirror"))
    source = {organization_name(0): data.corpus(size, bench.folder).combined}
    upstream = subject.load(SqliteFile(bench.file("upstream")), source)
    try:
        with _account(bench, upstream) as account:
            ours, theirs = [], []
            for _ in range(min(_REPEATS, bench.scale.repeats + 1)):
                theirs.append(_read_all(account))
                ours.append(account.mirror(place, bench.folder).seconds)
            mine, other = median(ours), median(theirs)
            what = f"first mirror of {size:,} interviews, against a client that only receives the pages"
            yield Result(what, f"{mine:,.1f} s and {other:,.1f} s", other / mine, _FIRST)
            yield _idle(bench, account, place, size)
    finally:
        place.clear()
        upstream.place.clear()


@contextmanager
def _account(bench: Bench, database: Database) -> Iterator[Account]:
    client = create_client(database, organization_name(0))
    with bench.served(database) as server:
        yield Account(server, client)


def _read_all(account: Account) -> float:
    """Receive all pages that a mirror reads, one after the other, and return the seconds."""
    token = account.client.token(account.server)
    with account.server.connect() as connection:
        begin = time.perf_counter()
        for resource in RESOURCES:
            for _ in walk(connection, replace(rows(token, resource, per_page=_LARGEST_PAGE), gzip=True)):
                pass
        return time.perf_counter() - begin


def _idle(bench: Bench, account: Account, place: SqliteFile, size: int) -> Result:
    """Count the requests of some rounds in which nothing has changed."""
    _let_windows_pass(account)
    with account.follow(place, bench.folder, every=_EVERY), account.server.connect() as connection:
        before = _requests(connection, rounds=_counted(connection)["interviews"] + 1)
        after = _requests(connection, rounds=before["interviews"] + _IDLE_ROUNDS)
    asked = after - before
    rounds = asked["interviews"]
    what = f"requests per interval of an idle mirror of {size:,} interviews, without the sweep"
    measured = f"{asked.total():,} requests in {rounds:,} rounds; {len(RESOURCES)} lists"
    return Result(what, measured, asked.total() / rounds, _IDLE)


def _let_windows_pass(account: Account) -> None:
    """Wait until no window of a mirror reaches back to when the account was made.

    Records without times of their own have that of their organization: until then each round reads them again.
    """
    token = account.client.token(account.server)
    with account.server.connect() as connection:
        oldest = json.loads(expect(connection, rows(token, "users", per_page=1)).body)[0]["updated_at"]
    made = datetime.fromisoformat(oldest).timestamp()
    time.sleep(max(0, made + OVERLAP / 1000 + 1 - time.time()))


def _requests(connection: Connection, *, rounds: int) -> Counter[str]:
    """Return the requests for each list so far, in the rest after that many rounds."""
    deadline = time.perf_counter() + _PATIENCE
    counts = _counted(connection)
    while time.perf_counter() < deadline:
        time.sleep(_EVERY / 3)  # a mirror that asks for nothing meanwhile rests between two rounds
        before, counts = counts, _counted(connection)
        if counts == before and counts["interviews"] >= rounds:
            return counts
    raise BenchmarkError("the mirror did not ask again")


def _counted(connection: Connection) -> Counter[str]:
    """Return the requests for each list, as the metrics count them."""
    counts: Counter[str] = Counter()
    for name, count in _REQUESTS.findall(expect(connection, Request("/metrics")).body.decode()):
        counts[name] += round(float(count))
    return counts


def late_changes(bench: Bench) -> Iterator[Result]:
    """Time from a change in the account to its event here, as a follower of the change feed sees it."""
    place = SqliteFile(bench.file("mirror"))
    try:
        with bench.copy(bench.few, "upstream") as upstream, _account(bench, upstream) as account:
            account.mirror(place, bench.folder)
            here = mirrored(place)
            with (
                account.follow(place, bench.folder, every=_EVERY),
                bench.served(here) as rowen,
                arrivals.following(rowen, here.keys[0]) as arrived,
                account.server.connect() as connection,
            ):
                some = writes.material(connection, upstream.keys[0])
                _schedule(connection, some, 1, arrived)  # the mirror follows from now on
                waits = _schedule(connection, some, bench.scale.writes, arrived)
    finally:
        place.clear()
    late = [(seconds - _EVERY) * 1000 for seconds in waits]
    measured = f"after the response: p50 {median(waits):.2f} s, longest {max(waits):.2f} s, of {len(waits)}"
    what = f"a change in the account, to its event here, with --every {_EVERY}, p99 beyond the interval"
    yield Result(what, measured, quantiles(late, n=100)[98], _LATE)


def _schedule(connection: Connection, some: Material, count: int, arrived: Arrivals) -> list[float]:
    """Schedule `count` interviews with pauses, and return the seconds after which each of them arrived."""
    chance = random.Random(count)
    sent: dict[str, float] = {}
    for _ in range(count):
        time.sleep(chance.uniform(*_PAUSE))
        event = f"mirrored-{chance.randbytes(8).hex()}"
        expect(connection, named(some.creation(chance), event))
        sent[event] = time.perf_counter()
    return [arrived.wait_for(event) - at for event, at in sent.items()]
