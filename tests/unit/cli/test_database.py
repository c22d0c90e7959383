"""`rowen db`: upgrade, check, and a copy that is consistent while the database is served and written."""

import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.fault.processes import IMPATIENT_IMPORT, examine, finish, script, start
from tests.support.command import rowen
from tests.support.records import canonical, record, write_json_lines
from tests.support.server import serving


def test_upgrade_makes_a_database_once(database: str) -> None:
    assert rowen("db", "upgrade", "--database", database).stderr == "Upgraded.\n"
    assert rowen("db", "upgrade", "--database", database).stderr == "Up to date already.\n"
    assert rowen("db", "check", "--database", database).stdout == "ok\n"


def test_a_database_in_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    rowen("db", "upgrade", "--database", f"sqlite:///{tmp_path}/new/folder of ours/100%/rowen#1?.db")
    assert (tmp_path / "new" / "folder of ours" / "100%" / "rowen#1?.db").exists()


def test_a_file_without_content_is_a_new_database(tmp_path: Path) -> None:
    path = tmp_path / "rowen.db"
    path.touch()
    rowen("db", "upgrade", "--database", f"sqlite:///{path}")
    # Byte 18 of a SQLite file says 2 where readers and a writer do not wait for each other (WAL).
    assert path.read_bytes()[18] == 2


def test_what_needs_a_database_does_not_make_one(tmp_path: Path) -> None:
    for command in (("check",), ("backup", "copy.db")):
        done = rowen("db", *command, cwd=tmp_path, status=1)
        assert done.stderr == "rowen: there is no database rowen.db: `rowen serve` or `rowen import` makes one\n"
    assert list(tmp_path.iterdir()) == []


def test_a_copy_does_not_replace_a_file(tmp_path: Path, database: str) -> None:
    rowen("db", "upgrade", "--database", database)
    there = tmp_path / "copy.db"
    there.write_text("mine")
    done = rowen("db", "backup", there, "--database", database, status=1)
    assert done.stderr.startswith(f"rowen: {there}: ")
    assert "exists already" in done.stderr
    assert there.read_text() == "mine"
    done = rowen("db", "backup", tmp_path / "none" / "copy.db", "--database", database, status=1)
    assert done.stderr.startswith("rowen: ")
    assert not list(tmp_path.glob("*.partial"))


def test_copies_are_whole_while_the_database_is_served_and_written(tmp_path: Path, database: str) -> None:
    """Each copy holds whole batches, in order, and nothing of a batch that was being written."""
    batch = 50
    records = [record(identifier) for identifier in range(1, 1_001)]
    rowen("import", write_json_lines(tmp_path / "first.jsonl", records[:batch]), "--database", database)
    key = rowen("keys", "create", "poller", "--database", database).stdout.strip()
    done = threading.Event()

    def poll() -> int:
        answered = 0
        with server.client(key) as client:
            while not done.is_set():
                answer = client.get("/v1/scheduled_interviews", params={"per_page": 500})
                assert answer.status_code == 200
                assert len(answer.json()) in {*range(batch, 500, batch), 500}
                answered += 1
        return answered

    with serving(database, ["--rate-limit", "0"]) as server, ThreadPoolExecutor(1) as pool:
        polling = pool.submit(poll)
        importing = start(
            str(batch), "import", "-", "--database", database,
            command=script(IMPATIENT_IMPORT), stdin=subprocess.PIPE,
        )  # fmt: skip
        assert importing.stdin is not None
        assert importing.stderr is not None
        sizes = []
        for number, first in enumerate(range(batch, 1_000, batch)):
            importing.stdin.write("".join(canonical(e).decode() + "\n" for e in records[first : first + batch]))
            importing.stdin.flush()
            if number % 6 == 4:
                # The batch just sent is being written while the copy is made.
                copy = tmp_path / f"copy-{number}.db"
                rowen("db", "backup", copy, "--database", database)
                found = examine(copy, tmp_path)
                assert found.faults == []
                sizes.append(len(found.documents))
                assert sizes[-1] % batch == 0
                assert found.documents == {each["id"]: canonical(each) for each in records[: sizes[-1]]}
            importing.stderr.readline()
        finish(importing)
        done.set()
        assert polling.result(30) > 0
    assert sizes == sorted(sizes)
    assert len(sizes) == 3
    assert sizes[0] >= 5 * batch
    assert rowen("db", "check", "--database", database).stdout == "ok\n"


@pytest.mark.parametrize("url", ["rowen.db", "sqlite://", "sqlite:///", "mysql://localhost/rowen"])
def test_what_is_no_address_of_a_database(tmp_path: Path, url: str) -> None:
    done = rowen("db", "upgrade", "--database", url, cwd=tmp_path, status=2)
    assert "must look like" in done.stderr
    assert list(tmp_path.iterdir()) == []
