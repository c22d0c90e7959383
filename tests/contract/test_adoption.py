"""Imported interviews: who may change them, and how an operator lets clients do so."""

from pathlib import Path

import pytest

from rowen import wiring
from rowen.interviews.moments import Instant
from tests.support.command import rowen
from tests.support.hiring_teams import ACTIVE, INTERVIEWS, OTHER_ACTIVE, STRICT, HiringTeam, errors_of, hiring_team
from tests.support.records import Record, record, write_json_lines

pytestmark = pytest.mark.slow

DAY = 86_400_000


def upcoming(identifier: int, days: int = 7, **changes: object) -> Record:
    """Return a scheduled interview in this many days."""
    start = {"date_time": str(Instant(wiring.now() + days * DAY))}
    return record(
        identifier,
        **{"start": start, "end": start, "status": "scheduled", "application_id": ACTIVE, "interviewers": []} | changes,
    )


def adopt(team: HiringTeam, *arguments: str, status: int = 0) -> str:
    """Run the command, and return what it prints."""
    done = rowen(
        "interviews", "adopt", *arguments,
        "--organization", team.organization.name, "--database", team.harness.database, status=status,
    )  # fmt: skip
    return done.stdout + done.stderr


def actionable(team: HiringTeam) -> list[int]:
    found = team.client.get(STRICT, params={"actionable": "true"}).json()
    return [each["id"] for each in found]


def can_change(team: HiringTeam, interview: int) -> bool:
    answer = team.patch(f"{INTERVIEWS}/{interview}", {"location": "Hydra"})
    if answer.status_code == 422:
        assert errors_of(answer) == {"id": "Only interviews created through the API can be changed or deleted"}
    return answer.status_code == 200


def test_adopted_interviews_can_be_changed(team: HiringTeam) -> None:
    """It never could be."""
    team.merge([upcoming(1), upcoming(2)])
    assert actionable(team) == []
    assert not can_change(team, 1)
    assert f"Adopted 1 interview of organization {team.organization.name}." in adopt(team, "1")
    assert actionable(team) == [1]
    assert can_change(team, 1)
    assert not can_change(team, 2)
    assert team.delete(f"{STRICT}/1").status_code == 200


def test_documents_and_the_feed_stay_as_they_are(team: HiringTeam) -> None:
    """So that a newer record of the other system is still newer: see the decision."""
    team.merge([upcoming(1)])
    before, etag = team.get(1), team.client.get(f"{STRICT}/1").headers["etag"]
    feed = team.changes()
    adopt(team, "--all")
    assert (team.get(1), team.changes()) == (before, feed)
    assert team.client.get(f"{STRICT}/1").headers["etag"] == etag
    team.merge([upcoming(1, location="Dharma", updated_at="2024-05-23T20:43:11.680Z")])
    assert team.get(1)["location"] == "Dharma"
    assert can_change(team, 1)


def test_filters(team: HiringTeam) -> None:
    team.merge([
        upcoming(1),
        upcoming(2, application_id=OTHER_ACTIVE),
        upcoming(3, days=-7),
        upcoming(4, updated_at="2024-06-01T00:00:00.000Z"),
        upcoming(5, days=30),
    ])  # fmt: skip
    soon, later = str(Instant(wiring.now())), str(Instant(wiring.now() + 14 * DAY))
    cases = {
        ("--application-id", str(OTHER_ACTIVE)): [2],
        ("--starts-after", soon, "--starts-before", later): [1, 2, 4],
        ("--ends-before", soon): [3],
        ("--updated-after", "2024-06-01"): [4],
        ("--updated-before", "2024-06-01", "--starts-after", later): [5],
        ("1", "3", "--starts-after", soon): [1],
        ("--all",): [1, 2, 3, 4, 5],
    }
    for arguments, expected in cases.items():
        shown = adopt(team, *arguments, "--dry-run")
        count = "1 interview" if len(expected) == 1 else f"{len(expected)} interviews"
        assert shown.startswith(f"Dry run: would adopt {count} of"), arguments
    assert actionable(team) == []
    adopt(team, "--starts-after", soon, "--starts-before", later)
    assert actionable(team) == [1, 2, 4]
    shown = adopt(team, "--all")
    assert "Adopted 2 interviews" in shown
    assert "Clients could change 3 interviews already." in shown


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        ([], 2, "name the interviews by id, give a filter, or use --all"),
        (["--all", "1"], 2, "cannot be combined with ids or filters"),
        (["1", "2", "3"], 1, "there is no interview 2, 3: nothing was changed"),
        (["--starts-after", "soon"], 1, "--starts-after"),
        (["0"], 2, "greater than or equal to 1"),
    ],
)
def test_naming_no_interviews_changes_nothing(
    team: HiringTeam, arguments: list[str], status: int, message: str
) -> None:
    team.merge([upcoming(1)])
    shown = " ".join(adopt(team, *arguments, status=status).replace("│", " ").split())
    assert message in shown
    assert actionable(team) == []


def test_an_organization_that_is_not_there(team: HiringTeam) -> None:
    done = rowen(
        "interviews", "adopt", "--all", "--organization", "nobody", "--database", team.harness.database, status=1
    )
    assert done.stderr.startswith("rowen: there is no organization 'nobody', only 'default'")


def test_of_another_organization_nothing_is_adopted(team: HiringTeam) -> None:
    with hiring_team(team.harness) as other:
        other.merge([upcoming(1)])
        team.merge([upcoming(1)])
        adopt(team, "--all")
        assert (actionable(team), actionable(other)) == ([1], [])


def test_importing_again_with_the_option_helps(team: HiringTeam, tmp_path: Path) -> None:
    """It did not: the first import decided."""
    source = write_json_lines(tmp_path / "export.jsonl", [upcoming(1), upcoming(2), record(3), upcoming(4, days=-1)])
    arguments = ("import", source, "--organization", team.organization.name, "--database", team.harness.database)
    for extra in (["--dry-run"], []):
        done = rowen(*arguments, *extra)
        assert "Clients cannot change 2 imported interviews scheduled in the future." in done.stderr
        assert f"rowen interviews adopt --organization {team.organization.name} --starts-after 20" in done.stderr
    assert not can_change(team, 1)
    etag = team.client.get(f"{STRICT}/1").headers["etag"]
    done = rowen(*arguments, "--created-through-api", "--dry-run")
    assert done.stderr == "Clients could now change 4 interviews that they could not before\n"
    done = rowen(*arguments, "--created-through-api")
    assert done.stderr == "Clients can now change 4 interviews that they could not before\n"
    assert team.client.get(f"{STRICT}/1").headers["etag"] == etag
    assert can_change(team, 1)
    assert rowen(*arguments).stderr == "", "importing without the option takes nothing back"
    assert can_change(team, 2)


def test_each_frozen_interview_is_reported_once(team: HiringTeam, tmp_path: Path) -> None:
    first, second = (write_json_lines(tmp_path / name, [upcoming(1)]) for name in ("a.jsonl", "b.jsonl"))
    done = rowen("import", first, second, "--organization", team.organization.name, "--database", team.harness.database)
    assert "Clients cannot change 1 imported interview scheduled in the future." in done.stderr
