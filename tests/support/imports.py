"""The results that `rowen import` prints.

Owns parsing the table of results. Must not know what was imported.
"""

import subprocess
from typing import Final

COLUMNS: Final = ["resource", "read", "new", "changed", "unchanged", "older", "rejected"]


def results(done: subprocess.CompletedProcess[str]) -> dict[str, list[int]]:
    """Return the numbers of an import by resource: read, new, changed, unchanged, older, rejected."""
    header, *rows = (line.split("\t") for line in done.stdout.splitlines())
    assert header == COLUMNS
    assert rows
    return {row[0]: [int(cell) for cell in row[1:]] for row in rows}


def totals(done: subprocess.CompletedProcess[str]) -> list[int]:
    """Return the numbers of an import over all resources: read, new, changed, unchanged, older, rejected."""
    return [sum(column) for column in zip(*results(done).values(), strict=True)]
