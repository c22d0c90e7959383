"""Merging: the newer record stays, whatever the order of arrival, and the ledger knows."""

import sqlite3
from itertools import pairwise
from typing import Any

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rowen.app.ports import MergeCounts
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant
from rowen.store.ledger import LedgerState, next_state
from tests.concurrency.writer import Client, Writer, writing
from tests.property.strategies import PROFILE, records
from tests.support.records import Record, canonical, record
from tests.support.sql import execute, fetch
from tests.support.storage import Storage

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
def test_the_newer_stays(writer: Writer, client: Client, database: str, together: bool, first_is_newer: bool) -> None:
    older, newer = record(1, updated_at=OLD, location="a"), record(1, updated_at=NEW, location="b")
    ordered = [newer, older] if first_is_newer else [older, newer]
    for batch in [ordered] if together else [[each] for each in ordered]:
        writer.merge(client, batch)
    assert document(database, 1) == canonical(newer)


def test_a_record_without_a_time_is_older_than_any_with_one(writer: Writer, client: Client, database: str) -> None:
    earliest = record(1, updated_at="0001-01-01T00:00:00.000Z")
    writer.merge(client, [earliest])
    assert writer.merge(client, [record(1, updated_at=None)]) == MergeCounts(older=1)
    assert document(database, 1) == canonical(earliest)


def test_each_record_is_counted_once(writer: Writer, client: Client) -> None:
    first = [record(i, updated_at=OLD) for i in range(1, 5)]
    assert writer.merge(client, [*first, first[0]]) == MergeCounts(new=4, unchanged=1)
    second = [
        first[0],
        record(2, updated_at=NEW),
        record(3, updated_at=None),
        record(9, updated_at=NEW),
        record(9, updated_at=OLD),
    ]
    assert writer.merge(client, second) == MergeCounts(new=1, changed=1, unchanged=1, older=2)


def test_a_merge_that_changes_nothing_leaves_the_ledger_alone(writer: Writer, client: Client, database: str) -> None:
    writer.merge(client, [record(1, updated_at=NEW)])
    before = ledger(database)
    writer.merge(client, [record(1, updated_at=NEW)])
    writer.merge(client, [record(1, updated_at=OLD)])
    writer.merge(client, [])
    assert ledger(database) == before


def test_the_ledger_grows_with_every_commit(writer: Writer, client: Client, database: str) -> None:
    """The writer's clock stands still; the second import lies in the future of it."""
    states = [ledger(database)]
    for number, updated_at in enumerate([OLD, "2025-01-01T00:00:00.000Z", OLD, None], 1):
        writer.merge(client, [record(number, updated_at=updated_at)])
        states.append(ledger(database))
    assert [state[0] for state in states] == [0, 1, 2, 3, 4]
    assert all(before[1] < after[1] for before, after in pairwise(states))
    assert states[2][1] == Instant.parse("2025-01-01")
    assert states[-1][2:] == (4, 4)


def test_a_time_of_another_age_does_not_become_the_ledgers(writer: Writer, client: Client, database: str) -> None:
    writer.merge(client, [record(1, updated_at="9999-12-31T23:59:59.999Z")])
    assert ledger(database)[1] < Instant.parse("2025-01-01")


@PROFILE
@given(st.integers(-(2**40), 2**41), st.integers(-(2**40), 2**41))
def test_the_next_state_is_later_whatever_the_clock_says(last: int, now: int) -> None:
    state = LedgerState(7, Instant(last), 3, 2)
    following = next_state(state, Instant(now))
    assert following.last_updated_at > last
    assert following.last_updated_at >= now
    assert following[0::2] == (8, 3)


@pytest.fixture(scope="module")
def shared(storage: Storage, tmp_path_factory: pytest.TempPathFactory) -> Any:
    database = storage.new_database(tmp_path_factory.mktemp("merging"))
    with writing(database) as writer:
        yield writer, database


def kept(database: str, client: Client) -> list[list[tuple[Any, ...]]]:
    of = client.organization.id
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


_names = iter(range(10**6))


@settings(PROFILE, max_examples=40)
@given(st.lists(records, min_size=1, max_size=8), st.data())
def test_neither_order_nor_batches_matter(shared: tuple[Writer, str], drawn: list[Record], data: st.DataObject) -> None:
    """The same rows, records, bookings and counts, however the records arrive: rivals of one id among them."""
    writer, database = shared
    drawn = [{**each, "id": each["id"] % 3 + 1} for each in drawn]
    one, two = writer.new_client(f"{next(_names)}"), writer.new_client(f"{next(_names)}")
    writer.merge(one, drawn)
    rest = data.draw(st.permutations(drawn))
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        writer.merge(two, rest[:size])
        rest = rest[size:]
    assert kept(database, one) == kept(database, two)


def test_an_unknown_organization_has_no_ledger(writer: Writer, client: Client) -> None:
    nobody = Client(client.organization._replace(id=OrganizationId(99)), "")
    with pytest.raises(LookupError):
        writer.merge(nobody, [record(1)])


REFUSED = {
    "sqlite": ("CREATE TRIGGER no BEFORE UPDATE ON organizations BEGIN SELECT RAISE(ABORT, 'no'); END",),
    "postgres": (
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE integrity_constraint_violation; END'",
        "CREATE TRIGGER no BEFORE UPDATE ON organizations FOR EACH ROW EXECUTE FUNCTION no()",
    ),
}
"""How each engine is made to refuse the last statement of a merge."""


def test_nothing_is_kept_of_a_merge_that_fails(storage: Storage, writer: Writer, client: Client, database: str) -> None:
    execute(database, *REFUSED[storage.name])
    before = ledger(database)
    with pytest.raises((sqlite3.IntegrityError, asyncpg.IntegrityConstraintViolationError)):
        writer.merge(client, [record(1)])
    assert ledger(database) == before
    assert rows(database, "SELECT id FROM scheduled_interviews UNION SELECT id FROM records") == []
