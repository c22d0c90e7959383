"""`rowen db check` on a long log: what it costs."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from rowen.store.database import locate, upgrade
from rowen.store.integrity.checks import STATEMENTS


@pytest.mark.slow
def test_a_check_costs_no_more_for_each_change_of_a_long_log(tmp_path: Path) -> None:
    """A repair writes a change for each interview, and each was compared with all later ones."""
    short, long = (_steps(tmp_path / f"{changes}.db", changes) for changes in (500, 2_000))
    assert long < 6 * short


def _steps(path: Path, changes: int) -> int:
    """Return how many steps of a thousand instructions SQLite takes for the statements."""
    upgrade(locate(f"sqlite:///{path}"))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "INSERT INTO organizations VALUES (1, 'one', 'UTC', 0, ?, 1, ?, ?, 'allow', 0, 0, NULL, 0, 0)",
            3 * [changes],
        )
        connection.executemany(
            "INSERT INTO scheduled_interviews VALUES (1, ?, 1, NULL, 1, 1, 1, 1, 'scheduled', 1, 'x', NULL)",
            ((number,) for number in range(1, changes + 1)),
        )
        connection.executemany(
            "INSERT INTO changes VALUES (1, ?, 1, 'repaired', ?, '', 'x')",
            ((number, number) for number in range(1, changes + 1)),
        )
        connection.commit()
        steps = [0]

        def count() -> None:
            steps[0] += 1

        connection.set_progress_handler(count, 1_000)
        assert [row for statement in STATEMENTS for row in connection.execute(statement)] == []
        return steps[0]
