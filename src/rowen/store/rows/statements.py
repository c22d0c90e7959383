"""The statements that read rows, in SQLAlchemy Core.

Owns how a filter becomes the ids that match it. Must not know a dialect (the engine's functions are passed in) or run
anything.

A time that is missing is replaced by the other time of the row, and by that of the organization if both are.
These few rows are looked up apart, so that both parts use an index.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from sqlalchemy import BigInteger, Select, Table, bindparam, func, intersect, select, union_all
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import Subquery

from rowen.app.records import APPLICATIONS
from rowen.store.engines.base import Engine, Unindexed, constant
from rowen.store.ledger.ledger import LEDGER
from rowen.store.schema.tables import interviewers, organizations, records, scheduled_interviews, terms

Part = Callable[[Engine], Select[Any]]
"""Makes the statement that selects the ids that match one filter."""

MOST_VALUES: Final = 50
"""How many values a filter by a term takes."""

_MADE: Final = (
    select(organizations.c.created_at).where(organizations.c.id == bindparam("organization")).scalar_subquery()
)
_interviews = scheduled_interviews.c


def _own(table: Table, *wanted: ColumnElement[bool]) -> Select[Any]:
    of = [table.c.organization_id == bindparam("organization")]
    if table is records:
        of.append(records.c.resource == bindparam("resource"))
    return select(table.c.id).where(*of, *wanted)


def _among(table: Table, column: str, name: str) -> Part:
    return lambda engine: _own(table, engine.id_in(table.c[column], name))


def _equal(table: Table, name: str) -> Part:
    return lambda _: _own(table, table.c[name] == bindparam(name))


def having_term(column: ColumnElement[Any], name: str, resource: str, term: str) -> Part:
    """Return the part that selects what has, in a column, the id of a record with a value of a term."""
    named = select(terms.c.id).where(
        terms.c.organization_id == bindparam("organization"),
        terms.c.resource == constant(resource),
        terms.c.name == constant(term),
        terms.c.value.in_([bindparam(f"{name}_{place}") for place in range(MOST_VALUES)]),
    )
    return lambda _: _own(column.table, column.in_(named))


def _within(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    return (column >= bindparam(f"{name}_since")) & (column < bindparam(f"{name}_before"))


def _between(table: Table, name: str) -> Part:
    return lambda _: _own(table, _within(table.c[name], name))


def _time(table: Table, name: str, other: str) -> Part:
    def part(_: Engine) -> Select[Any]:
        own = table.c[name]
        missing = own.is_(None) & _within(func.coalesce(table.c[other], _MADE), name)
        found = union_all(_own(table, _within(own, name)), _own(table, missing)).subquery()
        return select(found.c.id)

    return part


def _times(table: Table) -> dict[str, Part]:
    return {
        "ids": _among(table, "id", "ids"),
        "created_at": _time(table, "created_at", "updated_at"),
        "updated_at": _time(table, "updated_at", "created_at"),
    }


OF_INTERVIEWS: Final[Mapping[str, Part]] = {
    **_times(scheduled_interviews),
    "application_ids": _among(scheduled_interviews, "application_id", "application_ids"),
    "external_event_id": _equal(scheduled_interviews, "external_event_id"),
    "status": _equal(scheduled_interviews, "status"),
    "starts_at": _between(scheduled_interviews, "starts_at"),
    "ends_at": _between(scheduled_interviews, "ends_at"),
}
OF_INTERVIEWERS: Final[Mapping[str, Part]] = {
    "ids": _among(interviewers, "id", "ids"),
    "created_at": _between(interviewers, "created_at"),
    "updated_at": _between(interviewers, "updated_at"),
    "interview_ids": _among(interviewers, "interview_id", "interview_ids"),
    "user_ids": _among(interviewers, "user_id", "user_ids"),
    "scorecard_ids": _among(interviewers, "scorecard_id", "scorecard_ids"),
    "response_status": _equal(interviewers, "response_status"),
}
OF_RECORDS: Final[Mapping[str, Part]] = _times(records)
OF_PARTS: Final[Mapping[str, Part]] = {**OF_RECORDS, "scorecard_ids": _among(records, "id", "scorecard_ids")}
"""Of the records that rows are parts of; `ids` are those of records, too."""


def gathered(engine: Engine, table: Table, parts: Mapping[str, Part], names: Collection[str]) -> Select[Any]:
    """Return one row: the ledger (see `LEDGER`), and all ids that match the filters of these names as one value."""
    if names:
        found = [parts[name](engine) for name in sorted(names)]
        matching = (intersect(*found) if len(found) > 1 else found[0]).subquery()
        # So that SQLite sorts the ids found instead of reading all rows in the order of their keys.
        ids = select(matching.c.id).order_by(Unindexed(matching.c.id)).subquery()
    else:
        ids = _own(table).order_by(table.c.id).subquery()
    collected = select(engine.collected_identifiers(ids.c.id)).scalar_subquery()
    return select(*LEDGER, collected).where(organizations.c.id == bindparam("organization"))


def _page(engine: Engine, rows: Select[Any], seats: Callable[[Subquery], ColumnElement[bool]]) -> Select[Any]:
    """Return one row: the ledger, the joined documents, and the ids of the interviewers in `seats`, with interviews."""
    page = rows.subquery("page")
    totals = select(
        engine.joined_documents(page.c.document).label("body"),
        func.min(page.c.id).label("first_id"),
        func.max(page.c.id).label("last_id"),
    ).subquery("totals")
    found = (
        select(interviewers.c.interview_id, interviewers.c.id)
        .where(interviewers.c.organization_id == bindparam("organization"), seats(totals))
        .order_by(interviewers.c.interview_id, interviewers.c.id)
        .correlate(totals)
        .subquery("seats")
    )
    collected = select(engine.collected_pairs(found.c.id, found.c.interview_id)).correlate(totals).scalar_subquery()
    return select(*LEDGER, totals.c.body, collected).where(organizations.c.id == bindparam("organization"))


def _interviews_of(*wanted: ColumnElement[bool]) -> Select[Any]:
    own = _interviews.organization_id == bindparam("organization")
    return select(_interviews.id, _interviews.document).where(own, *wanted).order_by(_interviews.id.desc())


def listed_interviews(engine: Engine) -> Select[Any]:
    """Return a row of `_page` for the interviews whose `ids` are given, descending."""
    rows = _interviews_of(engine.id_in(_interviews.id, "ids"))
    return _page(engine, rows, lambda _: engine.id_in(interviewers.c.interview_id, "ids"))


def interviews_below(engine: Engine) -> Select[Any]:
    """Return a row of `_page` for the `size` interviews with the greatest ids below `below`, descending."""

    def seats(totals: Subquery) -> ColumnElement[bool]:
        interview = interviewers.c.interview_id
        return (interview >= totals.c.first_id) & (interview <= totals.c.last_id)

    return _page(engine, _interviews_of(_interviews.id < bindparam("below")).limit(bindparam("size")), seats)


def jobs_of_applications(engine: Engine) -> Select[Any]:
    """Return those of the applications bound to `ids` that have a job, each with that with the smallest id."""
    return (
        select(terms.c.id, func.min(terms.c.value.cast(BigInteger)))
        .where(
            terms.c.organization_id == bindparam("organization"),
            terms.c.resource == constant(APPLICATIONS),
            engine.id_in(terms.c.id, "ids"),
            terms.c.name == constant("job_id"),
        )
        .group_by(terms.c.id)
    )


_INTERVIEWER: Final = (
    *(interviewers.c.id, interviewers.c.created_at, interviewers.c.updated_at, interviewers.c.interview_id),
    *(interviewers.c.user_id, interviewers.c.scorecard_id, interviewers.c.email, interviewers.c.response_status),
)
"""The columns of an `InterviewerSource`."""


def _interviewers_of(wanted: ColumnElement[bool]) -> Select[Any]:
    own = interviewers.c.organization_id == organizations.c.id
    return (
        select(*LEDGER, *_INTERVIEWER)
        .select_from(organizations.outerjoin(interviewers, own & wanted))
        .where(organizations.c.id == bindparam("organization"))
        .order_by(interviewers.c.id.desc())
    )


def listed_interviewers(engine: Engine) -> Select[Any]:
    """Return the ledger and the columns of the interviewers whose `ids` are given, descending.

    If there is none, one row has the ledger alone.
    """
    return _interviewers_of(engine.id_in(interviewers.c.id, "ids"))


def interviewers_below() -> Select[Any]:
    """Return the same of the `size` interviewers with the greatest ids below `below`."""
    return _interviewers_of(interviewers.c.id < bindparam("below")).limit(bindparam("size"))


def _records_of(wanted: ColumnElement[bool], order: ColumnElement[Any]) -> Select[Any]:
    kept = records.c
    return (
        select(kept.id, kept.created_at, kept.updated_at, kept.status, kept.derived, kept.document)
        .where(kept.organization_id == bindparam("organization"), kept.resource == bindparam("resource"), wanted)
        .order_by(order)
        .limit(bindparam("size"))
    )


def chunk_of_records() -> Select[Any]:
    """Return the fields of a `RecordRow`, but for resource and terms, of the `size` records after an id."""
    return _records_of(records.c.id > bindparam("after"), records.c.id)


def records_below() -> Select[Any]:
    """Return the same of the `size` records with the greatest ids below `below`, descending."""
    return _records_of(records.c.id < bindparam("below"), records.c.id.desc())


def ledger() -> Select[Any]:
    """Return the ledger (see `LEDGER`)."""
    return select(*LEDGER).where(organizations.c.id == bindparam("organization"))
