"""The by-the-book peer of finding times, a process of its own: `python slots_by_the_book.py FILE REPEATS < QUESTION`.

Owns a plain and careful way to find the same slots. Per question it reads its rows from SQLite, makes the free time of
each person from lists of datetimes (each day's hours through zoneinfo, one sweep over what is busy), and chooses the
least loaded at each start. It has no server and no HTTP. Must not know Rowen.
"""

import json
import sqlite3
import sys
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

SCHEMA = """
CREATE TABLE people (id INTEGER PRIMARY KEY, zone TEXT, opens INTEGER, closes INTEGER, buffer INTEGER);
CREATE TABLE members (pool INTEGER, person INTEGER, PRIMARY KEY (pool, person)) WITHOUT ROWID;
CREATE TABLE taken (person INTEGER, is_interview INTEGER, starts INTEGER, ends INTEGER);
CREATE INDEX taken_by_person ON taken (person, starts);
"""
STEP = timedelta(minutes=15)
Interval = tuple[datetime, datetime]


class Person:
    """A person with the free time and the interviews of a window."""

    def __init__(
        self, row: tuple[Any, ...], taken: Sequence[tuple[bool, datetime, datetime]], window: Interval
    ) -> None:
        self.id, zone, self.opens, self.closes, buffer = row
        self.zone = ZoneInfo(zone)
        room = timedelta(minutes=buffer)
        blocked = sorted((start - room, end + room) for _, start, end in taken)
        self.free = list(self._free(window, blocked))
        self.begins = [start for start, _ in self.free]
        interviews = [start for is_interview, start, _ in taken if is_interview]
        self.last = max(interviews, default=datetime.min.replace(tzinfo=UTC))
        self.weeks = Counter(week_of(start.astimezone(self.zone).date()) for start in interviews)
        self._loads: dict[date, int] = {}

    def _free(self, window: Interval, blocked: Sequence[Interval]) -> Iterator[Interval]:
        position = 0
        day = window[0].astimezone(self.zone).date()
        while day <= window[1].astimezone(self.zone).date():
            if day.weekday() < 5:
                midnight = datetime(day.year, day.month, day.day, tzinfo=self.zone)
                start = max(midnight.replace(hour=self.opens).astimezone(UTC), window[0])
                end = min(midnight.replace(hour=self.closes).astimezone(UTC), window[1])
                while position < len(blocked) and blocked[position][1] <= start:
                    position += 1
                at = position
                while at < len(blocked) and blocked[at][0] < end:
                    if start < blocked[at][0]:
                        yield start, blocked[at][0]
                    start = max(start, blocked[at][1])
                    at += 1
                if start < end:
                    yield start, end
            day += timedelta(days=1)

    def can(self, start: datetime, end: datetime) -> bool:
        """Return whether the person is free."""
        place = bisect_right(self.begins, start) - 1
        return place >= 0 and end <= self.free[place][1]

    def load(self, start: datetime) -> int:
        """Return how many interviews the person has in the weeks around a start."""
        week = week_of(start.astimezone(self.zone).date())
        known = self._loads.get(week)
        if known is None:
            week_long = timedelta(weeks=1)
            known = self.weeks[week - week_long] + self.weeks[week] + self.weeks[week + week_long]
            self._loads[week] = known
        return known


def week_of(day: date) -> date:
    """Return the Monday of a week."""
    return day - timedelta(days=day.weekday())


def read(connection: sqlite3.Connection, pools: Sequence[int], window: Interval) -> list[list[Person]]:
    """Return the people of pools."""
    found = []
    since, until = (int(each.timestamp()) for each in (window[0] - timedelta(weeks=3), window[1] + timedelta(weeks=3)))
    for pool in pools:
        rows = connection.execute(
            "SELECT id, zone, opens, closes, buffer FROM people JOIN members ON person = id WHERE pool = ?", (pool,)
        ).fetchall()
        people = []
        for row in rows:
            taken = [
                (bool(is_interview), datetime.fromtimestamp(starts, UTC), datetime.fromtimestamp(ends, UTC))
                for is_interview, starts, ends in connection.execute(
                    "SELECT is_interview, starts, ends FROM taken"
                    " WHERE person = ? AND starts BETWEEN ? AND ? ORDER BY starts",
                    (row[0], since, until),
                )
            ]
            people.append(Person(row, taken, window))
        found.append(people)
    return found


def starts_of(window: Interval, minutes: int) -> Iterator[datetime]:
    """Yield the starts at which something of some minutes lies in a window."""
    start = window[0]
    while start + timedelta(minutes=minutes) <= window[1]:
        yield start
        start += STEP


def least_loaded(people: Sequence[Person], start: datetime, end: datetime) -> Person | None:
    """Return the one to be chosen."""
    free = [each for each in people if each.can(start, end)]
    return min(free, key=lambda each: (each.load(start), each.last, each.id), default=None)


def panels(people: Sequence[Sequence[Person]], window: Interval, minutes: int) -> list[tuple[str, list[int]]]:
    """Return all starts of a panel with one person of each pool."""
    found = []
    for start in starts_of(window, minutes):
        end = start + timedelta(minutes=minutes)
        panel = []
        for pool in people:
            chosen = least_loaded(pool, start, end)
            if chosen is None:
                break
            panel.append(chosen.id)
        else:
            found.append((text(start), panel))
    return found


class Onsites:
    """Onsites with a session of some minutes for each pool, in any order, on one day, with short gaps."""

    def __init__(self, people: Sequence[Sequence[Person]], window: Interval, minutes: int, most_gap: int) -> None:
        self._people = people
        self._window = window
        self._length = timedelta(minutes=minutes)
        self._gaps = [timedelta(minutes=each) for each in range(0, most_gap + 1, 15)]
        self._chosen: dict[tuple[int, datetime], Person | None] = {}
        self._dead: set[tuple[frozenset[int], datetime]] = set()

    def found(self) -> list[tuple[str, list[int]]]:
        """Return all starts, each with the people in the order of their sessions."""
        found = []
        for start in starts_of(self._window, int(self._length.total_seconds()) // 60):
            panel = self._follow(frozenset(range(len(self._people))), start)
            if panel is not None:
                found.append((text(start), panel))
        return found

    def _who(self, pool: int, start: datetime) -> Person | None:
        if (pool, start) not in self._chosen:
            self._chosen[pool, start] = least_loaded(self._people[pool], start, start + self._length)
        return self._chosen[pool, start]

    def _follow(self, left: frozenset[int], start: datetime) -> list[int] | None:
        """Return the people of the sessions that are left, the first of them at a start."""
        if (left, start) in self._dead:
            return None
        for pool in sorted(left):
            person = self._who(pool, start)
            rest = None if person is None else self._rest(left - {pool}, start)
            if person is not None and rest is not None:
                return [person.id, *rest]
        self._dead.add((left, start))
        return None

    def _rest(self, others: frozenset[int], start: datetime) -> list[int] | None:
        """Return the people of the sessions after one at a start."""
        if not others:
            return []
        for gap in self._gaps:
            following = start + self._length + gap
            if following.date() == start.date() and following + self._length <= self._window[1]:
                rest = self._follow(others, following)
                if rest is not None:
                    return rest
        return None


def text(moment: datetime) -> str:
    """Return a moment as Rowen writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def main() -> None:
    """Answer a question some times; print the seconds of each time, and the answer."""
    file, repeats = sys.argv[1], int(sys.argv[2])
    asked = json.load(sys.stdin)
    window = tuple(datetime.fromisoformat(each) for each in asked["window"])
    seconds, found = [], []
    with sqlite3.connect(file) as connection:
        for _ in range(repeats):
            begin = time.perf_counter()
            people = read(connection, asked["pools"], (window[0], window[1]))
            if asked["onsite"]:
                found = Onsites(people, (window[0], window[1]), asked["minutes"], asked["most_gap"]).found()
            else:
                found = panels(people, (window[0], window[1]), asked["minutes"])
            seconds.append(time.perf_counter() - begin)
    json.dump({"seconds": seconds, "found": found}, sys.stdout)


if __name__ == "__main__":
    main()
