"""Disks that are full, and files that cannot be written, are damaged, foreign or too new.

A command fails with one sentence; a server returns 503 and recovers by itself.
"""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import httpx
import msgspec
import pytest

from rowen.store.schema.tables import SCHEMA_VERSION
from tests.support.command import rowen
from tests.support.processes import (
    IMPATIENT_IMPORT,
    WRITING,
    examine,
    finish,
    one_sentence,
    script,
    start,
    with_room_for,
    without_rights,
)
from tests.support.programs import quiet_port
from tests.support.records import canonical, record, write_json_lines
from tests.support.server import Server, basic, serving
from tests.support.sound_database import LAST_PAGE, RECORDS

MEBIBYTE: Final = 1024 * 1024


# --- no room


def test_a_stream_fills_the_disk(small_disk: Path, tmp_path: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=3m", small_disk], check=True)  # the tables alone take one
    path = small_disk / "rowen.db"
    database = f"sqlite:///{path}"
    source = write_json_lines(tmp_path / "records.jsonl", RECORDS)
    with source.open("rb") as stream:
        process = start("100", "import", "-", "--database", database, command=script(IMPATIENT_IMPORT), stdin=stream)  # type: ignore[arg-type]
        assert one_sentence(finish(process, status=1)) == f"rowen: database {path}: the disk is full"
    found = examine(path, tmp_path)
    assert found.faults == []
    assert 0 < found.counted == len(found.documents) < len(RECORDS)
    subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
    rowen("import", source, "--database", database)
    assert rowen("db", "check", "--database", database).stdout == "ok\n"
    assert examine(path, tmp_path).counted == len(RECORDS)


def test_a_file_that_has_no_room_to_be_checked_leaves_no_trace(small_disk: Path, tmp_path: Path) -> None:
    source = write_json_lines(tmp_path / "records.jsonl", RECORDS * 2)
    done = rowen("import", source, "--database", f"sqlite:///{small_disk / 'rowen.db'}", status=1)
    assert one_sentence(done.stderr) == (
        f"rowen: {small_disk}: checked records cannot be stored here: No space left on device"
    )
    assert list(small_disk.iterdir()) == []


def test_no_room_for_a_new_database(small_disk: Path) -> None:
    (small_disk / "junk").write_bytes(bytes(2 * MEBIBYTE))
    database = f"sqlite:///{small_disk / 'rowen.db'}"
    done = rowen("serve", "--database", database, "--port", str(quiet_port()), status=1)
    assert one_sentence(done.stderr) == f"rowen: database {small_disk / 'rowen.db'}: the disk is full"


def test_a_disk_that_fills_up_under_a_server_stops_no_reading(
    small_disk: Path, filled: tuple[Path, str], tmp_path: Path
) -> None:
    subprocess.run(["mount", "-o", "remount,size=16m", small_disk], check=True)
    path = Path(shutil.copy(filled[0], small_disk / "rowen.db"))
    with serving(f"sqlite:///{path}") as server, server.client(filled[1]) as client:
        assert client.get("/v1/scheduled_interviews").status_code == 200
        with pytest.raises(OSError, match="No space left"), (small_disk / "junk").open("wb", buffering=0) as junk:
            while True:
                junk.write(bytes(65_536))
        last = client.get("/v1/scheduled_interviews?per_page=500&page=4")
        assert last.content == LAST_PAGE
        assert client.get("/readyz").status_code == 200
        assert server.stop() == 0
    assert any("the disk is full" in line and "use of keys not recorded" in line for line in server.log)
    (small_disk / "junk").unlink()
    assert examine(path, tmp_path).faults == []


def test_a_write_that_the_system_refuses(copied: tuple[Path, str], tmp_path: Path) -> None:
    path, _ = copied
    more = [record(identifier) for identifier in range(5_001, 12_001)]
    with write_json_lines(tmp_path / "more.jsonl", more).open("rb") as stream:
        process = start(
            "import", "-", "--database", f"sqlite:///{path}",
            preparation=with_room_for(path.stat().st_size), stdin=stream,  # type: ignore[arg-type]
        )  # fmt: skip
        assert one_sentence(finish(process, status=1)) == f"rowen: database {path}: the disk reports an error"
    found = examine(path, tmp_path)
    assert found.faults == []
    assert set(found.documents) >= {each["id"] for each in RECORDS}


# --- no permission


@contextmanager
def read_only(*paths: Path) -> Iterator[None]:
    """Remove the permission to write."""
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        yield
    finally:
        for path in paths:
            path.chmod(0o755 if path.is_dir() else 0o644)


@pytest.mark.parametrize("command", WRITING)
@pytest.mark.parametrize("whole_folder", [False, True], ids=["file", "folder"])
def test_a_database_that_cannot_be_written(copied: tuple[Path, str], command: str, whole_folder: bool) -> None:
    path, _ = copied
    before = path.read_bytes()
    with read_only(path, *([path.parent] if whole_folder else [])):
        process = start(
            *WRITING[command], "--database", f"sqlite:///{path}",
            preparation=without_rights, stdin=subprocess.PIPE, cwd=path.parent,
        )  # fmt: skip
        assert process.stdin is not None
        process.stdin.write(canonical(record(9_999)).decode())
        said = one_sentence(finish(process, status=1))
    assert said == f"rowen: database {path}: the file or its folder cannot be written"
    assert path.read_bytes() == before


def test_a_database_that_cannot_be_read(copied: tuple[Path, str]) -> None:
    path, _ = copied
    path.chmod(0)
    process = start("serve", "--port", str(quiet_port()), "--database", f"sqlite:///{path}", preparation=without_rights)
    assert one_sentence(finish(process, status=1)) == f"rowen: database {path}: the file cannot be opened"


def test_a_folder_that_cannot_be_entered(copied: tuple[Path, str]) -> None:
    path, _ = copied
    path.parent.chmod(0)
    try:
        process = start("import", "-", "--database", f"sqlite:///{path}", preparation=without_rights)
        assert "Permission denied" in one_sentence(finish(process, status=1))
    finally:
        path.parent.chmod(0o755)


def test_a_folder_that_takes_no_new_database(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    with read_only(folder):
        process = start(
            "serve",
            "--port",
            str(quiet_port()),
            "--database",
            f"sqlite:///{folder}/rowen.db",
            preparation=without_rights,
        )
        assert one_sentence(finish(process, status=1)) == f"rowen: database {folder}/rowen.db: Permission denied"
    assert list(folder.iterdir()) == []


# --- not a database of Rowen's


def scribble(path: Path) -> None:
    """Overwrite every page except those that describe the tables."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4 * 16_384)
        file.write(b"\xa5" * (size - file.tell()))


def no_database(path: Path) -> None:
    path.write_bytes(b"Dear Kate,\n" * 10_000)


def cut_short(path: Path) -> None:
    os.truncate(path, 20_000)


def foreign(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE songs (title)")


def newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")


FOREIGN: Final[dict[Callable[[Path], None], str]] = {
    no_database: "the file is not a SQLite database",
    foreign: "belongs to another program",
    newer: (
        f"was made by a newer Rowen (its schema is 9999, and this one knows up to {SCHEMA_VERSION}): "
        "install that version"
    ),
    cut_short: "the file is damaged: restore a backup",
}
COMMANDS: Final = (
    ("serve", "--port", str(quiet_port())),
    ("import", "-"),
    ("db", "check"),
    ("export",),
    ("keys", "list"),
    ("db", "backup", "copy.db"),
    ("db", "upgrade"),
)


@pytest.mark.parametrize("hurt", FOREIGN, ids=lambda hurt: hurt.__name__)
def test_a_file_that_is_no_database_of_ours(copied: tuple[Path, str], hurt: Callable[[Path], None]) -> None:
    path, _ = copied
    hurt(path)
    before = path.read_bytes()
    for command in COMMANDS if hurt is newer else COMMANDS[:3]:
        done = rowen(*command, "--database", f"sqlite:///{path}", cwd=path.parent, status=1)
        assert one_sentence(done.stderr) == f"rowen: database {path}: {FOREIGN[hurt]}", command
        assert path.read_bytes() == before
    assert not (path.parent / "copy.db").exists()


def test_damage_inside_is_found(copied: tuple[Path, str], tmp_path: Path) -> None:
    path, _ = copied
    scribble(path)
    database = f"sqlite:///{path}"
    done = rowen("db", "check", "--database", database, status=1)
    assert done.stdout or one_sentence(done.stderr)
    output = tmp_path / "export.jsonl"
    done = rowen("export", "--output", output, "--database", database, status=1)
    assert one_sentence(done.stderr) == f"rowen: database {path}: the file is damaged: restore a backup"
    assert not output.exists()


def test_a_ledger_or_a_document_that_lies_is_found(copied: tuple[Path, str]) -> None:
    path, _ = copied
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE organizations SET interview_count = 7")
        connection.execute("UPDATE scheduled_interviews SET document = ? WHERE id = 1", [canonical(record(2))])
    done = rowen("db", "check", "--database", f"sqlite:///{path}", status=1)
    assert done.stdout.splitlines() == [
        "organization default: its ledger counts 7 interviews, but it has 2000",
        "interview 1 of organization 1: its document does not match its row",
    ]


# --- while serving


def mend_in_place(path: Path, good: bytes) -> None:
    path.write_bytes(good)


def mend_by_replacing(path: Path, good: bytes) -> None:
    restored = path.with_name("restored.db")
    restored.write_bytes(good)
    for suffix in ("-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    restored.rename(path)


def unavailable(answer: httpx.Response) -> str:
    """Require the response of a server whose database fails, without the cause; return the request's id."""
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["Content-Type"] == "application/json;charset=utf-8"
    body = msgspec.json.decode(answer.content, type=dict[str, str])
    request_id = body.pop("request_id")
    assert answer.headers["X-Request-ID"] == request_id
    assert body == {"message": "The schedule is not available right now: try again in a moment"}
    return request_id


def require_causes(server: Server, path: Path, requests: Sequence[str]) -> None:
    """Require that the log of a stopped server has the causes for those requests."""
    for request_id in requests:
        (line,) = [line for line in server.log if request_id in line]
        logged = msgspec.json.decode(line, type=dict[str, str])
        assert logged["level"] == "error"
        assert logged["reason"].startswith(f"database {path}: the file is ")


@pytest.mark.parametrize("mend", [mend_in_place, mend_by_replacing], ids=lambda mend: mend.__name__)
@pytest.mark.parametrize("hurt", [scribble, no_database], ids=lambda hurt: hurt.__name__)
def test_a_server_recovers_by_itself_from_a_damaged_file(
    copied: tuple[Path, str], hurt: Callable[[Path], None], mend: Callable[[Path, bytes], None]
) -> None:
    path, key = copied
    good = path.read_bytes()
    with serving(f"sqlite:///{path}") as server:
        assert httpx.get(f"{server.url}/readyz").status_code == 200
        hurt(path)
        with server.client(key) as client:
            list_ = "/v1/scheduled_interviews?per_page=500&page=4"
            by_date = "/v1/scheduled_interviews?starts_after=2020-01-01"
            paths = (list_, list_, list_, "/v1/scheduled_interviews/2000", by_date)
            failed = [unavailable(client.get(path)) for path in paths]
            assert client.get("/healthz").status_code == 200
            mend(path, good)
            assert client.get(list_).content == LAST_PAGE
            assert client.get("/v1/scheduled_interviews/2000").content == canonical(RECORDS[-1])
            assert client.get("/readyz").status_code == 200
        assert server.stop() == 0
    require_causes(server, path, failed)
    # Written, at the end, to the file at the path and not to the removed one.
    assert "never" not in rowen("keys", "list", "--database", f"sqlite:///{path}").stdout
    assert rowen("db", "check", "--database", f"sqlite:///{path}").stdout == "ok\n"


def test_a_server_whose_file_is_gone_is_not_ready(copied: tuple[Path, str]) -> None:
    path, key = copied
    with serving(f"sqlite:///{path}") as server:
        away = path.rename(path.with_name("away.db"))
        while httpx.get(f"{server.url}/readyz").status_code == 200:
            pass  # it checks four times a second
        assert httpx.get(f"{server.url}/readyz").status_code == 503
        while httpx.get(f"{server.url}/v1/scheduled_interviews", headers=basic(key)).status_code == 200:
            pass  # readers check ten times a second
        assert httpx.get(f"{server.url}/v1/scheduled_interviews", headers=basic(key)).status_code == 503
        assert not path.exists()
        away.rename(path)
        assert httpx.get(f"{server.url}/v1/scheduled_interviews", headers=basic(key)).status_code == 200
