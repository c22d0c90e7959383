"""`rowen mirror`: once, its status, its end, and what it refuses."""

import asyncio
import os
import signal
import threading
from pathlib import Path

import pytest

from rowen.store.database import locate, open_engine
from tests.support import v3_account
from tests.support.command import begin, environment, rowen
from tests.support.mirroring import mirror_command
from tests.support.v3_upstream import CLIENT_SECRET, V3Upstream, v3_upstream


def status_of(database: str) -> dict[str, str]:
    """Return the first table of `rowen mirror status`."""
    lines = rowen("mirror", "status", "--database", database).stdout.splitlines()
    return dict(line.split("\t") for line in lines if line.count("\t") == 1)


def test_once_reads_everything_and_the_status_shows_it(upstream: V3Upstream, tmp_path: Path, database: str) -> None:
    command = mirror_command(upstream, tmp_path, database)
    done = rowen(*command, "--once")
    assert '"written": 9' in done.stderr or "written=9" in done.stderr
    found = status_of(database)
    assert (found["account"], found["state"], found["last error"]) == (upstream.base, "following", "")
    assert (found["rows that were new or had changed"], found["records written"]) == ("32", "9")
    assert found["requests"] == str(len(upstream.asked))
    assert found["interviews without v1 form: status that v1 lacks"] == "1"
    assert len(rowen("export", "--database", database).stdout.splitlines()) == 2
    assert rowen("db", "check", "--database", database).stdout == "ok\n"
    upstream.put("users", v3_account.user(2003, "Eve"))
    rowen(*command, "--once")
    assert status_of(database)["records written"] == "10"
    idle = rowen(*command, "--once")
    assert idle.stderr.splitlines()[-1] == "Read all changes; `rowen mirror status` shows what came of them."
    rowen("mirror", "end", "--database", database)
    rowen("mirror", "status", "--database", database, status=1)


def test_no_secret_is_stored_or_shown(upstream: V3Upstream, tmp_path: Path, database: str) -> None:
    command = mirror_command(upstream, tmp_path, database)
    done = rowen(*command, "--once")
    assert CLIENT_SECRET not in " ".join(command)
    (token,) = upstream.valid
    (tmp_path / "secret").unlink()
    stored = b"".join(each.read_bytes() for each in tmp_path.iterdir() if each.is_file())
    for secret in (CLIENT_SECRET, token):
        assert secret not in done.stdout + done.stderr
        assert secret.encode() not in stored


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (("--from", "http://harvest.example.com/v3"), "plain http"),
        (("--token-url", "http://auth.example.com/token"), "plain http"),
        (("--organization", "nowhere"), "there is no organization"),
    ],
)
def test_what_cannot_be_mirrored_is_refused(
    upstream: V3Upstream, tmp_path: Path, database: str, changed: tuple[str, str], message: str
) -> None:
    done = rowen(*mirror_command(upstream, tmp_path, database), *changed, "--once", status=1)
    assert message in done.stderr
    assert upstream.asked == []


@pytest.mark.parametrize("content", ["", "two words", "two\nlines"])
def test_the_file_of_the_secret_holds_one_line(
    upstream: V3Upstream, tmp_path: Path, database: str, content: str
) -> None:
    command = mirror_command(upstream, tmp_path, database)
    (tmp_path / "secret").write_text(content)
    assert "must hold one line" in rowen(*command, "--once", status=2).stderr


@pytest.mark.parametrize("missing", ["--from", "--client-id", "--client-secret-file"])
def test_what_is_needed_is_asked_for(upstream: V3Upstream, tmp_path: Path, database: str, missing: str) -> None:
    command = mirror_command(upstream, tmp_path, database)
    place = command.index(missing)
    assert missing in rowen(*command[:place], *command[place + 2 :], "--once", status=2).stderr


def test_everything_that_is_needed_is_asked_for_at_once() -> None:
    shown = " ".join(rowen("mirror", status=2).stderr.split())
    assert "--from, --client-id, --client-secret-file: are required" in shown


def test_a_wrong_secret_ends_the_command(upstream: V3Upstream, tmp_path: Path, database: str) -> None:
    upstream.secret = "another"
    done = rowen(*mirror_command(upstream, tmp_path, database), status=1)
    assert "gives no token for this client id and secret: 401" in done.stderr
    assert "gives no token" in status_of(database)["last error"]


def test_an_organization_mirrors_one_account(upstream: V3Upstream, tmp_path: Path, database: str) -> None:
    rowen(*mirror_command(upstream, tmp_path, database), "--once")
    with v3_upstream() as other:
        done = rowen(*mirror_command(other, tmp_path, database), "--once", status=1)
    assert f"is the mirror of {upstream.base}" in done.stderr


def test_one_process_mirrors_an_organization(upstream: V3Upstream, tmp_path: Path, database: str) -> None:
    command = mirror_command(upstream, tmp_path, database)
    rowen(*command, "--once")

    async def lead() -> None:
        engine = open_engine(locate(database))
        assert await engine.try_lead("mirror-1")
        done = await asyncio.to_thread(rowen, *command, "--once", status=1)
        assert "another process mirrors organization 'default' right now" in done.stderr
        await engine.close()

    asyncio.run(lead())
    rowen(*command, "--once")


def test_ctrl_c_ends_it_between_rounds(upstream: V3Upstream, tmp_path: Path, database: str) -> None:
    rounds = threading.Event()
    last = "/v3/users?per_page=500&updated_at"
    upstream.before = lambda _: rounds.set() if upstream.asked[-1].startswith(last) else None
    process, output = begin(*mirror_command(upstream, tmp_path, database), "--every", "3600", known=environment())
    with output:
        assert rounds.wait(60)
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(60) == 130
        assert "Interrupted. Everything written is complete" in output.read()
    rowen(*mirror_command(upstream, tmp_path, database), "--once")
    assert len(rowen("export", "--database", database).stdout.splitlines()) == 2


def test_ctrl_c_ends_it_while_the_account_is_silent(upstream: V3Upstream, tmp_path: Path, database: str) -> None:
    asked, released = threading.Event(), threading.Event()

    def be_silent(count: int) -> None:
        if count == 3:
            asked.set()
            released.wait(60)

    upstream.before = be_silent
    process, output = begin(*mirror_command(upstream, tmp_path, database), known=environment())
    with output:
        try:
            assert asked.wait(60)
            os.kill(process.pid, signal.SIGINT)
            assert process.wait(60) == 130
            assert "Traceback" not in output.read()
        finally:
            released.set()
    rowen(*mirror_command(upstream, tmp_path, database), "--once")
    assert len(rowen("export", "--database", database).stdout.splitlines()) == 2
