"""The statements that read interviews, in SQLAlchemy Core.

Owns how a query becomes SQL. Must not know a dialect (the engine's functions are passed in) or run anything.
"""

from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import Select, bindparam, exists, func, intersect, literal_column, select, true
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import Subquery

from rowen.app.records import ACTIVE, APPLICATIONS
from rowen.interviews.interview import Status
from rowen.store.engines.base import Engine, Unindexed, constant
from rowen.store.ledger.ledger import LEDGER
from rowen.store.schema.tables import OPEN, OPEN_INDEX, organizations, records, scheduled_interviews

_interviews = scheduled_interviews.c
_OF_ORGANIZATION: Final = _interviews.organization_id == bindparam("organization")

_ACTIVE: Final = ~exists(
    select(literal_column("1")).where(
        records.c.organization_id == _interviews.organization_id,
        records.c.resource == constant(APPLICATIONS),
        records.c.id == _interviews.application_id,
        records.c.status != constant(ACTIVE),
    )
)

_TIMES: Final = {
    "created": _interviews.created_at,
    "updated": _interviews.updated_at,
    "starts": _interviews.starts_at,
    "ends": _interviews.ends_at,
}

_NEWEST: Final = (
    select(organizations.c.last_updated_at).where(organizations.c.id == bindparam("organization")).scalar_subquery()
)

_CRITERIA: Final[dict[str, ColumnElement[bool]]] = {
    "application_id": _interviews.application_id == bindparam("application_id"),
    "external_event_id": _interviews.external_event_id == bindparam("external_event_id"),
    "actionable": OPEN & _ACTIVE,
    "created_after": _interviews.created_at >= bindparam("created_after"),
    "created_before": _interviews.created_at < bindparam("created_before"),
    "updated_after": _interviews.updated_at >= bindparam("updated_after"),
    "updated_before": _interviews.updated_at < bindparam("updated_before"),
    "starts_after": _interviews.starts_at >= bindparam("starts_after"),
    "starts_before": _interviews.starts_at < bindparam("starts_before"),
    "ends_after": _interviews.ends_at >= bindparam("ends_after"),
    "ends_before": _interviews.ends_at < bindparam("ends_before"),
    # Records imported with a time after the newest change are not recent changes.
    "as_of": (_interviews.updated_at <= bindparam("as_of")) | (_interviews.updated_at > _NEWEST),
}

_CHECKED: Final[dict[str, ColumnElement[bool]]] = {
    "actionable": (
        _interviews.created_through_api.is_(true()) & (_interviews.status != constant(Status.COMPLETE)) & _ACTIVE
    ),
    "as_of": (Unindexed(_interviews.updated_at) <= bindparam("as_of")) | (_interviews.updated_at > _NEWEST),
    **{f"{name}_after": Unindexed(column) >= bindparam(f"{name}_after") for name, column in _TIMES.items()},
    **{f"{name}_before": Unindexed(column) < bindparam(f"{name}_before") for name, column in _TIMES.items()},
}
"""The wide criteria in a form that uses no index: they are checked on the few rows that a narrow one finds.

SQLite, which has no statistics here, would consider the index of a wide criterion as good as that of a narrow one.
"""

NARROW: Final = frozenset({"application_id", "external_event_id"})
"""Criteria that match a handful of interviews each."""

_INDEXES: Final = {
    OPEN_INDEX: {"actionable"},
    "scheduled_interviews_by_created_at": {"created_after", "created_before"},
    "scheduled_interviews_by_updated_at": {"updated_after", "updated_before", "as_of"},
    "scheduled_interviews_by_starts_at": {"starts_after", "starts_before"},
    "scheduled_interviews_by_ends_at": {"ends_after", "ends_before"},
}
"""The index of each column, with the criteria that it answers.

It is named: from SQLite 3.53 on, an intersection would rather read all rows in the order of their keys.
"""


def matching_identifiers(criteria: Collection[str]) -> Select[Any]:
    """Return the matching ids, ascending.

    Each column has an index that includes the id, so that wide criteria are answered from indexes alone and
    intersected; a narrow one is looked up, and the others are checked on the few rows it finds.
    """
    if not criteria:
        return _identifiers(criteria).order_by(_interviews.id)
    # So that SQLite sorts the few ids found instead of reading all rows in the order of their keys.
    by_id = Unindexed(_interviews.id)
    few = [_identifiers({name}) for name in sorted(NARROW.intersection(criteria))]
    if few:
        checks = [_CHECKED[name] for name in sorted(criteria) if name not in NARROW]
        if len(few) == 1 and not checks:
            return few[0].order_by(_interviews.id)
        matches = [_interviews.id.in_(found) for found in few]
        return select(_interviews.id).where(_OF_ORGANIZATION, *matches, *checks).order_by(by_id)
    parts = [
        _identifiers(found).with_hint(scheduled_interviews, index)
        for index, names in _INDEXES.items()
        if (found := names.intersection(criteria))
    ]
    if len(parts) == 1:
        return parts[0].order_by(by_id)
    both = intersect(*parts).subquery()
    return select(both.c.id).order_by(both.c.id)


def _identifiers(criteria: Collection[str]) -> Select[Any]:
    return select(_interviews.id).where(_OF_ORGANIZATION, *(_CRITERIA[name] for name in sorted(criteria)))


def gathered(engine: Engine, criteria: Collection[str]) -> Select[Any]:
    """Return one row: the ledger (see `LEDGER`), and all matching ids as one value."""
    matching = matching_identifiers(criteria).subquery()
    collected = select(engine.collected_identifiers(matching.c.id)).scalar_subquery()
    return select(*LEDGER, collected).where(organizations.c.id == bindparam("organization"))


def chunk(engine: Engine) -> Select[Any]:
    """Return one row for `size` interviews after the id `after`, skipping `offset`.

    Its columns are those of `_page`, and whether others follow.
    """
    rows = (
        select(_interviews.id, _interviews.document)
        .where(_OF_ORGANIZATION, _interviews.id > bindparam("after"))
        .order_by(_interviews.id)
        .limit(bindparam("size"))
        .offset(bindparam("offset"))
    )
    page, totals = _page(engine, rows)
    others = select(_interviews.id).where(_OF_ORGANIZATION, _interviews.id > totals.c.last_id)
    return page.add_columns(others.exists())


def listed(engine: Engine) -> Select[Any]:
    """Return one row for the interviews whose `ids` are given: see `_page`."""
    return _page(engine, _listed(engine))[0]


def listed_documents(engine: Engine) -> Select[Any]:
    """Return the id and document of the interviews whose `ids` are given, ascending."""
    return _listed(engine)


def _listed(engine: Engine) -> Select[Any]:
    return (
        select(_interviews.id, _interviews.document)
        .where(_OF_ORGANIZATION, engine.id_in(_interviews.id, "ids"))
        .order_by(_interviews.id)
    )


def _page(engine: Engine, rows: Select[Any]) -> tuple[Select[Any], Subquery]:
    """Return a row of the ledger (see `LEDGER`), the joined documents, their number, and the last id."""
    page = rows.subquery("page")
    totals = select(
        engine.joined_documents(page.c.document).label("body"),
        func.count(page.c.id).label("size"),
        func.max(page.c.id).label("last_id"),
    ).subquery("totals")
    return select(*LEDGER, *totals.c).where(organizations.c.id == bindparam("organization")), totals


def ledger() -> Select[Any]:
    """Return the ledger (see `LEDGER`)."""
    return select(*LEDGER).where(organizations.c.id == bindparam("organization"))


def document() -> Select[Any]:
    """Return one interview's document."""
    return select(_interviews.document).where(_OF_ORGANIZATION, _interviews.id == bindparam("interview"))


def application() -> Select[Any]:
    """Return a row if the organization has the application."""
    return select(records.c.id).where(
        records.c.organization_id == bindparam("organization"),
        records.c.resource == constant(APPLICATIONS),
        records.c.id == bindparam("application"),
    )
