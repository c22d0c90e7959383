"""Only their owner can read files with personal data, whatever the umask, and whatever file was there before."""

import json
import os
import stat
from pathlib import Path

import pytest

from tests.support.command import rowen
from tests.support.processes import finish, start
from tests.support.records import canonical, record, write_json_lines

UMASKS = pytest.mark.parametrize("umask", [0o000, 0o022, 0o777], ids=oct)


def run(*arguments: str | Path, umask: int, cwd: Path) -> None:
    """Run a command in a process with another umask."""

    def set_umask() -> None:
        os.umask(umask)

    finish(start(*arguments, preparation=set_umask, cwd=cwd))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def prepare(path: Path, before: str, other: Path) -> None:
    """Put something where a file will be written."""
    if before == "a readable file":
        path.write_text("old")
        path.chmod(0o666)
    elif before == "a link":
        other.write_text("not ours")
        path.symlink_to(other)


@UMASKS
@pytest.mark.parametrize("before", ["nothing", "a readable file", "a link"])
def test_rejected_records_are_private(tmp_path: Path, database: str, umask: int, before: str) -> None:
    rejected, other = tmp_path / "rejected.jsonl", tmp_path / "other"
    prepare(rejected, before, other)
    source = write_json_lines(tmp_path / "records.jsonl", [record(1, status="lost")])
    rowen("organizations", "create", "default", "--database", database)
    run("import", source, "--keep-going", "--database", database, umask=umask, cwd=tmp_path)
    assert mode(rejected) == 0o600
    assert not rejected.is_symlink()
    assert json.loads(rejected.read_bytes())["record"]["id"] == 1
    if before == "a link":
        assert other.read_text() == "not ours"


@UMASKS
@pytest.mark.parametrize("before", ["nothing", "a readable file"])
def test_an_export_is_private(tmp_path: Path, database: str, umask: int, before: str) -> None:
    source = write_json_lines(tmp_path / "records.jsonl", [record(1)])
    rowen("import", source, "--database", database)
    exported = tmp_path / "export.jsonl"
    prepare(exported, before, tmp_path / "other")
    run("export", "--output", exported, "--database", database, umask=umask, cwd=tmp_path)
    assert mode(exported) == 0o600
    assert exported.read_bytes() == canonical(record(1)) + b"\n"


def test_a_rejected_record_of_several_lines_is_one_line(tmp_path: Path, database: str) -> None:
    source = tmp_path / "records.json"
    bad = record(1, status="lost")
    source.write_text(json.dumps([bad, bad], indent=2).replace("\n", "\r\n"))
    rowen("import", source, "--keep-going", "--database", database, cwd=tmp_path)
    lines = (tmp_path / "rejected.jsonl").read_bytes().splitlines()
    assert [json.loads(each)["record"] for each in lines] == [bad, bad]


def test_nothing_is_left_where_the_rejected_records_cannot_take_their_name(tmp_path: Path, database: str) -> None:
    (tmp_path / "rejected.jsonl").mkdir()
    rowen("import", "-", "--keep-going", "--database", database, cwd=tmp_path, stdin=b"{}\n", status=1)
    assert not [each.name for each in tmp_path.iterdir() if each.name.endswith(".partial")]
