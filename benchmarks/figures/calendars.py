"""The speed of reading a calendar, against icalendar's writing of the same events.

Owns the figure that justifies the cache of events (decision 0040).
"""

import json
from collections.abc import Iterator
from itertools import islice
from statistics import median
from time import perf_counter
from typing import Final

import icalendar

from benchmarks import subject
from benchmarks.bench import Bench
from benchmarks.client import Request
from benchmarks.places import SqliteFile, fresh
from benchmarks.processes import BenchmarkError
from benchmarks.report import Goal, Result

_EVENTS: Final = 1_000
_CALENDARS: Final = "/rowen/v1/calendars"
_TIMES: Final = {"start": "2049-03-26T09:00:00.000Z", "end": "2049-03-26T10:00:00.000Z"}
_GOAL: Final = Goal(5.0, 20.0)


def calendars(bench: Bench) -> Iterator[Result]:
    """Compare requests for a calendar that was read before, in turns with `to_ical` of the same calendar."""
    file = fresh(bench.file("events").with_suffix(".jsonl"))
    with bench.corpus.combined.open("rb") as lines:
        found = [json.loads(line) for line in islice(lines, _EVENTS)]
    ends = {name: {"date_time": time} for name, time in _TIMES.items()}
    file.write_text("".join(json.dumps({**each, **ends}) + "\n" for each in found), encoding="utf-8")
    database = subject.load(SqliteFile(bench.file("calendars")), {"Events": file})
    with bench.served(database) as server, server.connect() as connection:
        made = connection.send(Request(_CALENDARS, database.keys[0], "POST"))
        request = Request("/" + json.loads(made.body)["url"].split("/", 3)[3])
        first = connection.send(request)
        calendar = icalendar.Calendar.from_ical(first.body)
        if len(calendar.events) != _EVENTS:
            raise BenchmarkError(f"the calendar has {len(calendar.events)} events")
        ours, theirs = [], []
        for _ in range(9):  # ten requests are allowed in a window
            ours.append(connection.send(request).seconds)
            begin = perf_counter()
            calendar.to_ical()
            theirs.append(perf_counter() - begin)
    fresh(file)
    database.place.clear()
    mine, other = median(ours), median(theirs)
    words = f"{mine * 1e3:.1f} ms and {other * 1e3:.1f} ms; the first request {first.seconds * 1e3:.0f} ms"
    yield Result(f"calendar of {_EVENTS:,} interviews, against icalendar's to_ical", words, other / mine, _GOAL)
