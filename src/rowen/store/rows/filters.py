"""The filters of rows that the database answers: those that it decides, and those that it narrows and rows decide.

Owns which filters these are, and how their values are bound. Must not know how rows are made of what is found.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from sqlalchemy import Table

from rowen.app.records import APPLICATIONS
from rowen.app.rows import INTERVIEWERS, INTERVIEWS, PARTS, SOURCES, RowQuery, Times, whole_id
from rowen.interviews.people import fold
from rowen.store.engines.base import Engine
from rowen.store.rows import statements
from rowen.store.rows.statements import MOST_VALUES, Part, having_term
from rowen.store.schema.tables import interviewers, records, scheduled_interviews

_FIRST, _LAST = -(2**63), 2**63 - 1

_TERMS: Final[Mapping[str, Mapping[str, str]]] = {
    INTERVIEWS: {"job_ids": "job_id"},
    "applications": {"candidate_ids": "candidate_id", "job_ids": "job_id", "prospective_job_ids": "job_id"},
    "job_interview_stages": {"job_ids": "job_id"},
    "scorecards": {"application_ids": "application_id"},
    "candidates": {"email": "email"},
    "users": {"primary_email": "email", "employee_ids": "employee_id"},
    "jobs": {"requisition_id": "requisition_id", "department_id": "department_id", "office_id": "office_id"},
}
"""The filters that records are found by, by list, each with the name of the term; of interviews, their applications."""


class Filters(NamedTuple):
    """What the database answers of one list: the table, a statement for each filter, and those that it only narrows."""

    table: Table
    parts: Mapping[str, Part]
    narrowed: frozenset[str] = frozenset()

    def answered(self, query: RowQuery) -> list[tuple[str, Any]]:
        """Return the filters of a query that the database takes part in."""
        return [(name, value) for name, value in query.filters if name in self.parts]

    def left(self, query: RowQuery) -> list[tuple[str, Any]]:
        """Return the filters of a query that rows decide."""
        return [(name, value) for name, value in query.filters if name not in self.parts or name in self.narrowed]


def bound(engine: Engine, query: RowQuery) -> Iterator[tuple[str, Any]]:
    """Yield the parameters of the statement for a query, but for the organization."""
    yield "resource", SOURCES.get(query.list_name)
    terms = _TERMS.get(query.list_name, {})
    for name, value in FILTERS[query.list_name].answered(query):
        if name in terms:
            yield from _bound_terms(name, value)
        elif isinstance(value, Times):
            yield f"{name}_since", _FIRST if value.since is None else int(value.since)
            yield f"{name}_before", _LAST if value.before is None else int(value.before)
        elif isinstance(value, tuple):
            ids = map(whole_id, value) if query.list_name in PARTS and name == "ids" else value
            yield name, engine.bind_identifiers(sorted(set(ids)))
        else:
            yield name, value


def _bound_terms(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """Yield the values of a term; the last one stands for all places that are left."""
    texts = [str(each) for each in (value if isinstance(value, tuple) else (value,))]
    if "email" in name:
        texts = [fold(each) for each in texts]
    for place in range(MOST_VALUES):
        yield f"{name}_{place}", texts[min(place, len(texts) - 1)]


def _filters(list_name: str) -> Filters:
    terms = _TERMS.get(list_name, {})
    if list_name == INTERVIEWS:
        jobs = {
            name: having_term(scheduled_interviews.c.application_id, name, APPLICATIONS, term)
            for name, term in terms.items()
        }
        parts = {**statements.OF_INTERVIEWS, **jobs}
        # Only timed interviews have these times, and of several jobs one is shown.
        return Filters(scheduled_interviews, parts, frozenset({"starts_at", "ends_at", *terms}))
    if list_name == INTERVIEWERS:
        return Filters(interviewers, statements.OF_INTERVIEWERS)
    if list_name in PARTS:
        return Filters(records, statements.OF_PARTS, frozenset({"ids"}))
    found = {name: having_term(records.c.id, name, SOURCES[list_name], term) for name, term in terms.items()}
    return Filters(records, {**statements.OF_RECORDS, **found}, frozenset(terms))


FILTERS: Final[Mapping[str, Filters]] = {name: _filters(name) for name in (INTERVIEWS, INTERVIEWERS, *SOURCES)}
"""What the database answers, by list."""
