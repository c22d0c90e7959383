"""`rowen follow`, as a user runs it: a database or a server, lines or entries, until Ctrl-C."""

import json
import os
import pty
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from rowen.interviews.changes import Kind
from rowen.interviews.moments import Instant
from tests.support.command import ROWEN, environment, rowen
from tests.support.harness import FakeClock, Harness, SampleChange, Tenant, opened
from tests.support.server import serving

CREATED = SampleChange(
    Kind.CREATED,
    7,
    b'{"id":7,"start":{"date_time":"2024-06-03T09:00:00.000Z"},"interview":{"id":1,"name":"Culture Fit"}}',
)
LINE = re.compile(r"12:00:00  Jack Shepard scheduled interview 7 \(Culture Fit\), Mon 03 Jun 09:00")


@pytest.fixture
def tenant(database: str) -> Iterator[Tenant]:
    """Return an organization in which everything happens at twelve o'clock."""
    with opened(database, FakeClock(Instant.parse("2024-06-01T12:00:00.000Z"))) as harness:
        yield harness.tenant("default")


@contextmanager
def follower(*arguments: str, **variables: str) -> Iterator["subprocess.Popen[str]"]:
    """Run the command until the end of the block."""
    with subprocess.Popen(
        [*ROWEN, "follow", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment({"TZ": "UTC", **variables}),
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def line(process: "subprocess.Popen[str]") -> str:
    """Wait for a line."""
    assert process.stdout is not None
    found = process.stdout.readline()
    assert found, process.stderr.read() if process.stderr else ""
    return found.rstrip("\n")


def test_a_database_is_followed_until_ctrl_c(database: str, tenant: Tenant) -> None:
    tenant.log_changes(CREATED)
    with follower("--database", database, "--after", "0") as process:
        assert line(process) == "Saturday 01 June 2024"
        assert LINE.fullmatch(line(process))
        tenant.log_changes(SampleChange(Kind.CANCELLED, 7))
        assert line(process) == "12:00:00  Jack Shepard cancelled interview 7"
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_entries_come_as_they_are(database: str, tenant: Tenant) -> None:
    tenant.log_changes(CREATED)
    with follower("--database", database, "--after", "0", "--json") as process:
        entry = json.loads(line(process))
        assert (entry["revision"], entry["kind"], entry["document"]["id"]) == (1, "created", 7)


def test_a_server_is_followed_across_its_restart(database: str, tenant: Tenant) -> None:
    key = tenant.key
    with serving(database) as server:
        port = str(server.port)
        following = follower("--after", "0", "--json", ROWEN_SERVER=server.url, ROWEN_KEY=key)
        with following as process:
            tenant.log_changes(CREATED)
            assert json.loads(line(process))["revision"] == 1
            server.stop()
            tenant.log_changes(CREATED)
            with subprocess.Popen(
                [*ROWEN, "serve", "--database", database, "--port", port],
                env=environment(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            ) as second:
                try:
                    assert json.loads(line(process))["revision"] == 2, "what was written meanwhile, once"
                    tenant.log_changes(CREATED)
                    assert json.loads(line(process))["revision"] == 3
                finally:
                    second.terminate()
                    second.wait(60)


def test_an_unusable_key_gives_a_clear_message(database: str, tenant: Tenant) -> None:
    weak = tenant.new_key("scheduled_interviews:list")
    with serving(database) as server:
        done = rowen("follow", "--server", server.url, "--key", "secret", status=1)
        assert "does not accept this API key: 401" in done.stderr
        assert "secret" not in done.stderr
        done = rowen("follow", "--server", server.url, "--key", weak, status=1)
        assert "has no permission to follow changes: 403" in done.stderr


def test_a_blank_key_is_a_missing_key() -> None:
    for blank in ("", " ", "\n"):
        done = rowen("follow", "--server", "http://127.0.0.1:9", "--key", blank, status=2)
        assert "is needed with --server" in " ".join(done.stderr.replace("│", " ").split())


def test_missing_options_are_reported(database: str, harness: Harness) -> None:
    assert "there is no organization 'default'" in rowen("follow", "--database", database, status=1).stderr
    assert "ROWEN_KEY" in rowen("follow", "--server", "http://127.0.0.1:9", status=2).stderr
    done = rowen("follow", "--server", "nonsense", "--key", "k", status=1)
    assert "no valid" in done.stderr or "not a valid" in done.stderr


def test_a_reader_that_has_enough_ends_it(database: str, tenant: Tenant) -> None:
    tenant.log_changes(*[CREATED] * 3)
    with follower("--database", database, "--after", "0") as process:
        line(process)
        assert process.stdout is not None
        process.stdout.close()
        tenant.log_changes(*[CREATED] * 3)
        assert process.wait(60) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_a_terminal_gets_colors(database: str, tenant: Tenant) -> None:
    tenant.log_changes(CREATED)
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*ROWEN, "follow", "--database", database, "--after", "0"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment({"TZ": "UTC", "TERM": "xterm-256color"}),
    ) as process:
        os.close(theirs)
        drawn = b""
        while b"09:00" not in drawn:
            drawn += os.read(ours, 65_536)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        os.close(ours)
    assert b"\x1b[" in drawn
    assert LINE.search(re.sub(r"\x1b\[[0-9;]*m", "", drawn.decode()))
