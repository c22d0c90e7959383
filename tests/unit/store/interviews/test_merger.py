"""Merging: the newer record is kept, whatever the order of arrival, and the ledger records it."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rowen.app.imports import MergeCounts
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant
from rowen.store.ledger.ledger import LedgerState, next_state
from tests.support.harness import Harness, Tenant, opened
from tests.support.records import Record, canonical, record
from tests.support.scale import scaled
from tests.support.sql import execute, fetch
from tests.support.storage import Storage
from tests.support.strategies import PROFILE, records

OLD, NEW = "2024-01-01T00:00:00.000Z", "2024-01-01T00:00:00.001Z"


def rows(database: str, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    return fetch(database, statement, *values)


def document(database: str, identifier: int) -> bytes:
    ((found,),) = rows(database, "SELECT document FROM scheduled_interviews WHERE id = ?", identifier)
    return bytes(found)


def ledger(database: str) -> tuple[int, int, int, int]:
    statement = "SELECT revision, last_updated_at, last_id, interview_count FROM organizations"
    ((revision, last_updated_at, last_id, interview_count),) = rows(database, statement)
    return revision, last_updated_at, last_id, interview_count


@pytest.mark.parametrize("together", [True, False], ids=["one_batch", "two_batches"])
@pytest.mark.parametrize("first_is_newer", [True, False])
def test_the_newer_record_is_kept(tenant: Tenant, database: str, together: bool, first_is_newer: bool) -> None:
    older, latest = record(1, updated_at=OLD, location="a"), record(1, updated_at=NEW, location="b")
    ordered = [latest, older] if first_is_newer else [older, latest]
    for batch in [ordered] if together else [[each] for each in ordered]:
        tenant.merge(batch)
    assert document(database, 1) == canonical(latest)


def test_a_record_without_a_time_is_older_than_any_with_one(tenant: Tenant, database: str) -> None:
    earliest = record(1, updated_at="0001-01-01T00:00:00.000Z")
    tenant.merge([earliest])
    assert tenant.merge([record(1, updated_at=None)]) == MergeCounts(older=1)
    assert document(database, 1) == canonical(earliest)


def test_each_record_is_counted_once(tenant: Tenant) -> None:
    first = [record(i, updated_at=OLD) for i in range(1, 5)]
    assert tenant.merge([*first, first[0]]) == MergeCounts(new=4, unchanged=1)
    second = [
        first[0],
        record(2, updated_at=NEW),
        record(3, updated_at=None),
        record(9, updated_at=NEW),
        record(9, updated_at=OLD),
    ]
    assert tenant.merge(second) == MergeCounts(new=1, changed=1, unchanged=1, older=2)


def test_a_merge_that_changes_nothing_leaves_the_ledger_alone(tenant: Tenant, database: str) -> None:
    tenant.merge([record(1, updated_at=NEW)])
    before = ledger(database)
    tenant.merge([record(1, updated_at=NEW)])
    tenant.merge([record(1, updated_at=OLD)])
    tenant.merge([])
    assert ledger(database) == before


def test_the_ledger_grows_with_every_commit(tenant: Tenant, database: str) -> None:
    """The writer's clock stands still; the second import is in its future."""
    states = [ledger(database)]
    for number, updated_at in enumerate([OLD, "2024-05-23T23:59:59.999Z", OLD, None], 1):
        tenant.merge([record(number, updated_at=updated_at)])
        states.append(ledger(database))
    assert [state[0] for state in states] == [0, 1, 2, 3, 4]
    assert all(before[1] < after[1] for before, after in pairwise(states))
    assert states[2][1] == Instant.parse("2024-05-23T23:59:59.999Z")
    assert states[-1][2:] == (4, 4)


def test_a_time_of_another_age_does_not_become_the_ledgers(tenant: Tenant, database: str) -> None:
    for number, time in enumerate(("2024-05-24T00:00:00.001Z", "2024-06-30T00:00:00.000Z", "9999-12-31T23:59:59.999Z")):
        tenant.merge([record(number + 1, updated_at=time)])
    assert ledger(database)[1] < Instant.parse("2024-05-23T00:00:01Z")


@PROFILE
@given(st.integers(-(2**40), 2**41), st.integers(-(2**40), 2**41))
def test_the_next_state_is_later_whatever_the_clock_says(last: int, now: int) -> None:
    state = LedgerState(7, Instant(last), 3, 2, 9)
    following = next_state(state, Instant(now))
    assert following.last_updated_at > last
    assert following.last_updated_at >= now
    assert following[0::2] == (8, 3, 9)


@pytest.fixture(scope="module")
def shared(storage: Storage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    with opened(storage.new_database(tmp_path_factory.mktemp("merging"))) as harness:
        yield harness


def kept(tenant: Tenant) -> list[list[tuple[Any, ...]]]:
    database, of = tenant.harness.database, tenant.organization.id
    without = "id, application_id, external_event_id, created_at, updated_at, starts_at, ends_at, status, document"
    times = ", ".join(f"CASE resource WHEN 'applications' THEN {name}_at END" for name in ("created", "updated"))
    around = f"resource, id, status, derived, evidence, {times}"
    booked = "interview_id, person, ends_at, starts_at"
    return [
        rows(database, f"SELECT {without} FROM scheduled_interviews WHERE organization_id = ? ORDER BY id", of),
        rows(database, f"SELECT {around} FROM records WHERE organization_id = ? ORDER BY resource, id", of),
        rows(database, f"SELECT {booked} FROM panel WHERE organization_id = ? ORDER BY 1, 2, 3", of),
        rows(database, "SELECT resource, name, value, id FROM terms WHERE organization_id = ? ORDER BY 1, 2, 3, 4", of),
        rows(database, "SELECT last_id, interview_count FROM organizations WHERE id = ?", of),
    ]


@pytest.mark.slow
@settings(PROFILE, max_examples=scaled(80))
@given(st.lists(records, min_size=1, max_size=8), st.data())
def test_neither_order_nor_batches_matter(shared: Harness, drawn: list[Record], data: st.DataObject) -> None:
    """The same rows, records, bookings and counts, in whatever order the records arrive, also several of one id."""
    drawn = [{**each, "id": each["id"] % 3 + 1} for each in drawn]
    one, two = shared.tenant(), shared.tenant()
    one.merge(drawn)
    rest = data.draw(st.permutations(drawn))
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        two.merge(rest[:size])
        rest = rest[size:]
    assert kept(one) == kept(two)


def test_an_unknown_organization_has_no_ledger(tenant: Tenant) -> None:
    nobody = replace(tenant, organization=tenant.organization._replace(id=OrganizationId(99)))
    with pytest.raises(LookupError):
        nobody.merge([record(1)])


REFUSED = {
    "sqlite": ("CREATE TRIGGER no BEFORE UPDATE ON organizations BEGIN SELECT RAISE(ABORT, 'no'); END",),
    "postgres": (
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE integrity_constraint_violation; END'",
        "CREATE TRIGGER no BEFORE UPDATE ON organizations FOR EACH ROW EXECUTE FUNCTION no()",
    ),
}
"""How each engine is made to refuse the last statement of a merge."""


def test_nothing_is_kept_of_a_merge_that_fails(storage: Storage, tenant: Tenant, database: str) -> None:
    execute(database, *REFUSED[storage.name])
    before = ledger(database)
    with pytest.raises((sqlite3.IntegrityError, asyncpg.IntegrityConstraintViolationError)):
        tenant.merge([record(1)])
    assert ledger(database) == before
    assert rows(database, "SELECT id FROM scheduled_interviews UNION SELECT id FROM records") == []
