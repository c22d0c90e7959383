"""`rowen organizations`: created with a time zone, and listed."""

from pathlib import Path

import pytest

from tests.support.command import rowen
from tests.support.records import record, write_json_lines


def test_organizations_are_made_and_listed(tmp_path: Path, database: str) -> None:
    made = rowen("organizations", "create", "lisbon", "--time-zone", "Europe/Lisbon", "--database", database)
    assert made.stdout == ""
    assert made.stderr == "Organization lisbon created. Next: rowen keys create NAME --organization 'lisbon'\n"
    rowen("organizations", "create", "Ägypten & Co".replace(" & ", " "), "--database", database)
    source = write_json_lines(tmp_path / "records.jsonl", [record(1), record(2)])
    rowen("import", source, "--organization", "lisbon", "--database", database)
    header, *rows = rowen("organizations", "list", "--database", database).stdout.splitlines()
    assert header == "name\ttime zone\tinterviews\tdouble booking\tgrace\tcreated"
    assert [row.split("\t")[:5] for row in rows] == [
        ["lisbon", "Europe/Lisbon", "2", "allow", "0 min"],
        ["Ägypten Co", "UTC", "0", "allow", "0 min"],
    ]
    again = rowen("organizations", "create", "lisbon", "--database", database, status=1)
    assert again.stderr == "rowen: there is an organization 'lisbon' already\n"


def test_its_days_begin_at_its_midnights(tmp_path: Path, database: str) -> None:
    rowen("organizations", "create", "tokyo", "--time-zone", "Asia/Tokyo", "--database", database)
    all_day = record(1, start={"date": "2024-03-27"}, end={"date": "2024-03-28"})
    rowen(
        *("import", write_json_lines(tmp_path / "records.jsonl", [all_day]), "--organization", "tokyo"),
        *("--database", database),
    )
    midnight = "2024-03-26T15:00:00Z"
    for option, expected in (("--starts-after", 1), ("--starts-before", 0)):
        done = rowen("export", option, midnight, "--organization", "tokyo", "--database", database)
        assert done.stderr == f"{expected} interviews\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("create", "x", "--time-zone", "Mars/Olympus"),
        ("create", "x", "--time-zone", "../../etc/passwd"),
        ("create", "x", "--time-zone", "/etc/passwd"),
        ("create", "x" * 101),
        ("create", "../x"),
    ],
)
def test_invalid_names_and_time_zones(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = rowen("organizations", *arguments, cwd=tmp_path, status=2)
    assert "Invalid value" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_settings_are_changed_one_by_one(database: str) -> None:
    at = ("--database", database)
    rowen("organizations", "create", "lisbon", *at)
    done = rowen("organizations", "change", "lisbon", "--double-booking", "reject", *at)
    assert done.stderr == "Organization lisbon: double booking reject, grace 0 minutes.\n"
    done = rowen("organizations", "change", "lisbon", "--grace", "60", *at)
    assert done.stderr == "Organization lisbon: double booking reject, grace 60 minutes.\n"
    _, row = rowen("organizations", "list", *at).stdout.splitlines()
    assert row.split("\t")[3:5] == ["reject", "60 min"]


COMMANDS = (
    ("export",),
    ("interviews", "adopt", "--all"),
    ("users", "delete", "1"),
    ("follow", "--after", "0"),
    ("keys", "create", "x"),
    ("keys", "show", "x"),
    ("keys", "revoke", "x"),
    ("webhooks", "add", "https://hooks.example.com/"),
    ("webhooks", "list"),
    ("webhooks", "remove", "1"),
    ("interviews", "adopt", "--all"),
    ("users", "delete", "--nameless"),
)


def test_a_misspelt_organization_is_suggested_by_every_command(database: str) -> None:
    rowen("organizations", "create", "lisbon", "--database", database)
    for command in COMMANDS:
        done = rowen(*command, "--organization", "Lisboa", "--database", database, status=1)
        assert "rowen: there is no organization 'Lisboa'. Did you mean 'lisbon'?" in done.stderr, command
    done = rowen("organizations", "change", "lisbo", "--grace", "1", "--database", database, status=1)
    assert "Did you mean 'lisbon'?" in done.stderr
    assert len(rowen("organizations", "list", "--database", database).stdout.splitlines()) == 2


@pytest.mark.parametrize("options", [("--double-booking", "maybe"), ("--grace", "-1"), ("--grace", "20000")])
def test_settings_that_do_not_exist_are_refused(options: tuple[str, str], database: str) -> None:
    rowen("organizations", "create", "lisbon", "--database", database)
    rowen("organizations", "change", "lisbon", *options, "--database", database, status=2)
    done = rowen("organizations", "change", "porto", "--database", database, status=1)
    assert done.stderr.startswith("rowen: there is no organization 'porto', only 'lisbon'. ")
