"""`rowen rooms`, `availability`, `pools` and `busy`: what files bring in, and what they get back."""

from pathlib import Path
from typing import Final

import pytest

from rowen.app.rooms import MOST_ROOMS
from tests.support.command import rowen
from tests.support.harness import Tenant
from tests.support.hiring_teams import ADA, GRACE, USERS
from tests.support.sql import fetch

PEOPLE: Final = """\
user,time_zone,monday,tuesday,wednesday,thursday,friday,saturday,sunday,buffer_before,buffer_after,per_day,per_week,\
minimum_notice_minutes,holidays,time_off
ada@team.example,Europe/Berlin,"09:00-12:00, 13:00-17:00",09:00-17:00,,,,,,0,15,3,,120,DE,2031-02-03/2031-02-05
grace@team.example,UTC,,,,,00:00-24:00,,,0,0,,10,0,,
"""
POOLS: Final = """\
pool,user,weight,tags
Backend,ada@team.example,2,"senior, python"
Backend,grace@team.example,1,
Design,grace@team.example,1,
"""
ROOMS: Final = """\
name,site,capacity,features
Attic,Lisbon,6,"video, screen"
Cellar,,,
"""
BUSY: Final = """\
user,source,from,to,url
ada@team.example,google,,,https://calendar.example.com/secret.ics
ada@team.example,script,2031-02-03T09:00:00.000Z,2031-02-03T10:30:00.000Z,
ada@team.example,script,2031-02-04T00:00:00.000Z,2031-02-05T00:00:00.000Z,
grace@team.example,script,,,
"""
FEBRUARY: Final = ("--from", "2031-02-01", "--to", "2031-03-01")


@pytest.fixture
def at(tenant: Tenant) -> tuple[str, ...]:
    """Return the options that name an organization with users."""
    tenant.merge_records("users", USERS)
    return ("--organization", tenant.organization.name, "--database", tenant.harness.database)


def written(folder: Path, text: str) -> Path:
    """Write a file."""
    file = folder / "table.csv"
    file.write_text(text)
    return file


def test_what_was_imported_is_exported(at: tuple[str, ...], tmp_path: Path) -> None:
    assert rowen("availability", "export", *at).stdout.count("\n") == 1
    done = rowen("availability", "import", written(tmp_path, PEOPLE), *at)
    assert done.stderr == "2 people have their availability.\n"
    assert rowen("availability", "export", *at).stdout == PEOPLE
    by_id = PEOPLE.replace("ada@team.example", str(ADA)).replace("120", "60")
    rowen("availability", "import", written(tmp_path, by_id), *at)
    assert rowen("availability", "export", *at).stdout == PEOPLE.replace("120", "60")


def test_pools_are_added_and_replaced(at: tuple[str, ...], tmp_path: Path) -> None:
    assert rowen("pools", "import", written(tmp_path, POOLS), *at).stderr == "2 pools have their members.\n"
    assert rowen("pools", "export", *at).stdout == POOLS
    rowen("pools", "import", written(tmp_path, f"pool,user\nDesign,{ADA}\n"), *at)
    assert rowen("pools", "export", *at).stdout == POOLS.replace("Design,grace@", "Design,ada@")


@pytest.mark.parametrize(
    ("command", "text", "message"),
    [
        ("availability", "user,zone\n", "has no column time_zone"),
        ("availability", "user,time_zone,zone\n", "has a column 'zone' that is not known"),
        ("availability", "user,time_zone\nnobody@x.example,UTC\n", "line 2: user must be the id or e-mail address"),
        ("availability", f"user,time_zone\n{ADA},Berlin\n", "line 2: time_zone must be a time zone"),
        ("availability", f"user,time_zone,monday\n{ADA},UTC,9-17\n", "line 2: working_hours.monday[0].from must be"),
        ("availability", f"user,time_zone\n{ADA}\n", "line 2 has not as many cells"),
        ("pools", f"pool,user,weight\nBackend,{ADA},many\n", "line 2: members[0].weight must be a whole number"),
        ("pools", f"pool,user\nBackend,{ADA}\nBackend,{ADA}\n", "must not be the same as members[0].user_id"),
        ("pools", f"pool,user\n,{ADA}\n", "line 2: name must have 1 to 255 characters"),
        ("pools", "pool,user\n\xff", "has not as many cells"),
        ("pools", "pool,user\nBackend,\u00b2\n", "line 2: user must be the id"),
        ("pools", f"pool,user\nBackend,{'1' * 5_000}\n", "line 2: user must be the id"),
        ("rooms", "name,capacity\nAttic,\u00b2\n", "line 2: capacity must be a whole number"),
        ("rooms", f"name,capacity\nAttic,{'1' * 5_000}\n", "line 2: capacity must be a whole number"),
        ("rooms", "name,seats\nAttic,4\n", "has a column 'seats' that is not known"),
        ("rooms", "name,capacity\nCellar,\nAttic,many\n", "line 3: capacity must be a whole number"),
        ("rooms", "name,capacity\nCellar,\n,4\n", "line 3: name must have 1 to 255 characters"),
        ("rooms", "name\nAttic\nAttic\n", "line 3: name must be unique (line 2 has it)"),
    ],
)
def test_a_bad_file_changes_nothing(at: tuple[str, ...], tmp_path: Path, command: str, text: str, message: str) -> None:
    rowen("pools", "import", written(tmp_path, f"pool,user\nBackend,{GRACE}\n"), *at)
    before = rowen(command, "export", *at).stdout
    assert message in rowen(command, "import", written(tmp_path, text), *at, status=1).stderr
    assert rowen(command, "export", *at).stdout == before


def test_rooms_are_added_listed_and_removed(at: tuple[str, ...]) -> None:
    options = ("--site", "Lisbon", "--capacity", "6", "--feature", "video", "--feature", "screen")
    assert rowen("rooms", "add", "Attic", *options, *at).stderr == "Room Attic added.\n"
    _, row = rowen("rooms", "list", *at).stdout.splitlines()
    assert row.split("\t")[1:] == ["Attic", "Lisbon", "6", "video, screen"]
    assert "name must be unique" in rowen("rooms", "add", "Attic", *at, status=1).stderr
    assert "capacity must be a whole number" in rowen("rooms", "add", "Loft", "--capacity", "0", *at, status=1).stderr
    assert "there is no room 'Atic'" in rowen("rooms", "remove", "Atic", *at, status=1).stderr
    assert rowen("rooms", "remove", "Attic", *at).stderr == "Room Attic removed.\n"
    assert len(rowen("rooms", "list", *at).stdout.splitlines()) == 1


def test_rooms_are_added_and_replaced_by_their_names(at: tuple[str, ...], tmp_path: Path) -> None:
    rowen("rooms", "add", "Attic", "--site", "Porto", "--feature", "piano", *at)
    number = rowen("rooms", "list", *at).stdout.split()[-4]
    assert rowen("rooms", "import", written(tmp_path, ROOMS), *at).stderr == "2 rooms are as in the file.\n"
    assert rowen("rooms", "export", *at).stdout == ROOMS
    assert f"{number}\tAttic\tLisbon" in rowen("rooms", "list", *at).stdout, "it is the same room"
    rowen("rooms", "import", written(tmp_path, "name,capacity\nCellar,12\n"), *at)
    assert rowen("rooms", "export", *at).stdout == ROOMS.replace("Cellar,,,", "Cellar,,12,")


def test_a_file_does_not_bring_more_rooms_than_there_may_be(
    tenant: Tenant, at: tuple[str, ...], tmp_path: Path
) -> None:
    count = "UPDATE organizations SET room_count = ? WHERE id = ?"
    fetch(tenant.harness.database, count, MOST_ROOMS - 1, tenant.organization.id)
    refused = rowen("rooms", "import", written(tmp_path, ROOMS), *at, status=1).stderr
    assert refused == "rowen: line 3: name must be that of one of at most 10,000 rooms\n"
    assert rowen("rooms", "export", *at).stdout.count("\n") == 1


def test_busy_times_and_addresses_are_imported_listed_and_exported(at: tuple[str, ...], tmp_path: Path) -> None:
    done = rowen("busy", "import", written(tmp_path, BUSY), *FEBRUARY, *at)
    assert done.stderr == "3 sources are as in the file.\n"
    assert rowen("busy", "export", *at).stdout == BUSY
    head, google, script, grace = (line.split("\t") for line in rowen("busy", "list", *at).stdout.splitlines())
    assert head == ["user", "source", "host", "read_at", "until", "error"]
    assert google == ["ada@team.example", "google", "calendar.example.com", "never", "", ""], "an address is a secret"
    assert script[:3] == ["ada@team.example", "script", ""]
    assert script[4:] == ["2031-03-01T00:00:00.000Z", ""]
    assert grace[:2] == ["grace@team.example", "script"]


def test_an_import_replaces_the_window_of_the_sources_in_the_file(at: tuple[str, ...], tmp_path: Path) -> None:
    rowen("busy", "import", written(tmp_path, BUSY), *FEBRUARY, *at)
    free = f"user,source\n{ADA},script\n"
    rowen("busy", "import", written(tmp_path, free), "--from", "2031-02-04", "--to", "2031-02-06", *at)
    assert rowen("busy", "export", *at).stdout == "".join(
        line for line in BUSY.splitlines(keepends=True) if "2031-02-04" not in line
    )
    connected = f"user,source,url\n{GRACE},script,https://calendar.example.com/grace.ics\n"
    rowen("busy", "import", written(tmp_path, connected), *at)
    assert "grace@team.example,script,,,https" in rowen("busy", "export", *at).stdout
    refused = rowen("busy", "import", written(tmp_path, BUSY), *FEBRUARY, *at, status=1).stderr
    assert "source is the address of a calendar: remove it first" in refused
    assert "grace@team.example,script,,,https" in rowen("busy", "export", *at).stdout, "a secret is not lost"
    assert rowen("busy", "remove", "grace@team.example", "script", *at).stderr == "Source script removed.\n"
    assert "grace@team.example" not in rowen("busy", "list", *at).stdout
    assert f"{ADA} has no source 'skript'" in rowen("busy", "remove", str(ADA), "skript", *at, status=1).stderr
    assert "user must be the id" in rowen("busy", "remove", "nobody", "script", *at, status=1).stderr


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("nobody@x.example,script,,,", "line 2: user must be the id or e-mail address"),
        (f"{ADA},,,,", "line 2: source must have 1 to 255 characters"),
        (f"{ADA},a,,,\n{ADA},b,2031-02-03T09:00Z,soon,", "line 3: to must be an ISO-8601 time"),
        (f"{ADA},a,2031-02-03T09:00Z,,", "line 2: to is required"),
        (f"{ADA},a,,2031-02-03T09:00Z,", "line 2: from is required"),
        (f"{ADA},a,2031-02-03T09:00Z,2031-02-03T09:00Z,", "line 2: to must be after from"),
        (f"{ADA},a,,,\n{ADA},a,2031-03-03,2031-03-04,", "line 3: from must be in the window, at least partly"),
        (f"{ADA},a,2031-02-03,2031-02-04,https://x.example/", "line 2: url must not be given beside busy times"),
        (f"{ADA},a,,,\n{ADA},a,,,https://x.example/", "line 3: url must not be given beside busy times"),
        (f"{ADA},a,,,https://x.example/\n{ADA},a,,,https://y.example/", "line 3: url must be given once"),
        (f"{ADA},a,,,ftp://x.example/", "line 2: url must be an http or https URL"),
        (f"{ADA},a,,,http://127.0.0.1/a.ics", "line 2: url must not lead to a private"),
        ("\n".join(f"{ADA},{each},,," for each in range(21)), "line 22: source must be one of at most 20 sources"),
    ],
)
def test_a_bad_file_of_busy_times_changes_nothing(at: tuple[str, ...], tmp_path: Path, rows: str, message: str) -> None:
    file = written(tmp_path, f"user,source,from,to,url\n{rows}\n")
    assert message in rowen("busy", "import", file, *FEBRUARY, *at, status=1).stderr
    assert rowen("busy", "export", *at).stdout.count("\n") == 1


def test_busy_times_need_a_window_and_addresses_may_be_allowed(at: tuple[str, ...], tmp_path: Path) -> None:
    file = written(tmp_path, BUSY)
    needed = rowen("busy", "import", file, "--from", "2031-02-01", *at, status=1).stderr
    assert needed == "rowen: --to is required, as the file has busy times\n"
    wrong = rowen("busy", "import", file, "--from", "soon", "--to", "2031-03-01", *at, status=1).stderr
    assert wrong == "rowen: --from must be an ISO-8601 time\n"
    long = rowen("busy", "import", file, "--from", "2031-02-01", "--to", "2034-01-01", *at, status=1).stderr
    assert long == "rowen: --to must be at most 732 days after from\n"
    local = written(tmp_path, f"user,source,url\n{ADA},own,http://127.0.0.1/a.ics\n")
    assert rowen("busy", "import", local, "--webhook-allow", "127.0.0.1", *at).stderr == "1 source is as in the file.\n"


def test_an_organization_may_ask_for_calendars(tenant: Tenant) -> None:
    name, database = tenant.organization.name, tenant.harness.database
    on = rowen("organizations", "change", name, "--require-busy-source", "--database", database).stderr
    assert on.endswith("grace 0 minutes; only people with a source of busy times are offered.\n")
    off = rowen("organizations", "change", name, "--no-require-busy-source", "--database", database).stderr
    assert off.endswith("grace 0 minutes.\n")
