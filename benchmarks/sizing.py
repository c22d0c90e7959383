"""`python -m benchmarks.sizing`: the sizes of machines, from one team to every company that hires.

Owns the measured figures that it computes them from, each with its row of benchmarks/README.md, the assumptions about
clients, and the arithmetic. Must not measure anything. docs/explanation/scaling.md contains its output.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from math import ceil
from typing import Final, NamedTuple


class Kind(Enum):
    """The kinds of requests, with their names."""

    SAME_PAGE = "a first page that was served before"
    ANY_PAGE = "any page of 100"
    SYNC = "a list of recent updates"
    RETRIEVE = "one interview"
    WRITE = "a write"


class Cost(NamedTuple):
    """The processor time of a request, in milliseconds, in Rowen and in the database, with the row of the figures."""

    rowen: float
    database: float
    row: str


class Room(NamedTuple):
    """Bytes per interview, bytes per write (history and its indexes), memory of a worker in MB, and the row."""

    interview: int
    write: int
    worker: int
    row: str


@dataclass(frozen=True)
class Engine:
    """A database engine, with its measured figures."""

    name: str
    costs: Mapping[Kind, Cost]
    room: Room


SQLITE: Final = Engine(
    "SQLite",
    {
        Kind.SAME_PAGE: Cost(0.126, 0, "a page of 100, the same one, SQLite"),
        Kind.ANY_PAGE: Cost(0.364, 0, "a page of 100, at random, SQLite"),
        Kind.SYNC: Cost(0.785, 0, "a list of recent updates, SQLite"),
        Kind.RETRIEVE: Cost(0.109, 0, "one interview, at random, SQLite"),
        Kind.WRITE: Cost(1.39, 0, "a create, over all organizations, SQLite"),
    },
    Room(1_170, 2_200, 128, "database of 1,000,000 interviews; disk space of a create; memory of the server"),
)
POSTGRES: Final = Engine(
    "PostgreSQL",
    {
        Kind.SAME_PAGE: Cost(0.174, 0.018, "a page of 100, the same one, PostgreSQL"),
        Kind.ANY_PAGE: Cost(0.471, 0.299, "a page of 100, at random, PostgreSQL"),
        Kind.SYNC: Cost(0.83, 0.565, "a list of recent updates, PostgreSQL"),
        Kind.RETRIEVE: Cost(0.17, 0.029, "one interview, at random, PostgreSQL"),
        Kind.WRITE: Cost(2.31, 1.58, "a create, over all organizations, PostgreSQL"),
    },
    Room(1_630, 2_100, 131, "database of 1,000,000 interviews; disk space of a create; memory of the server"),
)
# The disk space of a create is that of an interview and a write.

_YEARS: Final = 3
_WORKING_DAYS: Final = 250
_WORKING_SECONDS: Final = 8 * 3600
_WRITES: Final = 4
_RETRIEVALS: Final = 10
_PAGES: Final = 2
_PEAK: Final = 3
_POLLERS: Final = 2
_POLL_SECONDS: Final = 30
_SYNC_SECONDS: Final = 600
_EXPORT_SECONDS: Final = 7 * 8 * 3600
_BUSY: Final = 0.5
_RECENT: Final = 0.1
_WORKERS: Final = 4

ASSUMPTIONS: Final = (
    f"The interviews are those of {_YEARS} years, and none is deleted. "
    f"A year has {_WORKING_DAYS} working days of eight hours.",
    f"Each interview is written {_WRITES} times: scheduled, moved or responded to, scored, ended. "
    f"The busiest minute of a day has {_PEAK} times as many writes as the mean one, in all organizations at once.",
    f"For each write, people or programs read {_RETRIEVALS} single interviews and {_PAGES} pages.",
    f"In each organization, {_POLLERS} programs request the first page every {_POLL_SECONDS} seconds.",
    "A warehouse syncs each organization by `updated_after` every hour, all of them within the same ten minutes. "
    "Once a week it reads everything again, at night.",
    f"At such a peak, cores are {_BUSY:.0%} busy, so that no request has to wait, and one of two machines can fail.",
    f"A tenth of the interviews, the recent ones, is in memory with its indexes. A node has up to {_WORKERS} workers.",
    "Disks have room for twice the stored data: for maintenance, and for the next year. Backups are elsewhere.",
)
"""The assumptions of the arithmetic, as sentences."""


@dataclass(frozen=True)
class Service:
    """A number of organizations, and the number of interviews of each."""

    name: str
    organizations: int
    each: int

    @property
    def interviews(self) -> int:
        """The number of interviews of all organizations."""
        return self.organizations * self.each

    @property
    def writes(self) -> int:
        """The number of writes that created and changed them."""
        return self.interviews * _WRITES

    def rates(self) -> dict[Kind, float]:
        """Return the requests per second of each kind at the peak."""
        writes = self.writes / (_YEARS * _WORKING_DAYS * _WORKING_SECONDS) * _PEAK
        exported = self.interviews / 100 / _EXPORT_SECONDS
        return {
            Kind.SAME_PAGE: self.organizations * _POLLERS / _POLL_SECONDS,
            Kind.ANY_PAGE: writes * _PAGES + exported,
            Kind.SYNC: self.organizations / _SYNC_SECONDS,
            Kind.RETRIEVE: writes * _RETRIEVALS,
            Kind.WRITE: writes,
        }


SERVICES: Final = (
    Service("one team", 1, 10_000),
    Service("one company", 1, 100_000),
    Service("a group of companies", 20, 50_000),
    Service("an agency", 200, 20_000),
    Service("a hosted service, as measured", 2_000, 5_000),
    Service("a large hosted service", 1_000, 100_000),
    Service("every company that hires", 7_500, 100_000),
)


@dataclass(frozen=True)
class Need:
    """The needs of a service on one engine: requests and writes per second, cores, and bytes of one copy."""

    engine: Engine
    requests: float
    writes: float
    rowen_cores: float
    database_cores: float
    stored: float

    @property
    def workers(self) -> int:
        """The number of Rowen's worker processes."""
        return max(1, ceil(self.rowen_cores))

    @property
    def disk(self) -> float:
        """The disk space for one copy of everything, in bytes."""
        return 2 * self.stored


class Step(NamedTuple):
    """A setup of Rowen, with the most cores and bytes of disk for which it is the simplest that suffices."""

    name: str
    engine: Engine
    most_cores: float
    most_disk: float
    machines: str


_GIGABYTE: Final = 10**9
_SHARD: Final = 2_000 * _GIGABYTE
STEPS: Final = (
    Step("SQLite on a laptop", SQLITE, 1, 1 * _GIGABYTE, "that laptop"),
    Step("SQLite on one server", SQLITE, 4, 100 * _GIGABYTE, "1 server"),
    Step("PostgreSQL on one machine", POSTGRES, 8, 500 * _GIGABYTE, "1 with both, or 1 + 1"),
    Step("a primary, two replicas, nodes behind a balancer", POSTGRES, 64, 2 * _SHARD, "3 + {nodes} nodes"),
    Step(
        "Citus, each shard with a standby",
        POSTGRES,
        float("inf"),
        float("inf"),
        "2 × ({shards} shards, 1 coordinator) + {nodes} nodes",  # noqa: RUF001
    ),
)


def need(service: Service, engine: Engine) -> Need:
    """Compute the needs of a service on an engine."""
    rates = service.rates()
    room = engine.room
    return Need(
        engine,
        sum(rates.values()),
        rates[Kind.WRITE],
        sum(rate * engine.costs[kind].rowen for kind, rate in rates.items()) / 1000 / _BUSY,
        sum(rate * engine.costs[kind].database for kind, rate in rates.items()) / 1000 / _BUSY,
        service.interviews * room.interview + service.writes * room.write,
    )


def step(service: Service) -> tuple[Step, Need]:
    """Return the first step that suffices for a service, and the needs of the service on it."""
    for each in STEPS:
        needed = need(service, each.engine)
        if needed.rowen_cores + needed.database_cores <= each.most_cores and needed.disk <= each.most_disk:
            return each, needed
    raise AssertionError("the last step has no bounds")


def table() -> str:
    """Return the generated part of docs/explanation/scaling.md, as Markdown."""
    parts = ("Assumptions:\n", "".join(f"- {each}\n" for each in ASSUMPTIONS))
    return "\n".join(
        (*parts, _markdown(_SIZES, map(_size, SERVICES)), "Computed from:\n", _markdown(_SOURCES, _sources()))
    )


_SIZES: Final = (
    "Service",
    "Organizations × interviews",  # noqa: RUF001
    "Requests/s, of them writes",
    "Setup",
    "Machines",
    "Cores of Rowen, of the database",
    "Memory",
    "Disk of one copy",
)
_SOURCES: Final = ("What", "Engine", "Figure", "Row of the benchmarks (`costs`)")


def _size(service: Service) -> tuple[str, ...]:
    chosen, needed = step(service)
    nodes = max(2, ceil(needed.workers / _WORKERS))
    shards = max(2, ceil(needed.disk / _SHARD))
    memory = needed.workers * needed.engine.room.worker * 10**6 + _RECENT * needed.stored
    return (
        service.name,
        f"{service.organizations:,} × {service.each:,}",  # noqa: RUF001
        f"{_rounded(needed.requests)}, {_rounded(needed.writes)}",
        chosen.name,
        chosen.machines.format(nodes=nodes, shards=shards),
        f"{_rounded(needed.rowen_cores)}, {_rounded(needed.database_cores)}",
        _bytes(memory),
        _bytes(needed.disk),
    )


def _sources() -> Iterator[tuple[str, ...]]:
    for engine in (SQLITE, POSTGRES):
        for kind, cost in engine.costs.items():
            figure = f"{cost.rowen:g} ms" + (f" and {cost.database:g} ms" if cost.database else "")
            yield f"processor time of {kind.value}", engine.name, figure, cost.row
        room = engine.room
        figure = f"{room.interview:,} bytes, {room.write:,} bytes, {room.worker} MB"
        yield "an interview, a write, a worker", engine.name, figure, room.row


def _markdown(headings: Sequence[str], rows: Iterator[tuple[str, ...]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _rounded(value: float) -> str:
    if value < 0.01:
        return "none" if value == 0 else "under 0.01"
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def _bytes(value: float) -> str:
    for unit, size in (("TB", 10**12), ("GB", 10**9)):
        if value >= size:
            return f"{value / size:,.1f} {unit}"
    return f"{value / 10**6:,.0f} MB"


if __name__ == "__main__":
    print(table())
