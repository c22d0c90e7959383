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

from rowen.app.ports import Organization
from rowen.interviews.changes import Kind
from tests.support.changes import Chronicler, Happening, chronicling
from tests.support.command import ROWEN, environment, rowen
from tests.support.server import serving

CREATED = Happening(
    Kind.CREATED,
    7,
    b'{"id":7,"start":{"date_time":"2024-06-03T09:00:00.000Z"},"interview":{"id":1,"name":"Culture Fit"}}',
)
LINE = re.compile(r"12:00:00  Jack Shepard scheduled interview 7 \(Culture Fit\), Mon 03 Jun 09:00")


@pytest.fixture
def chronicler(database: str) -> Iterator[Chronicler]:
    with chronicling(database) as opened:
        yield opened


@pytest.fixture
def organization(chronicler: Chronicler) -> Organization:
    return chronicler.new_organization("default")


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


def test_a_database_is_followed_until_ctrl_c(database: str, chronicler: Chronicler, organization: Organization) -> None:
    chronicler.write(organization, CREATED)
    with follower("--database", database, "--after", "0") as process:
        assert line(process) == "Saturday 01 June 2024"
        assert LINE.fullmatch(line(process))
        chronicler.write(organization, Happening(Kind.CANCELLED, 7))
        assert line(process) == "12:00:00  Jack Shepard cancelled interview 7"
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_entries_come_as_they_are(database: str, chronicler: Chronicler, organization: Organization) -> None:
    chronicler.write(organization, CREATED)
    with follower("--database", database, "--after", "0", "--json") as process:
        entry = json.loads(line(process))
        assert (entry["revision"], entry["kind"], entry["document"]["id"]) == (1, "created", 7)


def test_a_server_is_followed_across_its_restart(
    database: str, chronicler: Chronicler, organization: Organization
) -> None:
    key = chronicler.new_key(organization, "follower")
    with serving(database) as server:
        port = str(server.port)
        following = follower("--after", "0", "--json", ROWEN_SERVER=server.url, ROWEN_KEY=key)
        with following as process:
            chronicler.write(organization, CREATED)
            assert json.loads(line(process))["revision"] == 1
            server.stop()
            chronicler.write(organization, CREATED)
            with subprocess.Popen(
                [*ROWEN, "serve", "--database", database, "--port", port],
                env=environment(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            ) as second:
                try:
                    assert json.loads(line(process))["revision"] == 2, "what was written meanwhile, once"
                    chronicler.write(organization, CREATED)
                    assert json.loads(line(process))["revision"] == 3
                finally:
                    second.terminate()
                    second.wait(60)


def test_a_key_that_is_no_use_is_a_clear_message(
    database: str, chronicler: Chronicler, organization: Organization
) -> None:
    weak = chronicler.new_key(organization, "weak", "scheduled_interviews:list")
    with serving(database) as server:
        done = rowen("follow", "--server", server.url, "--key", "secret", status=1)
        assert "does not accept this API key: 401" in done.stderr
        assert "secret" not in done.stderr
        done = rowen("follow", "--server", server.url, "--key", weak, status=1)
        assert "may not follow changes there: 403" in done.stderr


def test_what_is_missing_is_said(database: str, chronicler: Chronicler) -> None:
    assert "there is no organization 'default'" in rowen("follow", "--database", database, status=1).stderr
    assert "ROWEN_KEY" in rowen("follow", "--server", "http://127.0.0.1:9", status=2).stderr
    done = rowen("follow", "--server", "nonsense", "--key", "k", status=1)
    assert "no valid" in done.stderr or "not a valid" in done.stderr


def test_a_reader_that_has_enough_ends_it(database: str, chronicler: Chronicler, organization: Organization) -> None:
    chronicler.write(organization, *[CREATED] * 3)
    with follower("--database", database, "--after", "0") as process:
        line(process)
        assert process.stdout is not None
        process.stdout.close()
        chronicler.write(organization, *[CREATED] * 3)
        assert process.wait(60) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_a_terminal_gets_colors(database: str, chronicler: Chronicler, organization: Organization) -> None:
    chronicler.write(organization, CREATED)
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
