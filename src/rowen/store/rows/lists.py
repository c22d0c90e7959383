"""The lists of Harvest v3 whose rows are found by their ids: interviews, interviewers, records, and parts of records.

Owns which filters the database decides, and that the others are checked on the rows. Must not know the fields of a row:
the codec makes them.
"""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from operator import attrgetter
from typing import Final

from rowen.app.interviews import Page
from rowen.app.organizations import Organization
from rowen.app.records import RecordRow
from rowen.app.rows import (
    INTERVIEWERS,
    INTERVIEWS,
    PARTIAL,
    PARTS,
    SOURCES,
    InterviewerSource,
    InterviewSource,
    Row,
    RowCodec,
    RowQuery,
    Surroundings,
    whole_id,
)
from rowen.interviews.query import PageRequest
from rowen.store.cache import JobCache
from rowen.store.engines.base import Engine, Parameters, Prepared, Reader
from rowen.store.engines.base import Row as Columns
from rowen.store.ledger.ledger import LEDGER, as_of
from rowen.store.records.reader import listed as listed_records
from rowen.store.rows import statements
from rowen.store.rows.filters import FILTERS, bound

_CHUNK: Final = 2_000
_by_id: Final = attrgetter("id")
_LAST: Final = 2**63 - 1
_FEW: Final = frozenset({"ids", "scorecard_ids"})
"""Filters that name at most 50 records that have parts."""


class RowLists:
    """The `ListQueries` of rows."""

    def __init__(self, engine: Engine, codec: RowCodec) -> None:
        self._engine = engine
        self._codec = codec
        self._gathered = cache(
            lambda list_name, names: engine.prepare(statements.gathered(engine, *FILTERS[list_name][:2], names))
        )
        self._interviews = engine.prepare(statements.listed_interviews(engine))
        self._interviews_below = engine.prepare(statements.interviews_below(engine))
        self._interviewers = engine.prepare(statements.listed_interviewers(engine))
        self._interviewers_below = engine.prepare(statements.interviewers_below())
        self._jobs_of = engine.prepare(statements.jobs_of_applications(engine))
        self._jobs = JobCache()
        self._records = engine.prepare(listed_records(engine))
        self._records_below = engine.prepare(statements.records_below())
        self._ledger = engine.prepare(statements.ledger())

    def is_narrow(self, query: RowQuery) -> bool:
        """Return whether a query matches so few rows that finding them takes no time."""
        few = _FEW if query.list_name in PARTS else {"ids"}
        names = {name for name, _ in query.filters}
        return not few.isdisjoint(names) and few.issuperset(name for name, _ in FILTERS[query.list_name].left(query))

    def gathering(self, query: RowQuery) -> tuple[Prepared, Parameters]:
        """Return the statement that reads the ledger and the ids that match as far as the database decides."""
        names = frozenset(name for name, _ in FILTERS[query.list_name].answered(query))
        return self._gathered(query.list_name, names), dict(bound(self._engine, query))

    async def checked(
        self, organization: Organization, query: RowQuery, ids: "array[int]", reader: Reader
    ) -> "array[int]":
        """Return the ids of the rows for which the filters hold that the database did not decide."""
        checks = FILTERS[query.list_name].left(query)
        if not checks and query.list_name not in PARTIAL | PARTS:
            return ids
        found = array("q")
        for start in range(0, len(ids), _CHUNK):
            _, rows = await self._rows(organization, query.list_name, ids[start : start + _CHUNK], reader)
            found.extend(row.id for row in reversed(self._codec.matching(query.list_name, rows, checks)))
        return found

    async def listed(
        self, organization: Organization, query: RowQuery, ids: "array[int]", reader: Reader
    ) -> tuple[Organization, bytes]:
        """Return the rows of the ids, descending, as one JSON array, and the organization as of their version."""
        if query.list_name not in PARTS:
            seen, rows = await self._rows(organization, query.list_name, ids, reader)
            return seen, self._codec.encode(rows)
        seen, rows = await self._rows(organization, query.list_name, sorted(set(map(whole_id, ids))), reader)
        wanted = set(ids)
        return seen, self._codec.encode([row for row in rows if row.id in wanted])

    def has_ranges(self, query: RowQuery) -> bool:
        """Return whether the pages of a query are ranges of a table."""
        return not query.filters and query.list_name in (INTERVIEWS, INTERVIEWERS)

    async def range_page(
        self, organization: Organization, query: RowQuery, request: PageRequest, reader: Reader
    ) -> Page:
        """Return the rows below an id, descending."""
        below = _LAST if request.after is None else request.after
        asked = {"organization": organization.id, "below": below, "size": request.size + 1}
        if query.list_name == INTERVIEWS:
            seen, rows = await self._interview_rows(organization, self._interviews_below, asked, reader)
        else:
            seen, rows = await self._interviewer_rows(organization, self._interviewers_below, asked, reader)
        more = len(rows) > request.size
        rows = rows[: request.size]
        return Page(self._codec.encode(rows), rows[-1].id if rows else None, more, None, seen)

    async def _rows(
        self, organization: Organization, list_name: str, ids: Sequence[int], reader: Reader
    ) -> tuple[Organization, list[Row]]:
        """Return the organization as of the version that is read, and the rows of ids, descending.

        The ids of parts are those of their records.
        """
        asked = {"organization": organization.id, "ids": self._engine.bind_identifiers(ids)}
        if list_name == INTERVIEWS:
            return await self._interview_rows(organization, self._interviews, asked, reader)
        if list_name == INTERVIEWERS:
            return await self._interviewer_rows(organization, self._interviewers, asked, reader)
        found = await reader.rows(self._records, {**asked, "resource": SOURCES[list_name]})
        seen, columns = _columns(organization, found[::-1])
        return seen, self._made(seen, list_name, columns)

    def _made(self, seen: Organization, list_name: str, columns: Iterable[Columns]) -> list[Row]:
        """Return the rows that follow from records, descending as these are."""
        resource = SOURCES[list_name]
        rows = self._codec.records(list_name, (RecordRow(resource, *row) for row in columns), seen.created_at)
        return sorted(rows, key=_by_id, reverse=True) if list_name in PARTS else rows

    async def parts_page(
        self, organization: Organization, query: RowQuery, request: PageRequest, reader: Reader
    ) -> Page:
        """Return the parts of records below an id, descending; the reader has to read one version."""
        seen, _ = as_of(organization, await reader.row(self._ledger, {"organization": organization.id}))
        asked = {"organization": organization.id, "resource": SOURCES[query.list_name], "size": request.size + 1}
        below = _LAST if request.after is None else whole_id(request.after - 1) + 1
        rows: list[Row] = []
        while len(rows) <= request.size and (
            columns := await reader.rows(self._records_below, {**asked, "below": below})
        ):
            made = self._made(seen, query.list_name, columns)
            rows += made if request.after is None else [row for row in made if row.id < request.after]
            below = columns[-1][0]
        more = len(rows) > request.size
        rows = rows[: request.size]
        return Page(self._codec.encode(rows), rows[-1].id if rows else None, more, None, seen)

    async def _interview_rows(
        self, organization: Organization, statement: Prepared, asked: Parameters, reader: Reader
    ) -> tuple[Organization, list[Row]]:
        seen, (body, seats) = as_of(organization, await reader.row(statement, asked))
        if body is None:
            return seen, []
        sources = self._codec.stored_interviews(b"".join((b"[", body, b"]")))
        jobs = await self._jobs_of_interviews(seen, sources, reader)
        ids: defaultdict[int, list[int]] = defaultdict(list)
        for one, interview in self._engine.read_pairs(seats):
            ids[interview].append(one)
        return seen, self._codec.interviews(sources, Surroundings(jobs, ids, seen.created_at))

    async def _jobs_of_interviews(
        self, organization: Organization, sources: Iterable[InterviewSource], reader: Reader
    ) -> Mapping[int, int | None]:
        """Return the jobs of the interviews' applications: they are the same as long as nothing is written."""
        known = self._jobs.of(organization)
        missing = [each.application_id for each in sources if each.application_id not in known]
        if missing:
            asked = {"organization": organization.id, "ids": self._engine.bind_identifiers(missing)}
            known.update(dict.fromkeys(missing))
            known.update((row[0], row[1]) for row in await reader.rows(self._jobs_of, asked))
        return known

    async def _interviewer_rows(
        self, organization: Organization, statement: Prepared, asked: Parameters, reader: Reader
    ) -> tuple[Organization, list[Row]]:
        seen, columns = _columns(organization, await reader.rows(statement, asked))
        return seen, self._codec.interviewers(InterviewerSource(*row) for row in columns)


def _columns(organization: Organization, found: Sequence[Columns]) -> tuple[Organization, list[Columns]]:
    """Return the organization as of the version that rows begin with, and the columns after that."""
    seen, (first, *_) = as_of(organization, found[0] if found else None)
    return seen, [] if first is None else [row[len(LEDGER) :] for row in found]
