"""`rowen keys`: keys are shown once, listed without themselves, and revoked at once."""

import os
import pty
import re
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from rowen.app.keys import GROUPS, PERMISSIONS, READ_ONLY, overview
from rowen.demo.key import DEMO_KEY
from tests.support.command import ROWEN, environment, rowen
from tests.support.server import serving

COLUMNS = ["organization", "name", "prefix", "permissions", "rate limit", "created", "last used", "revoked"]


@pytest.fixture
def made(database: str) -> str:
    """Return a database with the organization `default`."""
    rowen("organizations", "create", "default", "--database", database)
    return database


def listed(database: str) -> list[dict[str, str]]:
    header, *rows = rowen("keys", "list", "--database", database).stdout.splitlines()
    assert header.split("\t") == COLUMNS
    return [dict(zip(COLUMNS, row.split("\t"), strict=True)) for row in rows]


def test_only_the_key_is_printed_and_only_once(made: str) -> None:
    done = rowen("keys", "create", "warehouse", "--database", made)
    key = done.stdout.removesuffix("\n")
    assert re.fullmatch("rowen_[0-9a-f]{40}", key)
    assert done.stderr == ""
    listing = rowen("keys", "list", "--database", made).stdout
    assert key not in listing
    with closing(sqlite3.connect(made.removeprefix("sqlite:///"))) as connection:
        assert key.encode() not in connection.serialize()


def test_a_key_is_listed_used_and_revoked(made: str) -> None:
    key = rowen(
        *("keys", "create", "calendar", "--allow", "scheduled_interviews:list", "--rate-limit", "50"),
        *("--database", made),
    ).stdout.strip()
    rowen("keys", "create", "everything", "--database", made)
    calendar, everything = listed(made)
    assert (calendar["organization"], calendar["name"], calendar["rate limit"]) == ("default", "calendar", "50")
    assert calendar["permissions"] == "scheduled_interviews:list"
    assert calendar["prefix"] == key[:12] + "…"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", calendar["created"])
    assert (calendar["last used"], calendar["revoked"]) == ("never", "")
    assert everything["rate limit"] == "server's"
    assert everything["permissions"] == "everything"
    with serving(made) as server:
        with server.client(key) as client:
            answer = client.get("/v1/scheduled_interviews")
            assert (answer.status_code, answer.headers["X-RateLimit-Limit"]) == (200, "50")
            assert client.get("/v1/scheduled_interviews/1").status_code == 403
            done = rowen("keys", "revoke", "calendar", "--database", made)
            assert done.stderr == "Key calendar revoked.\n"
            assert client.get("/v1/scheduled_interviews").status_code == 401
        server.stop()
        assert key not in "".join(server.log)
    calendar, _ = listed(made)
    assert calendar["last used"] > calendar["created"]
    assert calendar["revoked"] > calendar["created"]


def test_what_is_refused(made: str) -> None:
    rowen("keys", "create", "once", "--database", made)
    refused = {
        ("create", "once"): "rowen: there is a key 'once' already, in force or revoked: choose another name\n",
        ("create", "x", "--allow", "everything"): "rowen: --allow has no permission 'everything'. "
        f"There are {overview()}\n",
        ("create", "x", "--organization", "nowhere"): "rowen: there is no organization 'nowhere', only 'default'. "
        "`rowen organizations create 'nowhere'` creates it\n",
        ("create", "x", "--organization", "Defualt"): "rowen: there is no organization 'Defualt'. Did you mean "
        "'default'? `rowen organizations create 'Defualt'` creates it\n",
        ("revoke", "never"): "rowen: organization 'default' has no key 'never', only 'once'\n",
        ("show", "onec"): "rowen: organization 'default' has no key 'onec'. Did you mean 'once'?\n",
    }
    for arguments, message in refused.items():
        assert rowen("keys", *arguments, "--database", made, status=1).stderr == message
    for arguments in (("create", "x", "--rate-limit", "-1"), ("create", "a\nb"), ("create", "")):
        assert "Usage: " in rowen("keys", *arguments, "--database", made, status=2).stderr
    assert [each["name"] for each in listed(made)] == ["once"]


def test_a_revoked_key_is_not_revoked_again(made: str) -> None:
    rowen("keys", "create", "old", "--database", made)
    rowen("keys", "revoke", "old", "--database", made)
    again = rowen("keys", "revoke", "old", "--database", made, status=1).stderr
    assert re.match(r"rowen: key 'old' of organization 'default' was revoked on \d{4}-\d\d-\d\dT", again)


def test_a_key_of_another_organization_is_pointed_at(made: str) -> None:
    rowen("organizations", "create", "lisbon", "--database", made)
    rowen("keys", "create", "calendar", "--organization", "lisbon", "--database", made)
    done = rowen("keys", "revoke", "calendar", "--database", made, status=1)
    assert done.stderr == "rowen: organization 'default' has no key 'calendar', but 'lisbon' does\n"


# --- permissions


def test_a_read_only_key_takes_one_option(made: str) -> None:
    key = rowen("keys", "create", "reader", "--read-only", "--database", made).stdout.strip()
    (reader,) = listed(made)
    assert reader["permissions"] == "read-only"
    with serving(made) as server, server.client(key) as client:
        for path in ("scheduled_interviews", "users", "applications", "job_stages", "scorecards"):
            assert client.get(f"/v1/{path}").status_code == 200
        assert client.get("/rowen/v1/changes").status_code == 200
        assert client.get("/rowen/v1/conflicts").status_code == 200
        assert client.get("/rowen/v1/webhooks").status_code == 403
        assert client.post("/v2/scheduled_interviews", json={}).status_code == 403


def test_read_only_does_not_go_with_permissions(made: str) -> None:
    done = rowen(
        *("keys", "create", "x", "--read-only", "--allow", "webhooks:*", "--database", made),
        status=2,
    )
    assert "--read-only" in done.stderr
    assert listed(made) == []


def test_every_reading_permission_but_those_of_webhooks_and_busy_times_is_read_only() -> None:
    acts = {"create", "update", "delete", "disable", "enable", "test", "rotate", "force", "find"}
    writing = {name for name in PERMISSIONS if name.split(":")[1] in acts}
    secret = {name for name in PERMISSIONS if name.startswith(("webhooks:", "busy:"))}
    assert PERMISSIONS.keys() - writing - secret == READ_ONLY
    assert len(READ_ONLY) >= 13


@pytest.mark.parametrize("group", sorted(GROUPS))
def test_a_group_is_all_permissions_about_one_thing(made: str, group: str) -> None:
    rowen("keys", "create", "x", "--allow", group, "--database", made)
    (listing,) = listed(made)
    resource = group.removesuffix("*")
    every = [name for name in PERMISSIONS if name.startswith(resource)]
    assert listing["permissions"] == (group if len(every) > 1 else every[0])
    shown = rowen("keys", "show", "x", "--database", made).stdout
    assert f"\t{resource} {', '.join(name.removeprefix(resource) for name in every)}\n" in shown


def test_a_misspelt_permission_is_suggested(made: str) -> None:
    for given, meant in (("scheduled_interview:list", "scheduled_interviews:list"), ("user:*", "users:*")):
        done = rowen("keys", "create", "x", "--allow", given, "--database", made, status=1)
        assert f"--allow has no permission '{given}' (did you mean {meant}?)" in done.stderr
    assert listed(made) == []


def test_a_key_takes_two_lines_of_a_terminal_at_most(made: str) -> None:
    rowen("keys", "create", "warehouse", "--database", made)
    rowen("keys", "create", "reader", "--read-only", "--rate-limit", "50", "--database", made)
    mixed = ("--allow", "scheduled_interviews:*", "--allow", "users:list", "--allow", "webhooks:test")
    rowen("keys", "create", "calendar", *mixed, "--database", made)
    rowen("keys", "create", "one", "--allow", "scheduled_interviews:list", "--database", made)
    rowen("keys", "revoke", "one", "--database", made)
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*ROWEN, "keys", "list", "--database", made],
        stdout=theirs,
        env=environment({"TERM": "dumb", "COLUMNS": "80"}),
    ) as process:
        os.close(theirs)
        drawn = ""
        try:
            while block := os.read(ours, 65_536):
                drawn += block.decode()
        except OSError:  # Linux reports in this way that the terminal was closed
            pass
        os.close(ours)
        assert process.wait(60) == 0
    _, _, rows = drawn.partition("─\r\n")
    assert len(rows.split("\r\n")) <= 2 * 4, drawn
    assert max(map(len, drawn.splitlines())) <= 80
    assert re.search(r"organization +name +prefix +permissions +limit +created +last used", drawn)
    for word in (
        "everything",
        "read-only",
        f"9 of {len(PERMISSIONS)}",
        f"1 of {len(PERMISSIONS)}",
        "warehouse",
        "calendar",
        "never",
        "server's",
    ):
        assert word in drawn


# --- keys of another system

OLD = "5bfd1c0ae1e4471f9d8e7c60ab35f2d4-1"


def test_a_key_that_clients_have_is_kept_and_never_shown(made: str) -> None:
    done = rowen("keys", "create", "old", "--stdin", "--read-only", "--database", made, stdin=f"{OLD}\r\n".encode())
    assert (done.stdout, done.stderr) == ("", "Key old stored: clients can go on using it.\n")
    (listing,) = listed(made)
    assert (listing["prefix"], listing["permissions"]) == ("5bfd…", "read-only")
    with serving(made) as server:
        with server.client(OLD) as client:
            assert client.get("/v1/scheduled_interviews").status_code == 200
        with server.client(OLD[:-1]) as client:
            assert client.get("/v1/scheduled_interviews").status_code == 401
        server.stop()
        assert OLD not in "".join(server.log)
    with closing(sqlite3.connect(made.removeprefix("sqlite:///"))) as connection:
        assert OLD[5:].encode() not in connection.serialize()


def test_a_key_is_stored_once(made: str) -> None:
    rowen("organizations", "create", "lisbon", "--database", made)
    rowen("keys", "create", "old", "--stdin", "--database", made, stdin=OLD.encode())
    for options, where in ((), "as 'old'"), (("--organization", "lisbon"), "in another organization"):
        for _ in range(2):  # valid, and revoked
            done = rowen(
                *("keys", "create", "again", "--stdin", *options, "--database", made), stdin=OLD.encode(), status=1
            )
            assert done.stderr == f"rowen: this key is stored already {where}, in force or revoked: use another key\n"
            rowen("keys", "revoke", "old", "--database", made, status=1 if options or _ else 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"short", "must have at least 24 characters (it has 5)"),
        (b"a" * 40, "must have at least 8 different characters (it has 1)"),
        (b"0d13f8a27b" * 4, "must not be a shorter text repeated"),
        (b"abcdefghijklmnopqrstuvwxyz0123456789", "must be random, not a sequence"),
        (OLD.encode() + b"\n" + OLD.encode(), "must be one line of printable ASCII characters"),
        (OLD.encode() + b"\0", "must be one line of printable ASCII characters"),
        ("größe".encode() + OLD.encode(), "must be one line of printable ASCII characters"),
        (b"\xff" * 40, "must be one line of printable ASCII characters"),
        (b" " + OLD.encode(), "must not contain spaces"),
        (OLD.encode() + b":", "must not contain colons"),
        (OLD.encode() * 8, "must have at most 255 characters"),
        (OLD.encode() * 1_000, "must have at most 255 characters"),
        (DEMO_KEY.encode(), "rowen: this key is public: the documentation prints it\n"),
    ],
    ids=lambda value: value[:12].hex() if isinstance(value, bytes) else None,
)
def test_a_text_that_is_no_key_is_refused_and_not_echoed(made: str, text: bytes, message: str) -> None:
    done = rowen("keys", "create", "old", "--stdin", "--database", made, stdin=text, status=1)
    assert done.stderr == (message if message.startswith("rowen: ") else f"rowen: the key {message}\n")
    assert listed(made) == []


def test_a_key_is_not_typed_on_a_terminal_that_shows_it(made: str) -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*ROWEN, "keys", "create", "old", "--stdin", "--database", made],
        stdin=theirs,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as process:
        os.close(theirs)
        _, errors = process.communicate(timeout=60)
        os.close(ours)
    assert process.returncode == 2
    assert "a terminal would show it" in " ".join(errors.replace("│", " ").split())
    assert listed(made) == []


def test_a_database_is_not_made_by_the_way(tmp_path: Path) -> None:
    for command in (("create", "x"), ("list",), ("show", "x"), ("revoke", "x")):
        done = rowen("keys", *command, cwd=tmp_path, status=1)
        assert done.stderr == (
            f"rowen: there is no database {tmp_path}/rowen.db: `rowen serve` or `rowen import` creates one\n"
        )
    assert list(tmp_path.iterdir()) == []
