"""`rowen db`: upgrade, check, and a copy that is consistent while the database is served and written."""

import os
import shutil
import sqlite3
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from rowen.store.database import backup, locate
from tests.support.command import rowen
from tests.support.processes import IMPATIENT_IMPORT, examine, finish, script, start, with_room_for, without_rights
from tests.support.programs import quiet_port
from tests.support.records import canonical, record, write_json_lines
from tests.support.server import serving


@pytest.mark.usefixtures("no_database")
def test_upgrade_makes_a_database_once(database: str) -> None:
    Path(database.removeprefix("sqlite:///")).touch()
    assert rowen("db", "upgrade", "--database", database).stderr == "Upgraded.\n"
    assert rowen("db", "upgrade", "--database", database).stderr == "Up to date already.\n"
    assert rowen("db", "check", "--database", database).stdout == "ok\n"


def test_a_name_with_special_characters(tmp_path: Path) -> None:
    path = tmp_path / "folder of ours" / "100%" / "rowen#1?.db"
    path.parent.mkdir(parents=True)
    rowen("organizations", "create", "default", "--database", f"sqlite:///{path}")
    assert path.exists()


def test_an_upgrade_with_a_mistyped_path_makes_nothing(tmp_path: Path) -> None:
    for name in ("none/rowen.db", "rowen.dv"):
        done = rowen("db", "upgrade", "--database", f"sqlite:///{name}", cwd=tmp_path, status=1)
        assert done.stderr == (
            f"rowen: there is no database {tmp_path}/{name}: `rowen serve` or `rowen import` creates one\n"
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", [("serve",), ("organizations", "create", "default")], ids=lambda each: each[0])
def test_a_mistyped_folder_is_not_made(tmp_path: Path, command: tuple[str, ...]) -> None:
    options = ("--port", str(quiet_port())) if command == ("serve",) else ()
    done = rowen(*command, *options, "--database", "sqlite:///none/rowen.db", cwd=tmp_path, status=1)
    said = done.stderr.splitlines()[-1]
    assert said == f"rowen: database {tmp_path}/none/rowen.db: there is no folder {tmp_path}/none: make it first"
    assert list(tmp_path.iterdir()) == []


def test_a_file_without_content_is_a_new_database(tmp_path: Path) -> None:
    path = tmp_path / "rowen.db"
    path.touch()
    rowen("db", "upgrade", "--database", f"sqlite:///{path}")
    # Byte 18 of a SQLite file is 2 if readers and a writer do not wait for each other (WAL).
    assert path.read_bytes()[18] == 2


def test_commands_that_need_a_database_do_not_create_one(tmp_path: Path) -> None:
    for command in (("check",), ("backup", "copy.db")):
        done = rowen("db", *command, cwd=tmp_path, status=1)
        assert done.stderr == (
            f"rowen: there is no database {tmp_path}/rowen.db: `rowen serve` or `rowen import` creates one\n"
        )
    assert list(tmp_path.iterdir()) == []


def test_a_copy_does_not_replace_a_file(tmp_path: Path, database: str) -> None:
    rowen("organizations", "create", "default", "--database", database)
    there = tmp_path / "copy.db"
    there.write_text("mine")
    done = rowen("db", "backup", there, "--database", database, status=1)
    assert done.stderr.startswith(f"rowen: {there}: ")
    assert "exists already" in done.stderr
    assert there.read_text() == "mine"
    done = rowen("db", "backup", tmp_path / "none" / "copy.db", "--database", database, status=1)
    assert done.stderr == f"rowen: {tmp_path}/none/copy.db: cannot be written: there is no folder {tmp_path}/none\n"
    assert not list(tmp_path.glob("*.partial"))


def test_a_copy_that_cannot_be_written_is_not_blamed_on_the_database(tmp_path: Path, database: str) -> None:
    rowen("organizations", "create", "default", "--database", database)
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    process = start("db", "backup", folder / "copy.db", "--database", database, preparation=without_rights)
    assert finish(process, status=1) == f"rowen: {folder}/copy.db: Permission denied\n"


def test_a_copy_without_room_is_not_blamed_on_the_database(tmp_path: Path, database: str) -> None:
    rowen("organizations", "create", "default", "--database", database)
    target = tmp_path / "copy.db"
    process = start("db", "backup", target, "--database", database, preparation=with_room_for(65_536))
    assert finish(process, status=1) == f"rowen: {target}: the copy cannot be written: the disk reports an error\n"
    assert not list(tmp_path.glob("copy.db*"))


def test_a_copy_to_standard_output_is_refused(tmp_path: Path, database: str) -> None:
    rowen("organizations", "create", "default", "--database", database)
    done = rowen("db", "backup", "-", "--database", database, cwd=tmp_path, status=2)
    assert "cannot be written to standard output" in " ".join(done.stderr.replace("│", "").split())
    assert not (tmp_path / "-").exists()


def open_to_all() -> None:
    os.umask(0)


def test_a_copy_is_for_its_owner_alone_whatever_the_umask(tmp_path: Path, database: str) -> None:
    rowen("organizations", "create", "default", "--database", database)
    target = tmp_path / "copy.db"
    (tmp_path / "copy.db.partial").touch(mode=0o644)  # left by an older version that was killed
    modes: set[int] = set()

    def look(*_: int) -> None:
        modes.update(each.stat().st_mode & 0o777 for each in tmp_path.glob("copy.db.*.partial*"))

    before = os.umask(0)
    try:
        backup(locate(database), target, look)
    finally:
        os.umask(before)
    assert modes == {0o600}
    assert target.stat().st_mode & 0o777 == 0o600
    process = start("db", "backup", tmp_path / "other.db", "--database", database, preparation=open_to_all)
    finish(process)
    assert (tmp_path / "other.db").stat().st_mode & 0o777 == 0o600


def test_a_check_warns_of_files_that_others_can_read(tmp_path: Path, database: str) -> None:
    rowen("organizations", "create", "default", "--database", database)
    path = Path(database.removeprefix("sqlite:///"))
    assert rowen("db", "check", "--database", database).stderr == ""
    path.chmod(0o644)
    os.link(path, tmp_path / "second.db")
    done = rowen("db", "check", "--database", database)
    assert done.stdout == "ok\n"
    assert done.stderr.splitlines() == [
        f"warning: {path} can be used by other users (mode 0644): chmod 600",
        f"warning: {path} has another name, too: a process that opens it by that name damages it",
    ]


def test_a_check_finds_a_log_that_was_overwritten(tmp_path: Path, database: str) -> None:
    rowen("organizations", "create", "default", "--database", database)
    path = Path(database.removeprefix("sqlite:///"))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE organizations SET time_zone = 'Europe/Lisbon'")
        connection.commit()
        copy = shutil.copy(path, tmp_path / "other.db")
        shutil.copy(f"{path}-wal", f"{copy}-wal")
    with Path(f"{copy}-wal").open("r+b") as log:
        log.write(bytes(32))
    done = rowen("db", "check", "--database", f"sqlite:///{copy}", status=1)
    assert f"{copy}-wal is not a write-ahead log: it was overwritten or cut short" in done.stdout


def test_copies_are_whole_while_the_database_is_served_and_written(tmp_path: Path, database: str) -> None:
    """Each copy contains complete batches, in order, and nothing of a batch that was being written."""
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


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (":memory:", "a database in memory ends with the process"),
        ("file::memory:?cache=shared", "a database in memory ends with the process"),
        ("file:rowen.db?mode=ro", "a database in memory ends with the process"),
        ("rowen.db?mode=ro", "without options after ?"),
        (" ", "must look like"),
        ("/", "is a folder"),
        (".", "is a folder"),
        ("none/", "is a folder"),
        ("/dev/null", "is a device, a pipe or a socket"),
        ("/dev/stdin", "is a device, a pipe or a socket"),
    ],
)
@pytest.mark.parametrize("command", [("serve",), ("db", "upgrade"), ("import", "-")], ids=lambda each: each[0])
def test_paths_that_are_not_files(tmp_path: Path, name: str, reason: str, command: tuple[str, ...]) -> None:
    done = rowen(*command, "--database", f"sqlite:///{name}", cwd=tmp_path, status=2)
    said = " ".join(done.stderr.replace("│", "").split())
    assert reason in said
    assert "--database" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["rowen.db", "sqlite://", "sqlite:///", "mysql://localhost/rowen"])
def test_invalid_database_addresses(tmp_path: Path, url: str) -> None:
    done = rowen("db", "upgrade", "--database", url, cwd=tmp_path, status=2)
    assert "must look like" in done.stderr
    assert list(tmp_path.iterdir()) == []
