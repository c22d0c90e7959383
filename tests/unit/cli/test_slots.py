"""`rowen slots`: what is asked by options and as JSON, what is printed, and which option an error names."""

import json
from pathlib import Path
from typing import Final

import pytest

from tests.support.command import rowen
from tests.support.harness import Tenant
from tests.support.hiring_teams import ADA, GRACE, KATE, USERS

PEOPLE: Final = """\
user,time_zone,monday,tuesday
ada@team.example,UTC,09:00-11:00,
grace@team.example,UTC,09:00-12:00,09:00-12:00
"""
POOLS: Final = """\
pool,user,tags
Backend,ada@team.example,senior
Backend,grace@team.example,
A=2,grace@team.example,
"""
WEEK: Final = ("--from", "2031-02-03", "--to", "2031-02-08")
HEAD: Final = "slot\tstart\tend\tsession\tpeople\troom\twhy"


@pytest.fixture
def at(tenant: Tenant, tmp_path: Path) -> tuple[str, ...]:
    """Return the options that name an organization in which two people are available."""
    tenant.merge_records("users", USERS)
    options = ("--organization", tenant.organization.name, "--database", tenant.harness.database)
    for command, text in (("availability", PEOPLE), ("pools", POOLS)):
        file = tmp_path / f"{command}.csv"
        file.write_text(text)
        rowen(command, "import", file, *options)
    return options


def test_a_table_has_local_times_people_and_reasons(at: tuple[str, ...]) -> None:
    options = ("--person", str(ADA), "--person", "Hopper@navy.example", "--minutes", "90", *WEEK)
    done = rowen("slots", *options, "--time-zone", "Europe/Berlin", "--limit", "2", *at)
    assert done.stdout.splitlines() == [
        HEAD,
        "1\tMon 2031-02-03 10:00 +01:00\t11:30\t\tAda Lovelace, Grace Hopper\t\tAsked for by name",
        "2\tMon 2031-02-03 10:15 +01:00\t11:45\t\tAda Lovelace, Grace Hopper\t\tAsked for by name",
    ]
    assert done.stderr == "3 slots, by the clocks of Europe/Berlin; the table has the first 2.\n"


def test_pools_have_counts_and_names_with_equal_signs(at: tuple[str, ...]) -> None:
    both = rowen("slots", "--pool", "Backend=2", *WEEK, *at)
    assert "Ada Lovelace, Grace Hopper" in both.stdout
    assert both.stderr == "5 slots, by the clocks of UTC.\n"
    assert len(rowen("slots", "--pool", "A=2", *WEEK, *at).stdout.splitlines()) == 1 + 18


def test_times_without_an_offset_are_local(at: tuple[str, ...]) -> None:
    window = ("--from", "2031-02-03T10:00", "--to", "2031-02-03T10:00:00Z", "--time-zone", "Europe/Berlin")
    done = rowen("slots", "--person", "ada@team.example", *window, *at)
    assert [line.split("\t")[1] for line in done.stdout.splitlines()[1:]] == ["Mon 2031-02-03 10:00 +01:00"]


def test_a_room_is_named(at: tuple[str, ...]) -> None:
    asked = ("slots", "--person", str(ADA), "--room", "4", *WEEK, *at)
    none = rowen(*asked)
    assert none.stdout == ""
    assert none.stderr == "0 slots, by the clocks of UTC.\nWithout --room: 5 slots.\n"
    rowen("rooms", "add", "Attic", "--capacity", "6", *at)
    assert rowen(*asked).stdout.splitlines()[1].split("\t")[5] == "Attic"


def test_it_says_why_there_are_none_and_who_is_not_offered(at: tuple[str, ...]) -> None:
    done = rowen("slots", "--person", str(ADA), "--person", "kate@team.example", *WEEK, *at)
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        "0 slots, by the clocks of UTC.",
        "Not offered: Kate Austen. Has no availability.",
        "Without --person kate@team.example: 5 slots.",
        "Without missing busy times of Kate Austen: 5 slots.",
    ]


def test_a_whole_body_may_be_a_file_or_standard_input(at: tuple[str, ...], tmp_path: Path) -> None:
    sessions = [
        {"name": "Code", "minutes": 60, "seats": [{"users": [ADA]}]},
        {"minutes": 60, "seats": [{"users": [GRACE]}]},
    ]
    window = {"from": "2031-02-03T00:00:00Z", "to": "2031-02-04T00:00:00Z"}
    body = json.dumps({"window": window, "sessions": sessions, "gap_minutes": {"max": 0}, "limit": 1}).encode()
    file = tmp_path / "onsite.json"
    file.write_bytes(body)
    by_file, by_input = rowen("slots", "--json", file, *at), rowen("slots", "--json", "-", *at, stdin=body)
    assert by_file.stdout == by_input.stdout
    assert [line.split("\t")[:5] for line in by_file.stdout.splitlines()[1:]] == [
        ["1", "Mon 2031-02-03 09:00 +00:00", "10:00", "Code", "Ada Lovelace"],
        ["1", "Mon 2031-02-03 10:00 +00:00", "11:00", "", "Grace Hopper"],
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "--person or --pool must be given"),
        (("--person", "ad@team.example"), "--person ad@team.example must be the id or e-mail address of a user. Did"),
        (("--person", "twins@team.example"), "--person twins@team.example must name one user (4005, 4006 have this"),
        (("--pool", "Backed"), "--pool Backed must be the id or name of a pool. Did you mean 'Backend'?"),
        (("--pool", "Backend=0"), "--pool Backend=0 must be a whole number"),
        (("--person", str(ADA), "--from", "soon"), "--from must be an ISO-8601 date or time"),
        (("--person", str(ADA), "--from", "2031-02-03", "--to", "2031-02-03"), "--to must be after from"),
        (("--person", str(ADA), "--time-zone", "Berlin"), "--time-zone must be a time zone"),
        (("--json", "-"), "--json: body "),
    ],
)
def test_an_error_names_the_option(at: tuple[str, ...], options: tuple[str, ...], message: str) -> None:
    assert message in rowen("slots", *options, *at, status=1).stderr


def test_problems_of_a_body_name_its_fields(at: tuple[str, ...]) -> None:
    body = {"window": {"from": "2031-02-03T00:00:00Z", "to": "2031-02-04T00:00:00Z"}, "limit": 0}
    sessions = [{"minutes": 60, "seats": [{"users": [KATE + 900]}]}]
    done = rowen("slots", "--json", "-", *at, stdin=json.dumps({**body, "sessions": sessions}).encode(), status=1)
    assert "--json: limit must be" in done.stderr
    assert "--json: sessions[0].seats[0].users[0] must be the id of a user" in done.stderr
    assert "cannot be combined with --json" in rowen("slots", "--json", "-", "--limit", "5", *at, status=2).stderr
