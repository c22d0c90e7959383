"""Another process that writes does not block readers, and a writer waits for it, but not without end."""

import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.command import rowen
from tests.support.processes import IMPATIENT_STORE, WRITING, finish, one_sentence, script, start
from tests.support.records import canonical, record
from tests.support.server import serving
from tests.support.sound_database import LAST_PAGE, RECORDS


def test_reading_goes_on_while_another_process_writes(copied: tuple[Path, str]) -> None:
    path, key = copied
    database = f"sqlite:///{path}"
    with (
        closing(sqlite3.connect(path, isolation_level=None)) as writer,
        serving(database) as server,
        server.client(key) as client,
    ):
        writer.execute("BEGIN EXCLUSIVE")
        writer.execute("DELETE FROM scheduled_interviews")
        assert client.get("/v1/scheduled_interviews?per_page=500&page=4").content == LAST_PAGE
        assert len(client.get("/v1/scheduled_interviews?starts_after=2020-01-01").json()) == 100
        assert rowen("export", "--database", database).stdout.count("\n") == len(RECORDS)
        assert rowen("db", "check", "--database", database).stdout == "ok\n"
        writer.execute("ROLLBACK")


@pytest.mark.parametrize("command", WRITING)
def test_a_writer_that_never_ends_is_not_waited_for_without_end(copied: tuple[Path, str], command: str) -> None:
    path, _ = copied
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        process = start(
            *WRITING[command], "--database", f"sqlite:///{path}",
            command=script(IMPATIENT_STORE), stdin=subprocess.PIPE,
        )  # fmt: skip
        assert process.stdin is not None
        process.stdin.write(canonical(record(9_999)).decode())
        said = one_sentence(finish(process, status=1))
        assert said == f"rowen: database {path}: another process has been writing for too long"
        writer.execute("ROLLBACK")
