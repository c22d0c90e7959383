"""The plans of PostgreSQL: by indexes, and in only one partition, whatever the parameters.

The plans are those that a session makes and keeps, for any parameters, with empty tables and with filled ones.
"""

import asyncio
import json
import re
from collections.abc import Iterator, Sequence
from functools import partial
from inspect import getmembers
from itertools import combinations
from typing import Any, Final, NamedTuple

import pytest
from sqlalchemy.sql.expression import ClauseElement

from rowen import wiring
from rowen.api.codec import documents, holds, setups
from rowen.api.codec import records as record_codec
from rowen.app.records import CRITERIA
from rowen.store.busy import BusyTable
from rowen.store.busy_addresses import BusyAddressTable
from rowen.store.database import locate
from rowen.store.engines.base import Prepared
from rowen.store.engines.postgres.engine import PostgresEngine
from rowen.store.engines.postgres.pool import Connection, ConnectionPool
from rowen.store.import_checkpoints import ImportCheckpoints
from rowen.store.interviews import statements
from rowen.store.interviews.conflicts import ConflictFinder
from rowen.store.ledger.feed import ChangeFeed
from rowen.store.planning import PlanningReader
from rowen.store.records import reader
from rowen.store.records.writer import RecordWriter
from rowen.store.rows import statements as rows
from rowen.store.rows.filters import FILTERS
from rowen.store.schema.tables import PARTITIONS, metadata
from rowen.store.unit_of_work.due_interviews import DueInterviewFinder
from rowen.store.unit_of_work.statements import WriteStatements
from rowen.store.webhooks.outbox import Outbox
from rowen.store.webhooks.subscriptions import WebhookTable
from tests.support.criteria import SETS
from tests.support.harness import opened
from tests.support.records import Record, record
from tests.support.sql import execute
from tests.support.statements import statement_of, statements_of
from tests.support.storage import POSTGRES

DIVIDED: Final = frozenset(
    name for name, table in metadata.tables.items() if table.kwargs.get("postgresql_partition_by")
)
SMALL: Final = frozenset({"organizations", "api_keys", "calendars", "clients", "mirrors", "people", "webhooks"})
"""Tables that may be read completely in statements without an organization."""

ORGANIZATION: Final = frozenset({"organization", "organization_id"})


class Access(NamedTuple):
    """One access to a table: the kind of step, the table, its partition, the index if any, and the condition."""

    kind: str
    table: str
    part: str
    by: str
    condition: str


class Planner:
    """A session that plans like those of a server."""

    def __init__(self, url: str) -> None:
        self._runner = asyncio.Runner()
        self._pool = ConnectionPool(url, 1, 60)
        self._connection: Connection = self._runner.run(self._pool.acquire())

    def plan(self, statement: Prepared) -> list[Access]:
        """Return how a statement accesses its rows."""
        return self._runner.run(self._plan(statement))

    async def _plan(self, statement: Prepared) -> list[Access]:
        # As text, each value gets the type of its parameter.
        arrays = {int(number) for number in re.findall(r"\bany\(\$(\d+)", statement.text)}
        numbers = range(1, len(statement.parameters) + 1)
        values = ", ".join("'{1,2}'" if number in arrays else "'1'" for number in numbers)
        await self._connection.execute(f"PREPARE planned AS {statement.text}")
        try:
            execution = f"planned({values})" if values else "planned"
            text = await self._connection.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE {execution}")
        finally:
            await self._connection.execute("DEALLOCATE planned")
        return list(_accesses(json.loads(text)[0]["Plan"], ""))

    def close(self) -> None:
        self._pool.release(self._connection)
        self._runner.run(self._pool.close())
        self._runner.close()


def _accesses(node: dict[str, Any], part: str) -> Iterator[Access]:
    """Yield the steps of a plan that read a table; index scans within others have no table of their own."""
    part = node.get("Relation Name", part)
    kind = node["Node Type"]
    if kind not in ("Bitmap Heap Scan", "ModifyTable") and ("Relation Name" in node or "Index Name" in node):
        table = part.rpartition("_")[0] if part.rpartition("_")[2].isdigit() else part
        condition = re.sub(r'[()]|::text| COLLATE "C"', "", node.get("Index Cond", ""))
        yield Access(kind, table, part, node.get("Index Name", ""), condition)
    for child in node.get("Plans", ()):
        yield from _accesses(child, part)


class Recording(PostgresEngine):
    """An engine that records its prepared statements."""

    def __init__(self, url: str) -> None:
        super().__init__(url, "plans")
        self.prepared: list[Prepared] = []

    def prepare(self, statement: ClauseElement) -> Prepared:
        prepared = super().prepare(statement)
        self.prepared.append(prepared)
        return prepared


def everything(url: str, monkeypatch: pytest.MonkeyPatch) -> list[Prepared]:
    """Return every statement of the store, except those that only insert."""
    engine = Recording(url)
    monkeypatch.setattr("rowen.store.database.open_engine", lambda _: engine)
    getmembers(wiring.open_store(locate(url)))  # each part is built when it is first used
    for room in (Outbox, WebhookTable, DueInterviewFinder, ImportCheckpoints, partial(ConflictFinder, codec=documents)):
        room(engine)
    PlanningReader(engine, (record_codec, setups, holds))
    BusyTable(engine)
    BusyAddressTable(engine, record_codec, setups)
    for criteria in SETS:
        engine.prepare(statements.gathered(engine, criteria))
    for count in range(3):
        for names in combinations(CRITERIA, count):
            for terms in range(3):
                engine.prepare(reader.gathered(engine, frozenset(names), terms))
    for answered in FILTERS.values():
        for name in answered.parts:
            engine.prepare(rows.gathered(engine, answered.table, answered.parts, {name}))
    different = {each.text: each for each in engine.prepared}
    return [each for text, each in different.items() if not text.startswith("INSERT")]


@pytest.fixture(scope="module", params=["empty", "filled"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a database without an interview, or with thousands that the server has analyzed."""
    database = POSTGRES.new_database(tmp_path_factory.getbasetemp())
    if request.param == "filled":
        fill(database)
    return database


def fill(database: str) -> None:
    with opened(database) as harness:
        tenant = harness.tenant("one")
        tenant.merge(map(interview, range(1, 3_001)), created_through_api=True)
        tenant.merge_records("users", map(user, range(1, 1_001)))
    parts = [f"{table}_{number}" for table in DIVIDED for number in range(PARTITIONS)]
    execute(
        database, f"ANALYZE {', '.join(parts)}"
    )  # as the server does by itself: not the whole table, but its partitions


def interview(number: int) -> Record:
    seat = {**record(1)["interviewers"][0], "id": number % 1_000 + 1, "email": f"user{number % 1_000}@example.com"}
    return record(number, application_id=number, interviewers=[seat])


def user(number: int) -> Record:
    address = f"user{number}@example.com"
    names = {"name": f"User {number}", "first_name": "User", "last_name": str(number), "employee_id": str(number)}
    return {"id": number, **names, "primary_email_address": address, "emails": [address]}


@pytest.fixture(scope="module")
def planner(url: str) -> Iterator[Planner]:
    """Return the planner of that database."""
    opened = Planner(url)
    yield opened
    opened.close()


def test_every_statement_goes_by_indexes(url: str, planner: Planner, monkeypatch: pytest.MonkeyPatch) -> None:
    for statement in everything(url, monkeypatch):
        for access in planner.plan(statement):
            named = not ORGANIZATION.isdisjoint(statement.parameters)
            if access.condition:
                assert access.by, (access, statement.text)
                assert not named or access.table not in DIVIDED or "organization_id" in access.condition
            else:
                assert access.table in SMALL, (access, statement.text)
                assert not named, (access, statement.text)


def test_a_statement_with_an_organization_reads_one_partition(
    url: str, planner: Planner, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [each for each in everything(url, monkeypatch) if not ORGANIZATION.isdisjoint(each.parameters)]
    assert len(asked) > 100
    for statement in asked:
        parts: dict[str, set[str]] = {}
        for access in planner.plan(statement):
            parts.setdefault(access.table, set()).add(access.part)
        assert all(len(found) == 1 for found in parts.values()), (parts, statement.text)


def test_few_do_not_name_an_organization(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has a reason: it finds an organization by a secret, due or old rows, or lists organizations or keys."""
    asked = [each for each in everything(url, monkeypatch) if ORGANIZATION.isdisjoint(each.parameters)]
    tables = {
        table for table in metadata.tables for each in asked if re.search(rf"FROM ([a-z_]+, )?{table}\b", each.text)
    }
    assert tables == SMALL | {"scheduled_interviews", "idempotency_keys", "deliveries", "sessions", "busy_sources"}
    assert len(asked) <= 20, [each.text for each in asked]


def searched(accesses: Sequence[Access], table: str) -> str:
    """Return the condition by which a table is searched: it is read once."""
    (access,) = [each for each in accesses if each.table == table]
    return f"{access.by}: {access.condition}"


def test_frequent_queries_use_indexes(url: str, planner: Planner) -> None:
    engine = Recording(url)
    unit = WriteStatements(engine)
    of_records = "SELECT records."
    by_event = engine.prepare(statements.gathered(engine, ["external_event_id"]))
    for statement, table, words in (
        (engine.prepare(statements.document()), "scheduled_interviews", ("_pkey", "AND id = ")),
        (engine.prepare(statements.listed(engine)), "scheduled_interviews", ("AND id = ANY",)),
        (engine.prepare(statements.application()), "records", ("AND id = ",)),
        (by_event, "scheduled_interviews", ("AND external_event_id =",)),
        (unit.interview, "scheduled_interviews", ("AND id = ",)),
        (unit.find_by_event_id, "scheduled_interviews", ("AND external_event_id =",)),
        (unit.overlapping, "panel", ("_pkey", "AND person = ", "AND ends_at > ")),
        (unit.due, "scheduled_interviews", ("due_at", "due_at <= ")),
        (statement_of(ChangeFeed, engine, "JOIN changes"), "changes", ("_pkey", "AND revision > ")),
        *((each, "changes", ("AND interview_id = ",)) for each in statements_of(ChangeFeed, engine, "interview_id = ")),
        (statement_of(RecordWriter, engine, of_records, "records.id = $"), "records", ("AND id = ",)),
    ):
        found = searched(planner.plan(statement), table)
        assert all(word in found for word in words), (found, statement.text)


def test_a_page_is_a_range_of_the_primary_key(url: str, planner: Planner) -> None:
    engine = Recording(url)
    accesses = planner.plan(engine.prepare(statements.chunk(engine)))
    found = [each for each in accesses if each.table == "scheduled_interviews"]
    assert len(found) == 2, "the rows, and whether there are others"
    for each in found:
        assert each.by.endswith("_pkey")
        assert "AND id > " in each.condition


def test_pending_deliveries_are_found_by_their_partial_index(url: str, planner: Planner) -> None:
    """And not by the primary key, which covers all past deliveries."""
    found = statements_of(Outbox, Recording(url), "state = 'pending' ORDER BY")
    assert len(found) == 2, "the next one, and where any waits"
    for statement in found:
        indexes = {each.by for each in planner.plan(statement) if each.table == "deliveries"}
        assert indexes
        assert not any(index.endswith("_pkey") for index in indexes), indexes


@pytest.mark.parametrize("url", ["filled"], indirect=True)
def test_people_are_found_by_their_addresses(url: str, planner: Planner) -> None:
    """Without statistics the server considers all terms of a name as few as one."""
    found = planner.plan(statement_of(RecordWriter, Recording(url), "SELECT records.", "FROM terms"))
    assert "AND value = " in searched(found, "terms")
    assert "AND id = " in searched(found, "records")
