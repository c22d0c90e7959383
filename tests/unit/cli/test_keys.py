"""`rowen keys`: keys are shown once, listed without themselves, and revoked at once."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from rowen.app.keys import PERMISSIONS
from tests.support.command import rowen
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
    assert everything["permissions"].split() == sorted(PERMISSIONS)
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
        (
            "create",
            "x",
            "--allow",
            "everything",
        ): f"rowen: allow must be one of {', '.join(PERMISSIONS)} (everything)\n",
        ("create", "x", "--organization", "nowhere"): "rowen: there is no organization 'nowhere': "
        "`rowen organizations create 'nowhere'` makes it\n",
        ("revoke", "never"): "rowen: organization 'default' has no key 'never' in force\n",
    }
    for arguments, message in refused.items():
        assert rowen("keys", *arguments, "--database", made, status=1).stderr == message
    for arguments in (("create", "x", "--rate-limit", "-1"), ("create", "a\nb"), ("create", "")):
        assert "Usage: " in rowen("keys", *arguments, "--database", made, status=2).stderr
    assert [each["name"] for each in listed(made)] == ["once"]


def test_a_database_is_not_made_by_the_way(tmp_path: Path) -> None:
    for command in (("create", "x"), ("list",), ("revoke", "x")):
        done = rowen("keys", *command, cwd=tmp_path, status=1)
        assert done.stderr == "rowen: there is no database rowen.db: `rowen serve` or `rowen import` makes one\n"
    assert list(tmp_path.iterdir()) == []
