"""Imported times that are too far ahead: set to the time of the commit, and never newer than the stored ones."""

import msgspec
import pytest

from rowen.app.imports import MergeCounts
from rowen.interviews.moments import Instant
from rowen.store.database import locate
from rowen.wiring import check
from tests.support.harness import NOW, Tenant
from tests.support.records import Record, record
from tests.support.sql import fetch

FAR, FARTHER = "2030-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"
HOUR = 3_600_000


def interview(database: str, identifier: int) -> Record:
    ((document, created_at, updated_at),) = fetch(
        database, "SELECT document, created_at, updated_at FROM scheduled_interviews WHERE id = ?", identifier
    )
    found: Record = msgspec.json.decode(document)
    assert [found["created_at"], found["updated_at"]] == [written(created_at), written(updated_at)]
    return found


def written(time: int | None) -> str | None:
    return None if time is None else str(Instant(time))


def stored(database: str, resource: str, identifier: int) -> Record:
    ((document,),) = fetch(database, "SELECT document FROM records WHERE resource = ? AND id = ?", resource, identifier)
    found: Record = msgspec.json.decode(document)
    return found


def newest(database: str) -> str:
    ((time,),) = fetch(database, "SELECT last_updated_at FROM organizations")
    return str(Instant(time))


def test_a_time_too_far_ahead_becomes_that_of_the_commit(tenant: Tenant, database: str) -> None:
    assert tenant.merge([record(1, updated_at=FAR, created_at=FARTHER)], clamp=True) == MergeCounts(new=1)
    found = interview(database, 1)
    assert found == record(1, updated_at=newest(database), created_at=newest(database))
    assert check(locate(database), Instant(NOW + HOUR)) == []


def test_a_day_ahead_is_not_too_far(tenant: Tenant, database: str) -> None:
    latest = str(Instant(NOW + 24 * HOUR))
    tenant.merge([record(1, updated_at=latest, created_at=latest)], clamp=True)
    assert interview(database, 1)["updated_at"] == latest == newest(database)


def test_importing_it_again_changes_nothing(tenant: Tenant, database: str) -> None:
    given = [record(1, updated_at=FAR), record(2, created_at=FAR), record(3, updated_at=FAR, created_at=FARTHER)]
    tenant.merge(given, clamp=True)
    before = [interview(database, number) for number in (1, 2, 3)]
    assert tenant.merge(given, now=Instant(NOW + HOUR), clamp=True) == MergeCounts(unchanged=3)
    assert [interview(database, number) for number in (1, 2, 3)] == before


def test_it_replaces_earlier_imports(tenant: Tenant, database: str) -> None:
    tenant.merge([record(1)])
    assert tenant.merge([record(1, location="Dharma", updated_at=FAR)], clamp=True) == MergeCounts(changed=1)
    assert interview(database, 1)["location"] == "Dharma"
    assert check(locate(database)) == []


def test_the_record_farther_ahead_in_a_batch_is_kept(tenant: Tenant, database: str) -> None:
    given = [record(1, location="b", updated_at=FARTHER), record(1, location="z", updated_at=FAR)]
    assert tenant.merge(given, clamp=True) == MergeCounts(new=1, older=1)
    assert interview(database, 1)["location"] == "b"


def test_it_replaces_a_time_that_was_accepted_before(tenant: Tenant, database: str) -> None:
    tenant.merge([record(1, updated_at=FARTHER)])
    assert tenant.merge([record(1, updated_at=FAR)], clamp=True) == MergeCounts(changed=1)
    assert interview(database, 1)["updated_at"] == newest(database)


def test_observations_are_dated_like_their_interview(tenant: Tenant, database: str) -> None:
    kate = record(1)["interviewers"][0]
    tenant.merge([record(1, updated_at=FAR)], clamp=True)
    later = str(Instant(NOW + 2 * HOUR))
    tenant.merge([record(2, updated_at=later, interviewers=[{**kate, "name": "Kate Ford"}])])
    assert stored(database, "users", kate["id"])["name"] == "Kate Ford"


RECORDS: dict[str, tuple[str, Record]] = {
    "users": ("updated_at", {"id": 5, "name": "Kate", "emails": ["kate@example.com"]}),
    "applications": ("last_activity_at", {"id": 5, "prospect": False, "jobs": [{"id": 9}]}),
    "job_stages": ("updated_at", {"id": 5, "name": "Screen", "job_id": 9, "interviews": []}),
    "scorecards": ("updated_at", {"id": 5, "application_id": 9, "interviewer": None}),
    "candidates": ("updated_at", {"id": 5, "first_name": "Kate", "email_addresses": []}),
    "jobs": ("updated_at", {"id": 5, "name": "Surgeon", "requisition_id": None}),
}


@pytest.mark.parametrize("resource", RECORDS)
def test_records_around_interviews_have_such_times_too(tenant: Tenant, database: str, resource: str) -> None:
    field, given = RECORDS[resource]
    far = {**given, field: FAR}
    assert tenant.merge_records(resource, [far], clamp=True) == MergeCounts(new=1)
    assert stored(database, resource, 5)[field] == newest(database)
    later = Instant(NOW + HOUR)
    assert tenant.merge_records(resource, [far], now=later, clamp=True) == MergeCounts(unchanged=1)
    changed = {**far, "mood": "good"}
    assert tenant.merge_records(resource, [changed], now=later, clamp=True) == MergeCounts(changed=1)
    assert stored(database, resource, 5)[field] == newest(database) >= str(later)
    assert check(locate(database), later) == []


@pytest.mark.parametrize("farther_first", [True, False])
def test_the_user_farther_ahead_in_a_batch_is_kept(tenant: Tenant, database: str, farther_first: bool) -> None:
    """A user without a time would count as newer than any: a superseded one must not become such a user."""
    given = [{"id": 5, "name": "Kate", "updated_at": FARTHER}, {"id": 5, "name": "Zoe", "updated_at": FAR}]
    counts = tenant.merge_records("users", given if farther_first else given[::-1], clamp=True)
    assert counts == MergeCounts(new=1, older=1)
    found = stored(database, "users", 5)
    assert (found["name"], found["updated_at"]) == ("Kate", newest(database))


def test_an_undated_interview_does_not_put_its_application_into_the_future(tenant: Tenant, database: str) -> None:
    """It did: the application counted as created when the interview begins, so that `created_after` missed others."""
    start = {"date_time": str(Instant(NOW + 90 * 24 * HOUR))}
    tenant.merge([record(1, created_at=None, start=start, end=start)])
    ((created_at,),) = fetch(database, "SELECT created_at FROM records WHERE resource = 'applications'")
    assert created_at == NOW
