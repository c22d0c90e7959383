"""The rows of interviewers: in step with panels, with ids that members keep, on every engine."""

from pathlib import Path
from typing import Any, Final

import pytest

from rowen.interviews.moments import Instant
from rowen.store.database import locate, upgrade
from rowen.wiring import check
from tests.support.harness import Tenant, opened
from tests.support.old_schema import database_of, insert
from tests.support.records import Record, canonical, record
from tests.support.sql import execute, fetch
from tests.support.storage import Storage

KATE: Final = record(1)["interviewers"][0]
JACK: Final = {**KATE, "id": 2000, "name": "Jack Shepard", "email": "jack@example.com", "scorecard_id": None}
GUEST: Final[Record] = {
    "id": None,
    "employee_id": None,
    "name": None,
    "email": "Guest@Example.com",
    "response_status": "accepted",
    "scorecard_id": None,
}
TIMES: Final = ("2024-01-01T00:00:00.000Z", "2024-01-02T00:00:00.000Z", "2024-01-03T00:00:00.000Z")


def members(database: str, interview: int = 1) -> list[tuple[Any, ...]]:
    """Return the rows of an interview: id, user, address, answer, scorecard."""
    columns = "id, user_id, email, response_status, scorecard_id"
    return fetch(database, f"SELECT {columns} FROM interviewers WHERE interview_id = ? ORDER BY id", interview)


def times(database: str, interview: int = 1) -> list[tuple[str, str]]:
    """Return the times of creation and change of an interview's rows."""
    statement = "SELECT created_at, updated_at FROM interviewers WHERE interview_id = ? ORDER BY id"
    return [(str(Instant(made)), str(Instant(new))) for made, new in fetch(database, statement, interview)]


def merge(tenant: Tenant, time: str | None, *seats: Record, identifier: int = 1) -> None:
    """Import an interview with that panel, changed at that time."""
    tenant.merge([record(identifier, created_at=time and TIMES[0], updated_at=time, interviewers=list(seats))])
    assert check(locate(tenant.harness.database)) == []


def test_every_member_of_an_imported_panel_has_a_row(tenant: Tenant, database: str) -> None:
    tenant.merge([record(2, interviewers=[JACK]), record(1, interviewers=[KATE, GUEST])])
    seat = (KATE["response_status"], KATE["scorecard_id"])
    assert members(database, 1) == [
        (1, 4080, KATE["email"], *seat),
        (2, None, GUEST["email"], "accepted", None),
    ]
    assert members(database, 2) == [(3, 2000, JACK["email"], JACK["response_status"], None)]


def test_members_who_stay_keep_their_rows(tenant: Tenant, database: str) -> None:
    """A guest is known by the folded address, a user by id; only the rows that differ are written."""
    merge(tenant, TIMES[1], KATE, GUEST)
    answered = {**KATE, "response_status": "declined"}
    merge(tenant, TIMES[2], JACK, {**GUEST, "email": "guest@example.com "}, answered)
    assert [row[:3] for row in members(database)] == [
        (1, 4080, KATE["email"]),
        (2, None, "guest@example.com "),
        (3, 2000, JACK["email"]),
    ]
    assert times(database) == [(TIMES[0], TIMES[2]), (TIMES[0], TIMES[2]), (TIMES[2], TIMES[2])]
    merge(tenant, "2024-01-04T00:00:00.000Z", answered)
    assert [row[0] for row in members(database)] == [1]
    assert times(database) == [(TIMES[0], TIMES[2])]
    merge(tenant, "2024-01-05T00:00:00.000Z", answered, GUEST)
    assert [row[0] for row in members(database)] == [1, 4]  # an id is not given out twice


def test_a_person_who_sits_twice_has_two_rows(tenant: Tenant, database: str) -> None:
    merge(tenant, TIMES[1], KATE, {**KATE, "response_status": "declined"})
    merge(tenant, TIMES[2], {**KATE, "response_status": "tentative"}, KATE)
    assert [(row[0], row[3]) for row in members(database)] == [(1, "tentative"), (2, KATE["response_status"])]


def test_rows_have_times_even_if_the_interview_has_none(tenant: Tenant, database: str) -> None:
    merge(tenant, None, KATE)
    ((created, updated),) = fetch(database, "SELECT created_at, updated_at FROM interviewers")
    ((newest,),) = fetch(database, "SELECT last_updated_at FROM organizations WHERE id = ?", tenant.organization.id)
    assert created == updated == newest


def test_a_renamed_user_has_the_new_address(tenant: Tenant, database: str) -> None:
    kate = {"id": 4080, "name": KATE["name"], "primary_email_address": KATE["email"]}
    tenant.merge_records("users", [kate])
    merge(tenant, TIMES[1], KATE, GUEST)
    tenant.merge_records("users", [{**kate, "primary_email_address": "kate@other.example"}])
    assert [row[:3] for row in members(database)] == [(1, 4080, "kate@other.example"), (2, None, GUEST["email"])]
    assert check(locate(database)) == []
    ((_, kate_at), (_, guest_at)) = times(database)
    assert kate_at > guest_at == TIMES[1]


DAMAGES: Final = {
    "UPDATE interviewers SET response_status = 'tentative' WHERE id = 1": "interview 1 of organization {}: its panel "
    "differs from the rows of its interviewers",
    "DELETE FROM interviewers WHERE id = 2": "interview 1 of organization {}: its panel differs from the rows of its "
    "interviewers",
    "UPDATE organizations SET last_interviewer_id = 1": "organization {name}: its ledger has given out fewer ids of "
    "interviewers than it holds",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_check_finds_rows_that_are_not_those_of_the_panel(tenant: Tenant, database: str, damage: str) -> None:
    merge(tenant, TIMES[1], KATE, GUEST)
    execute(database, damage)
    expected = DAMAGES[damage].format(tenant.organization.id, name=tenant.organization.name)
    assert check(locate(database)) == [expected]


@pytest.mark.slow
def test_an_upgrade_gives_rows_to_stored_panels(storage: Storage, tmp_path: Path) -> None:
    """The same rows as an import of the same interviews, in more chunks than one."""
    database = database_of("0004", storage, tmp_path / "old")
    interviews = [record(number, interviewers=[KATE, GUEST]) for number in range(1, 2_004)]
    insert(database, "organizations", 1, "one", "UTC", 0, 1, 0, 2_003, 2_003, "allow", 0)
    columns = "organization_id, id, application_id, created_at, updated_at, starts_at, ends_at, status, "
    made = [(each["id"], Instant.parse(each["created_at"]), Instant.parse(each["updated_at"])) for each in interviews]
    rows = [
        f"(1, {number}, 4684156, {int(created)}, {int(updated)}, 0, 0, 'complete', FALSE, "
        + (f"x'{document.hex()}')" if "sqlite" in storage.name else f"'\\x{document.hex()}')")
        for (number, created, updated), document in zip(made, map(canonical, interviews), strict=True)
    ]
    execute(
        database,
        f"INSERT INTO scheduled_interviews ({columns} created_through_api, document) VALUES {', '.join(rows)}",
    )
    assert upgrade(locate(database))
    found = fetch(database, "SELECT * FROM interviewers ORDER BY id")
    fresh = storage.new_database(tmp_path / "fresh")
    with opened(fresh) as harness:
        harness.tenant("one").merge(interviews)
    assert found == fetch(fresh, "SELECT * FROM interviewers ORDER BY id")
    assert fetch(database, "SELECT last_interviewer_id FROM organizations") == [(4_006,)]
