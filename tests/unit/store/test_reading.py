"""How interviews are read: what is asked of the engine, how often, and what happens when an answer falls short."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import pytest

from rowen.app.ports import Organization
from rowen.interviews.errors import Unavailable
from rowen.interviews.interview import ApplicationId
from rowen.interviews.moments import Instant
from rowen.interviews.query import InterviewQuery, PageRequest
from rowen.store.engine import Parameters, Prepared, Row, Transaction
from rowen.store.interviews import InterviewReader
from rowen.store.organizations import OrganizationTable
from rowen.store.sqlite import SqliteEngine
from rowen.store.sqlite_file import SqliteFile
from tests.concurrency.writer import Client, Writer
from tests.support.records import record
from tests.support.storage import SQLITE, Storage


@pytest.fixture(scope="session")
def storage() -> Storage:
    """Return the engine that this is about."""
    return SQLITE


Result = TypeVar("Result")
MANY = 600
SINCE = InterviewQuery(updated_after=Instant.parse("2020-01-01"))


class CountingEngine(SqliteEngine):
    """The engine, counting what is asked of it; `lost` rows of a list go missing."""

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
def engine(writer: Writer, client: Client, database: str) -> CountingEngine:
    """Return the engine of a database whose interviews are all of one application."""
    writer.merge(client, [record(each, application_id=7) for each in range(1, MANY + 1)])
    return CountingEngine(SqliteFile.parse(database).path)


async def organization(engine: CountingEngine) -> Organization:
    (found,) = await OrganizationTable(engine).all()
    return found


def test_a_wide_question_asked_by_many_at_once_is_answered_once(engine: CountingEngine) -> None:
    async def ask() -> None:
        reader, whose = InterviewReader(engine), await organization(engine)
        pages = await asyncio.gather(*(reader.page(whose, SINCE, PageRequest()) for _ in range(8)))
        assert {page.total for page in pages} == {MANY}
        await engine.close()

    asyncio.run(ask())
    assert engine.scans == 1


def test_a_narrow_question_that_many_answer_is_remembered(engine: CountingEngine) -> None:
    async def ask() -> None:
        reader, whose = InterviewReader(engine), await organization(engine)
        query = InterviewQuery(application_id=ApplicationId(7))
        for number in (1, 2, 3):
            before = engine.statements
            page = await reader.page(whose, query, PageRequest(number=number))
            assert page.total == MANY
            assert engine.statements - before == (2 if number == 1 else 1)
        await engine.close()

    asyncio.run(ask())


def test_a_page_asked_again_needs_no_statement(engine: CountingEngine) -> None:
    async def ask() -> None:
        reader, whose = InterviewReader(engine), await organization(engine)
        first = await reader.page(whose, InterviewQuery(), PageRequest())
        before = engine.statements
        assert await reader.page(whose, InterviewQuery(), PageRequest()) is first
        assert engine.statements == before
        await engine.close()

    asyncio.run(ask())


def test_an_export_that_falls_short_is_no_success(engine: CountingEngine) -> None:
    async def export() -> None:
        reader, whose = InterviewReader(engine), await organization(engine)
        assert sum([len(batch) async for batch in reader.documents(whose, InterviewQuery())]) == MANY
        engine.lost = 1
        with pytest.raises(Unavailable, match="1 interviews could not be read"):
            _ = [batch async for batch in reader.documents(whose, InterviewQuery())]
        await engine.close()

    asyncio.run(export())
