"""`python -m benchmarks.peers.slots_by_cp_sat FILE REPEATS < QUESTION`: finds one slot with CP-SAT of OR-tools.

Owns the model: a start, and for each pool the person who is chosen and must be free then. It reads its rows, and makes
the free time of people, as the by-the-book peer does. It has no server and no HTTP. Must not know Rowen.
"""

import json
import sqlite3
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from ortools.sat.python import cp_model

from benchmarks.peers.slots_by_the_book import STEP, Interval, Person, read, text


def starts_of(person: Person, window: Interval, length: timedelta) -> Iterator[tuple[int, int]]:
    """Yield the first and the last start of each free time that is long enough, as numbers of steps."""
    for begin, end in person.free:
        first, last = -((window[0] - begin) // STEP), (end - length - window[0]) // STEP
        if first <= last:
            yield first, last


def panel(people: Sequence[Sequence[Person]], window: Interval, minutes: int) -> tuple[str, list[int]] | None:
    """Return a start of a panel with one person of each pool, and the people."""
    model, length = cp_model.CpModel(), timedelta(minutes=minutes)
    start = model.new_int_var(0, (window[1] - window[0] - length) // STEP, "start")
    chosen = []
    for pool in people:
        literals = [model.new_bool_var(str(person.id)) for person in pool]
        model.add_exactly_one(literals)
        for person, literal in zip(pool, literals, strict=True):
            free = cp_model.Domain.from_intervals(list(starts_of(person, window, length)))
            model.add_linear_expression_in_domain(start, free).only_enforce_if(literal)
        chosen.append(literals)
    solver = cp_model.CpSolver()
    solver.parameters.cp_model_presolve = False  # it takes ten times as long as the search after it
    if solver.solve(model) != cp_model.OPTIMAL:
        return None
    found = [
        next(person.id for person, literal in zip(pool, literals, strict=True) if solver.boolean_value(literal))
        for pool, literals in zip(people, chosen, strict=True)
    ]
    return text(window[0] + solver.value(start) * STEP), found


def main() -> None:
    """Answer a question some times; print the seconds of each time, and the answer."""
    file, repeats = sys.argv[1], int(sys.argv[2])
    asked = json.load(sys.stdin)
    begin, end = (datetime.fromisoformat(each) for each in asked["window"])
    seconds, found = [], None
    with sqlite3.connect(file) as connection:
        for _ in range(repeats):
            begun = time.perf_counter()
            people = read(connection, asked["pools"], (begin, end))
            found = panel(people, (begin, end), asked["minutes"])
            seconds.append(time.perf_counter() - begun)
    json.dump({"seconds": seconds, "found": [] if found is None else [found]}, sys.stdout)


if __name__ == "__main__":
    main()
