"""Reading interviews: the queries to the engine, how often, and what happens when a result is incomplete."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import pytest

from rowen.app.organizations import Organization
from rowen.interviews.errors import Unavailable
from rowen.interviews.interview import ApplicationId
from rowen.interviews.moments import Instant
from rowen.interviews.query import InterviewQuery, PageRequest
from rowen.store.engines.base import Parameters, Prepared, Row, Transaction
from rowen.store.engines.sqlite.engine import SqliteEngine
from rowen.store.engines.sqlite.location import SqliteFile
from rowen.store.interviews.reader import InterviewReader
from rowen.store.organizations.organizations import OrganizationTable
from tests.support.harness import Tenant
from tests.support.records import record
from tests.support.storage import SQLITE, Storage


@pytest.fixture(scope="session")
def storage() -> Storage:
    """Return the engine of these tests."""
    return SQLITE


Result = TypeVar("Result")
MANY = 600
SINCE = InterviewQuery(updated_after=Instant.parse("2020-01-01"))


class CountingEngine(SqliteEngine):
    """The engine, counting queries; `lost` rows of a list are missing."""

    statements = 0
    scans = 0
    lost = 0

    async def row(self, statement: Prepared, parameters: Parameters) -> Row | None:
        self.statements += 1
        return await super().row(statement, parameters)

    async def rows(self, statement: Prepared, parameters: Parameters) -> Sequence[Row]:
        found = await super().rows(statement, parameters)
        return found[self.lost :]

    async def read(self, work: Callable[[Transaction], Awaitable[Result]]) -> Result:
        self.scans += 1
        return await super().read(work)


@pytest.fixture
def engine(tenant: Tenant, database: str) -> CountingEngine:
    """Return the engine of a database whose interviews all belong to one application."""
    tenant.merge([record(each, application_id=7) for each in range(1, MANY + 1)])
    return CountingEngine(SqliteFile.parse(database).path)


async def organization(engine: CountingEngine) -> Organization:
    (found,) = await OrganizationTable(engine).all()
    return found


async def test_a_wide_query_of_many_callers_runs_once(engine: CountingEngine) -> None:
    reader, whose = InterviewReader(engine), await organization(engine)
    pages = await asyncio.gather(*(reader.page(whose, SINCE, PageRequest()) for _ in range(8)))
    assert {page.total for page in pages} == {MANY}
    await engine.close()
    assert engine.scans == 1


async def test_a_narrow_question_that_many_answer_is_remembered(engine: CountingEngine) -> None:
    reader, whose = InterviewReader(engine), await organization(engine)
    query = InterviewQuery(application_id=ApplicationId(7))
    for number in (1, 2, 3):
        before = engine.statements
        page = await reader.page(whose, query, PageRequest(number=number))
        assert page.total == MANY
        assert engine.statements - before == (2 if number == 1 else 1)
    await engine.close()


async def test_a_repeated_page_needs_no_statement(engine: CountingEngine) -> None:
    reader, whose = InterviewReader(engine), await organization(engine)
    first = await reader.page(whose, InterviewQuery(), PageRequest())
    before = engine.statements
    assert await reader.page(whose, InterviewQuery(), PageRequest()) is first
    assert engine.statements == before
    await engine.close()


async def test_an_incomplete_export_is_not_a_success(engine: CountingEngine) -> None:
    reader, whose = InterviewReader(engine), await organization(engine)
    assert sum([len(batch) async for batch in reader.documents(whose, InterviewQuery())]) == MANY
    engine.lost = 1
    with pytest.raises(Unavailable, match="1 interviews could not be read"):
        _ = [batch async for batch in reader.documents(whose, InterviewQuery())]
    await engine.close()
