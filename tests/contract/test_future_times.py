"""Imported times in the future: what clients see of them, and of their repair next to a running server."""

import threading
from collections.abc import Iterator
from itertools import pairwise

import msgspec
import pytest

from rowen import wiring
from rowen.app.imports import MergeCounts
from rowen.interviews.moments import Instant
from tests.support.command import rowen
from tests.support.harness import Harness, served
from tests.support.hiring_teams import ADA, CHANGES, STRICT, HiringTeam, hiring_team
from tests.support.records import Record, record
from tests.support.sql import execute, fetch

pytestmark = pytest.mark.slow

FAR = "2999-01-01T00:00:00.000Z"
HOUR = 3_600_000


@pytest.fixture
def own(database: str) -> Iterator[Harness]:
    """Return a server of the test's own: its whole database is checked."""
    with served(database) as made:
        yield made


def synced(team: HiringTeam, after: str) -> list[Record]:
    found: list[Record] = team.client.get(STRICT, params={"updated_after": after}).json()
    return found


def feed(team: HiringTeam) -> list[Record]:
    found: list[Record] = team.client.get(CHANGES, params={"limit": 500}).json()["changes"]
    return found


def test_an_import_puts_the_time_of_changes_ahead_by_a_day_at_most(team: HiringTeam) -> None:
    """It was a year: every later change was dated that late."""
    made = team.schedule()
    later = str(Instant(wiring.now() + 20 * HOUR))
    team.merge([record(1, updated_at=later), record(2, updated_at=str(Instant(wiring.now() + 48 * HOUR)))])
    changed = team.change(made["id"], location="Hydra")
    assert later < changed["updated_at"] < str(Instant(wiring.now() + 21 * HOUR))
    assert changed in synced(team, later)
    times = [each["time"] for each in feed(team)]
    assert all(one < other for one, other in pairwise(times))


def test_an_old_export_does_not_overwrite_a_change_made_since(team: HiringTeam) -> None:
    """It did: the time of the export is later than that of any change."""
    made = team.schedule()
    changed = team.change(made["id"], location="Hydra")
    assert team.merge([{**made, "updated_at": FAR}], created_through_api=True, clamp=True) == MergeCounts(older=1)
    assert team.get(made["id"]) == changed


def test_a_repair_is_a_change_that_syncs_see(own: Harness, database: str) -> None:
    with hiring_team(own) as team:
        team.merge([record(1, updated_at=FAR, created_at=FAR), record(2)])
        made = team.schedule()
        assert [each["id"] for each in synced(team, FAR)] == [1]
        checked = rowen("db", "check", "--database", database, status=1).stdout
        assert f"interview 1 of organization {team.organization.id}: its updated_at is in the future ({FAR})" in checked
        assert f"interview 1 of organization {team.organization.id}: its created_at is in the future ({FAR})" in checked
        shown = rowen("db", "repair", "--dry-run", "--database", database).stdout
        assert shown == checked

        # Also the interview's application, and the observations of two users.
        done = rowen("db", "repair", "--database", database)
        assert f"Repaired in organization {team.organization.name}: interviews 1, other records 3." in done.stdout
        assert rowen("db", "check", "--database", database).stdout == "ok\n"
        assert rowen("db", "repair", "--database", database).stderr == "Nothing to repair.\n"

        repaired = team.get(1)
        assert repaired == record(1, updated_at=repaired["updated_at"], created_at=repaired["updated_at"])
        assert made["updated_at"] < repaired["updated_at"] < str(Instant(wiring.now() + HOUR))
        assert synced(team, made["updated_at"]) == [repaired, made]
        assert synced(team, FAR) == []
        assert team.client.get(STRICT, params={"created_after": repaired["created_at"]}).json() == [repaired]
        (change,) = [each for each in feed(team) if each["kind"] == "repaired" and each["scheduled_interview_id"]]
        assert (change["document"], change["time"]) == (repaired, repaired["updated_at"])
        assert change["actor"] == {"kind": "operator", "id": None, "name": None, "api_key": None}
        assert [each["field"] for each in change["fields"]] == ["created_at", "updated_at"]
        assert team.change(made["id"], location="Hydra")["updated_at"] > repaired["updated_at"]


def test_a_client_that_writes_during_a_repair_sees_every_change_once(own: Harness, database: str) -> None:
    """Repairs and changes lock the same ledger, so that their times grow in the order of commits."""
    with hiring_team(own) as team:
        team.merge([record(each, updated_at=FAR) for each in range(1_000_000, 1_001_200)])
        made = team.schedule()
        begun, done = threading.Event(), threading.Event()

        def write() -> None:
            number = 0
            while not done.is_set():
                team.change(made["id"], location=f"{number}")
                begun.set()
                number += 1

        writing = threading.Thread(target=write)
        writing.start()
        try:
            assert begun.wait(30)
            rowen("db", "repair", "--database", database)
        finally:
            done.set()
            writing.join()
        rows = fetch(
            database,
            "SELECT time, kind FROM changes WHERE organization_id = ? ORDER BY revision",
            team.organization.id,
        )
        assert all(one[0] < other[0] for one, other in pairwise(rows))
        assert sum(kind == "repaired" for _, kind in rows) == 1_200 + len(REPAIRED_WITH_THEM)
        assert rowen("db", "check", "--database", database).stdout == "ok\n"


REPAIRED_WITH_THEM = ("applications",)
"""Records known from those interviews only, and dated like them: one change of a kind."""


RESOURCES: dict[str, tuple[str, Record]] = {
    "users": ("updated_at", {"id": 99_001, "name": "Kate", "emails": ["kate@example.com"]}),
    "applications": ("last_activity_at", {"id": 99_001, "prospect": False, "jobs": [{"id": 9}]}),
    "job_stages": ("updated_at", {"id": 99_001, "name": "Screen", "job_id": 9, "interviews": []}),
    "scorecards": ("updated_at", {"id": 99_001, "application_id": 5001, "interviewer": None}),
    "candidates": ("updated_at", {"id": 99_001, "first_name": "Kate", "email_addresses": []}),
    "jobs": ("updated_at", {"id": 99_001, "name": "Surgeon", "requisition_id": None}),
}


@pytest.mark.parametrize("resource", RESOURCES)
def test_records_around_interviews_are_repaired(own: Harness, database: str, resource: str) -> None:
    field, given = RESOURCES[resource]
    with hiring_team(own) as team:
        team.merge_records(resource, [{**given, field: FAR}])
        checked = rowen("db", "check", "--database", database, status=1).stdout
        assert f"its {field} is in the future ({FAR})" in checked
        rowen("db", "repair", "--database", database)
        assert rowen("db", "check", "--database", database).stdout == "ok\n"
        statement = "SELECT document, updated_at FROM records WHERE resource = ? AND id = 99001"
        ((document, updated_at),) = fetch(database, statement, resource)
        found = msgspec.json.decode(document)
        assert found[field] == str(Instant(updated_at)) < str(Instant(wiring.now() + HOUR))
        (change,) = [each for each in feed(team) if each["kind"] == "repaired"]
        assert (change["resource"], change["counts"], change["time"]) == (
            resource, {"new": 0, "changed": 1}, found[field]
        )  # fmt: skip


def test_names_that_interviews_give_as_of_the_future_are_corrected_after_a_repair(own: Harness, database: str) -> None:
    seat = record(1)["interviewers"][0]
    with hiring_team(own) as team:
        team.merge([record(1, updated_at=FAR, interviewers=[{**seat, "id": 99_002, "name": "Kate Ford"}])])
        assert (
            "what interviews say of it is dated in the future"
            in rowen("db", "check", "--database", database, status=1).stdout
        )
        rowen("db", "repair", "--database", database)
        now = str(wiring.now())
        team.merge([record(2, updated_at=now, interviewers=[{**seat, "id": 99_002, "name": "Kate Austen"}])])
        assert team.client.get("/v1/users/99002").json()["name"] == "Kate Austen"


def test_a_ledger_far_ahead_is_remarked_upon(own: Harness, database: str) -> None:
    """Its time cannot be set back, as clients have seen it. Checks do not fail because of it."""
    with hiring_team(own) as team:
        ahead = wiring.now() + 200 * 24 * HOUR
        execute(database, f"UPDATE organizations SET last_updated_at = {ahead} WHERE id = {team.organization.id}")
        done = rowen("db", "check", "--database", database)
        assert done.stdout == "ok\n"
        assert "more than a day ahead of this machine's clock" in done.stderr


def test_webhooks_get_renames_at_once_even_if_the_ledger_is_ahead(own: Harness, database: str) -> None:
    """They were sent when the clock had caught up with the ledger: up to a year later."""
    with hiring_team(own) as team:
        made = team.schedule()
        team.post("/rowen/v1/webhooks", {"url": "https://hooks.example.com/"}, None)
        ahead = str(Instant(wiring.now() + 20 * HOUR))
        team.merge_records("users", [{**ADA_RENAMED, "updated_at": ahead}])
        assert team.get(made["id"])["organizer"]["name"] == ADA_RENAMED["name"]
        ((due,),) = fetch(
            database,
            "SELECT created_at FROM deliveries WHERE organization_id = ? AND action = 'interview_updated'",
            team.organization.id,
        )
        assert due < wiring.now() + HOUR


ADA_RENAMED: Record = {
    "id": ADA,
    "name": "Ada King",
    "first_name": "Ada",
    "last_name": "King",
    "emails": ["ada@team.example"],
    "employee_id": "E1",
}
