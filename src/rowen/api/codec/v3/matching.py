"""Which rows of Harvest v3 match the filters of a request.

Owns how filters name and spell the values of rows. Must not know how rows are made or found.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from rowen.app.rows import Dates, Row, Times
from rowen.interviews.moments import LATEST, Instant
from rowen.interviews.people import fold

_VALUES: Final[Mapping[tuple[str, str], Mapping[Any, Any]]] = {
    ("applications", "status"): {"active": "in_process"},
}
"""Values that filters and rows spell differently."""

_FIELDS: Final[Mapping[tuple[str, str], str]] = {
    ("candidates", "email"): "email_addresses",
    ("candidates", "tag"): "tags",
    ("jobs", "office_id"): "office_ids",
}
"""Filters by fields of another name."""

_SHOWN: Final = frozenset({"show_service_accounts"})
"""Filters that leave out nothing: there are no service accounts."""

_AFTER_ALL: Final = "~"
"""A text that follows every time."""


def matching(list_name: str, rows: Iterable[Row], filters: Iterable[tuple[str, Any]]) -> list[Row]:
    """Return the rows for which all filters hold. A filter by a field that rows do not have matches none."""
    found = list(rows)
    for name, value in filters:
        if name not in _SHOWN:
            wanted = _VALUES.get((list_name, name), {}).get(value, value) if isinstance(value, str) else value
            field = _FIELDS.get((list_name, name), name)
            found = [row for row in found if _holds(row, field, wanted)]
    return found


def _holds(row: Row, name: str, wanted: Any) -> bool:
    present = getattr(row, name) if hasattr(row, name) else getattr(row, name.removesuffix("s"), None)
    if present is None:
        return False
    if isinstance(wanted, Times):
        since, before = wanted
        return (since is None or present >= _text(since)) and (before is None or present < _text(before))
    if isinstance(wanted, Dates):
        first, last = wanted
        return (first is None or present >= first) and (last is None or present <= last)
    plain = _address if "email" in name else _same
    values = {plain(each) for each in (present if isinstance(present, list) else (present,))}
    return not values.isdisjoint(map(plain, wanted if isinstance(wanted, tuple) else (wanted,)))


def _text(bound: Instant) -> str:
    """Return a bound of a range as text that is compared with times; it may be after the last of them."""
    return str(bound) if bound <= LATEST else _AFTER_ALL


def _same(value: Any) -> Any:
    return value


def _address(value: Any) -> str:
    """Return an e-mail address, or an object that holds one, in the form used for comparisons."""
    return fold(str(value.get("value") if isinstance(value, dict) else value))
