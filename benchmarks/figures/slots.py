"""Finding times, against a plain and careful program that finds the same, and against a solver that finds one of them.

Owns the questions that are asked, and that both answer alike. Must not know how either finds times.
"""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any, Final, TypeVar

from benchmarks import teams
from benchmarks.bench import Bench
from benchmarks.client import Request
from benchmarks.peers import slots_by_the_book
from benchmarks.places import fresh
from benchmarks.processes import BenchmarkError, Server
from benchmarks.report import Goal, Result
from benchmarks.subject import Database, expect
from benchmarks.teams import MONDAY, Team

_PEOPLE: Final = 200
_POOLS: Final = 5
_SIZE: Final = 40
_WEEKS: Final = 4
_LARGER: Final = 10
_MOST_GAP: Final = 30
_REPEATS: Final = 15
_PEER_REPEATS: Final = 3
Found = TypeVar("Found")

_PEER: Final = Path(slots_by_the_book.__file__)

_AGAINST_BOOK: Final = Goal(45.0, 100.0)
_AGAINST_SOLVER: Final = Goal(20.0, 100.0)
_MORE_PEOPLE: Final = Goal(1.5, 1.1, more_is_better=False)
_MORE_WEEKS: Final = Goal(2.3, 2.0, more_is_better=False)
_LARGER_POOLS: Final = Goal(12.0, 10.0, more_is_better=False)


@dataclass(frozen=True)
class _Question:
    """A question, and the server that answers it."""

    server: Server
    request: Request

    def answer(self) -> dict[str, Any]:
        """Return the answer."""
        with self.server.connect() as connection:
            found: dict[str, Any] = json.loads(expect(connection, self.request).body)
        return found


@dataclass(frozen=True)
class _Asked:
    """A team that is served, and its pools."""

    server: Server
    database: Database
    pools: Sequence[int]

    def question(self, weeks: int, **fields: Any) -> _Question:
        """Return a question for slots in some weeks."""
        body = json.dumps(teams.question(self.pools, weeks, **fields)).encode()
        return _Question(self.server, Request("/rowen/v1/slots", self.database.keys[0], "POST", body=body))

    def onsite(self, weeks: int) -> _Question:
        """Return a question for one session with each of the pools, in any order."""
        sessions = [{"minutes": 60, "seats": [{"pool": each}]} for each in self.pools]
        return self.question(weeks, sessions=sessions, order="any", gap_minutes={"min": 0, "max": _MOST_GAP})


def slots(bench: Bench) -> Iterator[Result]:
    """Compare panels and onsites with the peer, then more people, weeks and larger pools with fewer."""
    team = teams.team(_PEOPLE, _POOLS, _SIZE)
    peer = _peer_database(bench.file("slots-by-the-book"), team)
    with _asked(bench, "slots", team) as asked:
        panel = asked.question(_WEEKS)
        mine, (theirs, found) = _around(panel, lambda: _of_peer(peer, team, onsite=False))
        _require_equal(panel.answer(), found, "a panel")
        what = (
            f"{_POOLS} seats from pools of {_SIZE} of {_PEOPLE} people, {_WEEKS} weeks, all {len(found):,} slots named"
        )
        yield _against_book(what, mine, theirs)
        starts = [start for start, _ in found]
        mine, theirs = _around(panel, lambda: _of_solver(bench, peer, team, starts))
        words = f"{mine * 1e3:,.1f} ms and {theirs * 1e3:,.0f} ms"
        yield Result("the same panel, against CP-SAT finding one slot", words, theirs / mine, _AGAINST_SOLVER)
        loop = asked.onsite(_WEEKS)
        mine, (theirs, found) = _around(loop, lambda: _of_peer(peer, team, onsite=True))
        _require_equal(loop.answer(), found, "an onsite")
        what = f"onsite of {_POOLS} sessions in any order, {_WEEKS} weeks, all {len(found):,} slots named"
        yield _against_book(what, mine, theirs)
        yield _growth(f"{2 * _WEEKS} weeks against {_WEEKS}", asked.question(2 * _WEEKS), panel, _MORE_WEEKS)
        fresh(peer)
        many = _PEOPLE * _LARGER
        with _asked(bench, "slots-of-many", teams.team(many, _POOLS, _SIZE)) as more:
            what = f"{many:,} people in the organization against {_PEOPLE}"
            yield _growth(what, more.question(_WEEKS), panel, _MORE_PEOPLE)
        with _asked(bench, "slots-of-many", teams.team(many, _POOLS, _SIZE * _LARGER)) as larger:
            what = f"pools of {_SIZE * _LARGER} against {_SIZE}"
            yield _growth(what, larger.question(_WEEKS), panel, _LARGER_POOLS)


@contextmanager
def _asked(bench: Bench, name: str, team: Team) -> Iterator[_Asked]:
    database = teams.loaded(bench.file(name), team)
    with bench.served(database) as server:
        pools = teams.prepare(server, database.keys[0], team)
        yield _Asked(server, database, pools)
    database.place.clear()


def _around(question: _Question, work: Callable[[], Found]) -> tuple[float, Found]:
    """Return the median seconds of a question that is asked before and after some work, and what that returned."""
    before = _in_turns(question)
    found = work()
    return median([*before[0], *_in_turns(question)[0]]), found


def _in_turns(*questions: _Question) -> list[list[float]]:
    """Return the seconds of each of some questions, which are asked in turns, after once that does not count."""
    with ExitStack() as stack:
        asked = [(stack.enter_context(each.server.connect()), each.request) for each in questions]
        rounds = [[expect(*each).seconds for each in asked] for _ in range(_REPEATS + 1)]
    return [list(each) for each in zip(*rounds[1:], strict=True)]


def _against_book(what: str, mine: float, theirs: float) -> Result:
    words = f"{mine * 1e3:,.1f} ms and {theirs * 1e3:,.0f} ms"
    return Result(f"{what}, against the book", words, theirs / mine, _AGAINST_BOOK)


def _growth(what: str, larger: _Question, smaller: _Question, goal: Goal) -> Result:
    more, fewer = map(median, _in_turns(larger, smaller))
    return Result(f"slots of a panel, {what}", f"{more * 1e3:,.1f} ms and {fewer * 1e3:,.1f} ms", more / fewer, goal)


def _peer_database(file: Path, team: Team) -> Path:
    """Write a team into the tables of the peer."""
    with closing(sqlite3.connect(fresh(file))) as connection, connection:
        connection.executescript(slots_by_the_book.SCHEMA)
        people = [(each.id, each.zone, each.opens, each.closes, each.buffer) for each in team.members]
        connection.executemany("INSERT INTO people VALUES (?, ?, ?, ?, ?)", people)
        for member in team.members:
            for kind, its in enumerate((member.busy, member.interviews)):
                rows = [(member.id, kind, int(start.timestamp()), int(end.timestamp())) for start, end in its]
                connection.executemany("INSERT INTO taken VALUES (?, ?, ?, ?)", rows)
        members = [(number, one) for number, its in enumerate(team.pools) for one in its]
        connection.executemany("INSERT INTO members VALUES (?, ?)", members)
    return file


def _of_peer(file: Path, team: Team, *, onsite: bool) -> tuple[float, list[tuple[str, list[int]]]]:
    """Return the median seconds of the peer, and what it found: starts with people."""
    command = [sys.executable, str(_PEER), str(file), str(_PEER_REPEATS)]
    asked = _of_peers(team, onsite=onsite)
    done = subprocess.run(command, input=asked, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchmarkError(f"the peer failed: {done.stderr.splitlines()[-1]}")
    answer = json.loads(done.stdout)
    return median(answer["seconds"]), [(start, people) for start, people in answer["found"]]


def _of_solver(bench: Bench, file: Path, team: Team, starts: Sequence[str]) -> float:
    """Return the median seconds of CP-SAT for one slot. Raises BenchmarkError unless that is one of the starts."""
    answer = json.loads(bench.peers.slots_by_cp_sat(file, _PEER_REPEATS, _of_peers(team, onsite=False)))
    if not any(start in starts for start, _ in answer["found"]):
        raise BenchmarkError(f"CP-SAT found {answer['found']}")
    seconds: float = median(answer["seconds"])
    return seconds


def _of_peers(team: Team, *, onsite: bool) -> str:
    """Return the question as both peers read it."""
    window = [each.isoformat() for each in (MONDAY, MONDAY + timedelta(weeks=_WEEKS))]
    pools = list(range(len(team.pools)))
    return json.dumps({"window": window, "pools": pools, "minutes": 60, "onsite": onsite, "most_gap": _MOST_GAP})


def _require_equal(answer: dict[str, Any], found: list[tuple[str, list[int]]], what: str) -> None:
    """Require the same starts with the same people. Raises BenchmarkError."""
    ours = [
        (slot["start"], [each["user_id"] for session in slot["sessions"] for each in session["interviewers"]])
        for slot in answer["slots"]
    ]
    if ours != found:
        differing = sum(one != other for one, other in zip(ours, found, strict=False))
        raise BenchmarkError(f"{what}: {len(ours)} slots here, {len(found)} there, {differing} differ")
