"""The figures, each a function from a `Bench` to rows of the table."""

from collections.abc import Callable, Iterable
from typing import Final

from benchmarks.bench import Bench
from benchmarks.figures import (
    arrays,
    before,
    board,
    bookings,
    calendars,
    clock,
    copies,
    costs,
    engines,
    latency,
    limits,
    mirror,
    processes,
    scale,
    slots,
    throughput,
    v3,
    webhooks,
    writes,
)
from benchmarks.report import Result

FIGURES: Final[dict[str, Callable[[Bench], Iterable[Result]]]] = {
    "list-bare": throughput.list_against_bare,
    "list-book": throughput.list_against_the_book,
    "list-datasette": throughput.list_against_datasette,
    "list-json-server": throughput.list_against_json_server,
    "retrieve": throughput.retrieve_against_bare,
    "deep-after": latency.deep_by_after,
    "deep-page": latency.deep_by_page,
    "walk": latency.many_rows_against_few,
    "import": processes.imports,
    "array": arrays.arrays,
    "calendars": calendars.calendars,
    "memory": processes.memory_after_load,
    "start": processes.start,
    "creates": writes.creates,
    "reads-under-writes": writes.reads_under_writes,
    "webhooks": webhooks.webhooks,
    "clock": clock.clock,
    "size": clock.size,
    "list-postgres": engines.list_on_postgres,
    "list-postgres-book": throughput.list_against_the_book_on_postgres,
    "scale": scale.scale,
    "import-postgres": processes.imports_into_postgres,
    "copy": copies.copies,
    "workers": engines.workers,
    "costs": costs.costs,
    "limits": limits.limits,
    "before-v3": before.before_v3,
    "before-pages": before.before_pages,
    "v3": v3.v3,
    "first-mirror": mirror.first_mirror,
    "late-changes": mirror.late_changes,
    "slots": slots.slots,
    "bookings": bookings.bookings,
    "planning-memory": bookings.planning_memory,
    "board": board.board,
    "board-week": board.board_week,
    "pages": board.pages,
}
"""The figures by their names on the command line, in the order of the table."""
