"""The plans of SQLite: from indexes, in order, never by reading the whole wide table."""

import re
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager

import msgspec
import pytest

from rowen.api.codec import documents, holds, setups
from rowen.api.codec import records as record_codec
from rowen.store.engines.base import Engine, Prepared
from rowen.store.engines.sqlite import connections
from rowen.store.engines.sqlite.engine import SqliteEngine
from rowen.store.engines.sqlite.location import SqliteFile
from rowen.store.interviews import statements
from rowen.store.interviews.agenda import AgendaReader
from rowen.store.interviews.calendars import CalendarReader
from rowen.store.ledger.feed import ChangeFeed
from rowen.store.planning import PlanningReader
from rowen.store.schema.tables import OPEN
from rowen.store.unit_of_work.statements import WriteStatements
from tests.support.criteria import SETS
from tests.support.harness import Tenant
from tests.support.records import canonical, record
from tests.support.statements import statement_of, statements_of
from tests.support.storage import SQLITE, Storage


@pytest.fixture(scope="session")
def storage() -> Storage:
    """Return the engine of these tests."""
    return SQLITE


@contextmanager
def opened(database: str) -> Iterator[tuple[SqliteEngine, sqlite3.Connection]]:
    path = SqliteFile.parse(database).path
    with closing(connections.connect(path)) as connection:
        yield SqliteEngine(path), connection


def plan(connection: sqlite3.Connection, statement: Prepared) -> list[str]:
    """Return the steps by which SQLite runs a statement."""
    values = ["[]" if name in ("ids", "rooms") else 1 for name in statement.parameters]
    return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement.text}", values)]


def test_every_filter_is_answered_from_an_index(tenant: Tenant, database: str) -> None:
    tenant.merge([record(i) for i in range(1, 400)], created_through_api=True)
    with opened(database) as (engine, connection):
        for criteria in SETS:
            steps = plan(connection, engine.prepare(statements.gathered(engine, criteria)))
            mine = [step for step in steps if "scheduled_interviews" in step]
            assert mine, steps
            for step in mine:
                assert re.search(r"SEARCH scheduled_interviews USING (COVERING )?(INDEX|PRIMARY KEY)", step), steps
                assert "organization_id=?" in step, steps
                assert indexed_as_it_should_be(step, criteria), (criteria, steps)


def indexed_as_it_should_be(step: str, criteria: Collection[str]) -> bool:
    if statements.NARROW.intersection(criteria):
        looked_up = "USING PRIMARY KEY (organization_id=? AND id=?)" in step
        return looked_up or any(f"by_{name}" in step and f"{name}=?" in step for name in statements.NARROW)
    return "USING COVERING INDEX" in step


def test_pages_are_ranges_of_the_primary_key(tenant: Tenant, database: str) -> None:
    tenant.merge([record(i) for i in range(1, 400)])
    with opened(database) as (engine, connection):
        chunk = [s for s in plan(connection, engine.prepare(statements.chunk(engine))) if "scheduled" in s]
        assert chunk[0] == "SEARCH scheduled_interviews USING PRIMARY KEY (organization_id=? AND id>?)"
        assert all("id>?" in step for step in chunk)
        for make in (statements.listed, statements.listed_documents):
            steps = plan(connection, engine.prepare(make(engine)))
            assert "SEARCH scheduled_interviews USING PRIMARY KEY (organization_id=? AND id=?)" in steps
            assert not any("TEMP B-TREE FOR ORDER BY" in step for step in steps), steps
        for single, key in (
            (statements.document(), "(organization_id=? AND id=?)"),
            (statements.application(), "(organization_id=? AND resource=? AND id=?)"),
        ):
            (step,) = plan(connection, engine.prepare(single))
            assert "USING" in step
            assert key in step


def test_documents_are_joined_in_the_order_of_their_ids(tenant: Tenant, database: str) -> None:
    """In whatever order they were inserted, and in whatever order their ids are given."""
    order = [(i * 7_919) % 2_003 for i in range(1, 500)]
    for start in range(0, len(order), 50):
        tenant.merge([record(i) for i in order[start : start + 50]])
    expected = b",".join(canonical(record(i)) for i in sorted(order))
    with opened(database) as (engine, connection):
        chunk, listed = (engine.prepare(make(engine)) for make in (statements.chunk, statements.listed))
        values = {
            "organization": tenant.organization.id,
            "after": 0,
            "size": 500,
            "offset": 0,
            "ids": msgspec.json.encode(order).decode(),
        }
        for statement in (chunk, listed):
            row = connection.execute(statement.text, [values[name] for name in statement.parameters]).fetchone()
            assert row[3:6] == (expected, len(order), max(order))


@pytest.mark.usefixtures("tenant")
def test_a_constant_without_a_name_is_refused(database: str) -> None:
    with opened(database) as (engine, _), pytest.raises(ValueError, match="literal columns"):
        assert engine.prepare(statements.document().where(OPEN == 1)).text


def test_a_history_is_found_by_its_index(tenant: Tenant, database: str) -> None:
    """SQLite used the primary key, and with it read all changes."""
    tenant.merge([record(1)])
    with opened(database) as (engine, connection):
        found = [*statements_of(ChangeFeed, engine, "interview_id = "), WriteStatements(engine).last_change]
        for each in found:
            (step,) = plan(connection, each)
            assert step == "SEARCH changes USING INDEX changes_by_interview (organization_id=? AND interview_id=?)"
        assert len(found) == 3
        (due,) = plan(connection, WriteStatements(engine).due)
        assert "scheduled_interviews_due" in due


def test_interviews_that_await_feedback_are_found_by_their_index(tenant: Tenant, database: str) -> None:
    tenant.merge([record(1)])
    with opened(database) as (engine, connection):
        (step,) = plan(connection, statement_of(AgendaReader, engine, "awaiting_feedback"))
        of_user = plan(connection, statement_of(AgendaReader, engine, "EXISTS"))
    assert re.match(r"SEARCH interviewers (EXISTS )?USING INDEX interviewers_by_interview_id", of_user[-1]), of_user
    found = "SEARCH scheduled_interviews USING INDEX scheduled_interviews_awaiting"
    assert step == f"{found} (organization_id=? AND ends_at>? AND ends_at<?)"


def test_a_search_reads_the_interviews_of_its_applications_and_people_only(tenant: Tenant, database: str) -> None:
    tenant.merge([record(1)])
    with opened(database) as (engine, connection):
        (of_application,) = plan(connection, statement_of(AgendaReader, engine, "application_id = "))
        to_come = plan(connection, statement_of(AgendaReader, engine, "panel.person = "))
    found = "SEARCH scheduled_interviews USING INDEX scheduled_interviews_by_application_id"
    assert of_application == f"{found} (organization_id=? AND application_id=?)"
    assert to_come == [
        "SEARCH panel USING PRIMARY KEY (organization_id=? AND person=? AND ends_at>?)",
        "SEARCH scheduled_interviews USING PRIMARY KEY (organization_id=? AND id=?)",
    ]


def test_a_week_reads_the_interviews_that_start_in_it(tenant: Tenant, database: str) -> None:
    tenant.merge([record(1)])
    with opened(database) as (engine, connection):
        first, *others = plan(connection, statement_of(AgendaReader, engine, "EXISTS"))
    found = "SEARCH scheduled_interviews USING INDEX scheduled_interviews_by_starts_at"
    assert first == f"{found} (organization_id=? AND starts_at>? AND starts_at<?)"
    assert all("SCAN" not in step and "TEMP B-TREE" not in step for step in others), others


def test_what_planning_reads_is_found_by_indexes(tenant: Tenant, database: str) -> None:
    tenant.merge([record(1)])
    with opened(database) as (engine, connection):
        reader = PlanningReader(engine, (record_codec, setups, holds))
        for statement, step in (
            (reader.bookings, "SEARCH panel USING PRIMARY KEY (organization_id=? AND person=? AND ends_at>?)"),
            (
                reader.in_rooms,
                "SEARCH panel USING PRIMARY KEY (organization_id=? AND person=? AND ends_at>? AND ends_at<?)",
            ),
            (reader.of_application, "USING INDEX scheduled_interviews_by_application_id"),
            (reader.panels, "SEARCH interviewers USING INDEX interviewers_by_interview_id"),
            (reader.busy, "(organization_id=? AND user_id=?)"),
        ):
            steps = plan(connection, statement)
            assert any(step in each for each in steps), steps
            assert not any("SCAN" in each and "VIRTUAL TABLE" not in each for each in steps), steps


def test_calendars_read_their_interviews_only(tenant: Tenant, database: str) -> None:
    tenant.merge([record(1)])
    with opened(database) as (engine, connection):

        def make(engine: Engine) -> CalendarReader:
            return CalendarReader(engine, documents, record_codec)

        for criterion, step in (
            ("panel.person = ", "SEARCH panel USING PRIMARY KEY (organization_id=? AND person=? AND ends_at>?)"),
            ("terms.value = ", "SEARCH terms USING PRIMARY KEY"),
            ("found.application_id = ", "SEARCH found USING COVERING INDEX scheduled_interviews_by_application_id"),
            ("kind = 'cancelled'", "SEARCH changes USING INDEX changes_cancelled (organization_id=? AND time>?)"),
        ):
            steps = plan(connection, statement_of(make, engine, criterion, "LIMIT 5000"))
            assert any(step in each for each in steps), steps
            reads = [each for each in steps if "scheduled_interviews USING" in each]
            assert reads == ["SEARCH scheduled_interviews USING PRIMARY KEY (organization_id=? AND id=?)"], steps
        (everybody,) = (
            each
            for each in statements_of(make, engine, "scheduled_interviews.ends_at >= ", "LIMIT 5000")
            if " IN " not in each.text
        )
        assert plan(connection, everybody) == [
            "SEARCH scheduled_interviews USING INDEX scheduled_interviews_by_ends_at (organization_id=? AND ends_at>?)"
        ]
