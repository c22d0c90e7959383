"""How PostgreSQL answers the statements: by indexes, and of what is divided by one part, whoever is asked about.

The plans are those that a session of ours makes and keeps, for whatever is asked, on tables that are empty and on
tables that are not.
"""

import asyncio
import json
import re
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import combinations
from typing import Any, Final, NamedTuple

import pytest
from sqlalchemy.sql.expression import ClauseElement

from rowen import wiring
from rowen.harvest import documents
from rowen.store import record_reading, statements
from rowen.store.conflicts import ConflictFinder
from rowen.store.database import locate
from rowen.store.due import DueInterviews
from rowen.store.engine import Prepared
from rowen.store.feed import ChangeFeed
from rowen.store.outbox import Outbox
from rowen.store.positions import ImportPositions
from rowen.store.postgres import PostgresEngine
from rowen.store.postgres_pool import Connection, Pool
from rowen.store.records import RecordWriter
from rowen.store.tables import PARTITIONS, metadata
from rowen.store.webhooks import WebhookTable
from rowen.store.writes import WriteStatements
from tests.concurrency.writer import writing
from tests.support.records import Record, record
from tests.support.sql import execute
from tests.support.storage import POSTGRES
from tests.unit.store.test_statements import SETS

DIVIDED: Final = frozenset(
    name for name, table in metadata.tables.items() if table.kwargs.get("postgresql_partition_by")
)
SMALL: Final = frozenset({"organizations", "api_keys", "webhooks"})
"""Tables that may be read whole, where no organization is named."""

ORGANIZATION: Final = frozenset({"organization", "organization_id"})


class Access(NamedTuple):
    """One way into a table: the kind of step, the table, its part, the index if any, and what it is searched for."""

    kind: str
    table: str
    part: str
    by: str
    condition: str


class Planner:
    """A session that plans as those of a server do."""

    def __init__(self, url: str) -> None:
        self._runner = asyncio.Runner()
        self._pool = Pool(url, 1, 60)
        self._connection: Connection = self._runner.run(self._pool.take())

    def plan(self, statement: Prepared) -> list[Access]:
        """Return how a statement gets at its rows."""
        return self._runner.run(self._plan(statement))

    async def _plan(self, statement: Prepared) -> list[Access]:
        # In text each value is of whatever type its parameter has.
        values = ", ".join("'{1,2}'" if name == "ids" else "'1'" for name in statement.parameters)
        await self._connection.execute(f"PREPARE planned AS {statement.text}")
        try:
            execution = f"planned({values})" if values else "planned"
            text = await self._connection.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE {execution}")
        finally:
            await self._connection.execute("DEALLOCATE planned")
        return list(_accesses(json.loads(text)[0]["Plan"], ""))

    def close(self) -> None:
        self._pool.give(self._connection)
        self._runner.run(self._pool.close())
        self._runner.close()


def _accesses(node: dict[str, Any], part: str) -> Iterator[Access]:
    """Return the steps of a plan that touch a table; those that look into an index only have no table of their own."""
    part = node.get("Relation Name", part)
    kind = node["Node Type"]
    if kind not in ("Bitmap Heap Scan", "ModifyTable") and ("Relation Name" in node or "Index Name" in node):
        table = part.rpartition("_")[0] if part.rpartition("_")[2].isdigit() else part
        condition = re.sub(r'[()]|::text| COLLATE "C"', "", node.get("Index Cond", ""))
        yield Access(kind, table, part, node.get("Index Name", ""), condition)
    for child in node.get("Plans", ()):
        yield from _accesses(child, part)


class Recording(PostgresEngine):
    """An engine that keeps what it has prepared."""

    def __init__(self, url: str) -> None:
        super().__init__(url, "plans")
        self.prepared: list[Prepared] = []

    def prepare(self, statement: ClauseElement) -> Prepared:
        prepared = super().prepare(statement)
        self.prepared.append(prepared)
        return prepared


def everything(url: str, monkeypatch: pytest.MonkeyPatch) -> list[Prepared]:
    """Return every statement that the rooms of the store have, but those that only insert."""
    engine = Recording(url)
    monkeypatch.setattr(wiring, "open_engine", lambda _: engine)
    wiring.open_store(locate(url))
    for room in (Outbox, WebhookTable, DueInterviews, ImportPositions, partial(ConflictFinder, codec=documents)):
        room(engine)
    for criteria in SETS:
        engine.prepare(statements.gathered(engine, criteria))
    for count in range(3):
        for names in combinations(record_reading._CRITERIA, count):
            for terms in range(3):
                engine.prepare(record_reading._gathered(engine, frozenset(names), terms))
    different = {each.text: each for each in engine.prepared}
    return [each for text, each in different.items() if not text.startswith("INSERT")]


@pytest.fixture(scope="module", params=["empty", "filled"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a database without an interview, or with thousands that the server has had a look at."""
    database = POSTGRES.new_database(tmp_path_factory.getbasetemp())
    if request.param == "filled":
        fill(database)
    return database


def fill(database: str) -> None:
    with writing(database) as writer:
        client = writer.new_client("one")
        writer.merge(client, map(interview, range(1, 3_001)), created_through_api=True)
        writer.merge_records(client, "users", map(user, range(1, 1_001)))
    parts = [f"{table}_{number}" for table in DIVIDED for number in range(PARTITIONS)]
    execute(database, f"ANALYZE {', '.join(parts)}")  # as the server does by itself: not the whole, but its parts


def interview(number: int) -> Record:
    seat = {**record(1)["interviewers"][0], "id": number % 1_000 + 1, "email": f"user{number % 1_000}@example.com"}
    return record(number, application_id=number, interviewers=[seat])


def user(number: int) -> Record:
    address = f"user{number}@example.com"
    names = {"name": f"User {number}", "first_name": "User", "last_name": str(number), "employee_id": str(number)}
    return {"id": number, **names, "primary_email_address": address, "emails": [address]}


@pytest.fixture(scope="module")
def planner(url: str) -> Iterator[Planner]:
    """Return what plans in that database."""
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


def test_who_names_an_organization_touches_one_part(
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
    """And each has a reason: they find whose a key is, what is due, or what is old, or list organizations or keys."""
    asked = [each for each in everything(url, monkeypatch) if ORGANIZATION.isdisjoint(each.parameters)]
    tables = {table for table in metadata.tables for each in asked if f"FROM {table}" in each.text}
    assert tables == SMALL | {"scheduled_interviews", "idempotency_keys", "deliveries"}
    assert len(asked) <= 14, [each.text for each in asked]


def searched(accesses: Sequence[Access], table: str) -> str:
    """Return by what a table is searched: it is looked into once."""
    (access,) = [each for each in accesses if each.table == table]
    return f"{access.by}: {access.condition}"


def test_what_is_asked_all_the_time_is_looked_up(url: str, planner: Planner) -> None:
    engine = Recording(url)
    desk, feed, records = WriteStatements(engine), ChangeFeed(engine), RecordWriter(engine)
    by_event = engine.prepare(statements.gathered(engine, ["external_event_id"]))
    for statement, table, words in (
        (engine.prepare(statements.document()), "scheduled_interviews", ("_pkey", "AND id = ")),
        (engine.prepare(statements.listed(engine)), "scheduled_interviews", ("AND id = ANY",)),
        (engine.prepare(statements.application()), "records", ("AND id = ",)),
        (by_event, "scheduled_interviews", ("AND external_event_id =",)),
        (desk.interview, "scheduled_interviews", ("AND id = ",)),
        (desk.holder_of_event, "scheduled_interviews", ("AND external_event_id =",)),
        (desk.overlapping, "panel", ("_pkey", "AND person = ", "AND ends_at > ")),
        (desk.due, "scheduled_interviews", ("due_at", "due_at <= ")),
        (feed._after, "changes", ("_pkey", "AND revision > ")),
        (feed._history, "changes", ("AND interview_id = ",)),
        (records._get, "records", ("AND id = ",)),
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


def test_what_is_pending_is_found_among_what_is_pending(url: str, planner: Planner) -> None:
    """And not by the primary key, which holds all that was ever delivered."""
    for statement in (Outbox(engine := Recording(url))._next, Outbox(engine)._waiting):
        indexes = {each.by for each in planner.plan(statement) if each.table == "deliveries"}
        assert indexes
        assert not any(index.endswith("_pkey") for index in indexes), indexes


@pytest.mark.parametrize("url", ["filled"], indirect=True)
def test_people_are_found_by_their_addresses(url: str, planner: Planner) -> None:
    """Where the server knows nothing of its tables yet it takes all terms of a name for as few as one."""
    found = planner.plan(RecordWriter(Recording(url))._by_term)
    assert "AND value = " in searched(found, "terms")
    assert "AND id = " in searched(found, "records")
