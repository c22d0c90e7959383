"""Merging users, applications, stages and scorecards: the better record is kept, and renames apply everywhere."""

from typing import Any

import msgspec
import pytest

from rowen.app.imports import MergeCounts
from rowen.store.database import locate
from rowen.wiring import check
from tests.support.harness import Tenant
from tests.support.records import Record, canonical, record
from tests.support.sql import fetch

OLD, NEW = "2024-01-01T00:00:00.000Z", "2024-01-01T00:00:00.001Z"
KATE: Record = {
    "id": 4080,
    "name": "Kate Austen",
    "first_name": "Kate",
    "last_name": "Austen",
    "primary_email_address": "kate.austen@example.com",
    "updated_at": OLD,
    "employee_id": "employee123",
}
FORD: Record = {**KATE, "name": "Kate Ford", "last_name": "Ford", "updated_at": NEW}


def rows(database: str, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    return fetch(database, statement, *values)


def stored(database: str, resource: str, identifier: int) -> dict[str, Any]:
    statement = "SELECT document, derived FROM records WHERE resource = ? AND id = ?"
    ((document, derived),) = rows(database, statement, resource, identifier)
    return {**msgspec.json.decode(document), "derived": derived}


def interview(database: str, identifier: int) -> Any:
    ((document,),) = rows(database, "SELECT document FROM scheduled_interviews WHERE id = ?", identifier)
    return msgspec.json.decode(document)


def changes(database: str) -> list[tuple[Any, ...]]:
    return rows(database, "SELECT revision, kind, interview_id, document IS NULL FROM changes ORDER BY revision")


@pytest.mark.parametrize("newer_first", [True, False])
def test_the_newer_record_is_kept(tenant: Tenant, database: str, newer_first: bool) -> None:
    counts = [tenant.merge_records("users", [each]) for each in ([FORD, KATE] if newer_first else [KATE, FORD])]
    assert counts[0] == MergeCounts(new=1)
    assert counts[1] == (MergeCounts(older=1) if newer_first else MergeCounts(changed=1))
    assert tenant.merge_records("users", [FORD, FORD]) == MergeCounts(unchanged=2)
    assert stored(database, "users", 4080)["name"] == "Kate Ford"


def test_imported_records_replace_inferred_ones(tenant: Tenant, database: str) -> None:
    tenant.merge([record(1)])
    assert stored(database, "users", 4080)["derived"]
    assert tenant.merge_records("users", [{"id": 4080, "updated_at": None}]) == MergeCounts(new=1)
    tenant.merge([record(2, updated_at="2030-01-01T00:00:00.000Z")])
    found = stored(database, "users", 4080)
    assert not found["derived"]
    assert found["name"] is None


def test_a_stage_takes_the_place_of_its_interviews(tenant: Tenant, database: str) -> None:
    tenant.merge([record(1)])
    assert stored(database, "job_stages", 7001)["interviews"][0]["name"] == "Culture Fit"
    tenant.merge_records("job_stages", [{"id": 5, "job_id": 3, "interviews": [{"id": 7001, "name": "Fit"}]}])
    tenant.merge([record(2)])
    assert rows(database, "SELECT id FROM records WHERE resource = 'job_stages'") == [(5,)]
    assert rows(database, "SELECT name, value, id FROM terms WHERE resource = 'job_stages' ORDER BY 1") == [
        ("interview_id", "7001", 5),
        ("job_id", "3", 5),
    ]


def test_a_renamed_user_is_renamed_everywhere(tenant: Tenant, database: str) -> None:
    organizer = {key: KATE[key] for key in ("id", "first_name", "last_name", "name", "employee_id")}
    tenant.merge([record(1), record(2, organizer=organizer, interviewers=[]), record(3, interviewers=[])])
    tenant.merge_records("users", [{**KATE, "name": "Kate Austen"}])
    assert [kind for _, kind, *_ in changes(database)] == ["imported", "imported"]
    tenant.merge_records("users", [FORD])
    assert interview(database, 1)["interviewers"][0]["name"] == "Kate Ford"
    assert interview(database, 2)["organizer"] == {**organizer, "name": "Kate Ford", "last_name": "Ford"}
    assert interview(database, 3)["updated_at"] == record(3)["updated_at"]
    assert changes(database)[2:] == [(3, "imported", None, 1), (4, "person_renamed", 1, 0), (5, "person_renamed", 2, 0)]
    ((summary, document, updated_at),) = rows(
        database,
        "SELECT summary, c.document, i.updated_at FROM changes AS c JOIN scheduled_interviews AS i ON id = interview_id"
        " WHERE c.revision = 5",
    )
    assert document == canonical(interview(database, 2))
    change = msgspec.json.decode(summary)
    assert change["time"] == interview(database, 2)["updated_at"] > interview(database, 1)["updated_at"]
    assert change["fields"] == [
        {"field": "organizer", "before": organizer, "after": interview(database, 2)["organizer"]}
    ]
    assert change["actor"] == {"kind": "import", "id": None, "name": None, "api_key": None}
    assert rows(database, "SELECT revision, last_updated_at FROM organizations") == [(5, updated_at)]
    assert check(locate(database)) == []


def test_an_inferred_user_is_renamed_too(tenant: Tenant, database: str) -> None:
    tenant.merge([record(1)])
    address = {"primary_email_address": "kate@example.org", "employee_id": None}
    assert tenant.merge_records("users", [{**KATE, **address}]) == MergeCounts(new=1)
    (seat,) = interview(database, 1)["interviewers"]
    assert seat == {**record(1)["interviewers"][0], "email": "kate@example.org"}
    assert rows(database, "SELECT person FROM panel") == [(4080,)]


def test_an_import_is_one_change_a_resource(tenant: Tenant, database: str) -> None:
    tenant.merge([record(1), record(2)])
    tenant.merge_records("applications", [{"id": 9, "applied_at": OLD}])
    tenant.merge_records("applications", [{"id": 9, "applied_at": OLD}])
    summaries = [msgspec.json.decode(row[0]) for row in rows(database, "SELECT summary FROM changes ORDER BY revision")]
    assert [(each["resource"], each["counts"]) for each in summaries] == [
        ("scheduled_interviews", {"new": 2, "changed": 0}),
        ("applications", {"new": 1, "changed": 0}),
    ]
    assert list(summaries[0]) == [
        *("revision", "time", "kind", "actor"),
        *("scheduled_interview_id", "resource", "counts", "fields"),
    ]


def test_bookings_follow_the_interviews(tenant: Tenant, database: str) -> None:
    kate, sun = record(1)["interviewers"][0], {**record(1)["interviewers"][0], "id": 5}
    tenant.merge([record(1, updated_at=OLD, interviewers=[kate, sun])])
    declined = {**sun, "response_status": "declined"}
    moved = {"start": {"date": "2024-05-01"}, "end": {"date": "2024-05-02"}}
    tenant.merge([record(1, updated_at=NEW, interviewers=[kate, declined], **moved)])
    assert rows(database, "SELECT person, interview_id, ends_at - starts_at FROM panel") == [(4080, 1, 86_400_000)]
    assert rows(database, "SELECT due_at FROM scheduled_interviews") == [(None,)]


def test_an_application_lasts_from_its_first_interview_to_its_newest(tenant: Tenant, database: str) -> None:
    first = {"created_at": OLD, "updated_at": OLD, "application_id": 1}
    for each in (
        record(1, **{**first, "created_at": NEW}),
        record(2, **first),
        record(3, **{**first, "updated_at": NEW}),
    ):
        tenant.merge([each])
    statement = "SELECT updated_at - created_at, status, derived, document FROM records WHERE resource = 'applications'"
    assert rows(database, statement) == [(1, "active", 1, None)]


def test_of_users_without_times_those_imported_last_count(tenant: Tenant, database: str) -> None:
    """As in tables that people keep: `Alice` replaced `Bob`, but not the other way round."""
    bob, alice = {"id": 1, "name": "Bob Smith"}, {"id": 1, "name": "Alice Smith"}
    counts = [tenant.merge_records("users", [each]) for each in (bob, alice, bob, bob)]
    assert counts == [MergeCounts(new=1), MergeCounts(changed=1), MergeCounts(changed=1), MergeCounts(unchanged=1)]
    tenant.merge_records("users", [{**bob, "updated_at": NEW}])
    assert tenant.merge_records("users", [alice]) == MergeCounts(changed=1)
    assert stored(database, "users", 1)["name"] == "Alice Smith"
