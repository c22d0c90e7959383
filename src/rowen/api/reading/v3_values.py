"""The kinds of parameters of Harvest v3's lists: how each value is spelled, and its JSON Schema.

Owns ranges of times and dates, lists of ids, choices and flags, with their limits and the messages that name them
(contract section 11). Must not know a list, or how a query string is taken apart.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from typing import Final, NamedTuple

from rowen.api.identifiers import read_identifier
from rowen.api.reading.query import QueryParameter, repaired_zone
from rowen.api.schemas import FLAG, IDENTIFIER, TEXT
from rowen.interviews.moments import Instant
from rowen.interviews.query import DEFAULT_PAGE_SIZE, LARGEST_PAGE_SIZE

MOST_IDS: Final = 50
LONGEST_TEXT: Final = 255

OPERATORS: Final = ("gte", "gt", "lte", "lt")
"""The comparisons of a range: `updated_at=gte|2024-01-01T00:00:00Z`, or `updated_at[gte]=…`."""

_MOST_BOUNDS: Final = 4
_QUOTED: Final = 60
_ID: Final = "[1-9][0-9]{0,14}"
_TIME: Final = (
    r"20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?Z"
)
_DATE: Final = "20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])"
_DATE_ONLY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_HAS_TIME: Final = re.compile(r"[0-9]{4}-?[0-9]{2}-?[0-9]{2}[Tt ][0-9]{2}.*")
_BOOLEANS: Final = {"true": True, "false": False}


class TimeRange(NamedTuple):
    """The instants at or after `since` and before `before`; None for no bound."""

    since: Instant | None = None
    before: Instant | None = None


class DateRange(NamedTuple):
    """The dates from `first` to `last`, both included; None for no bound."""

    first: date | None = None
    last: date | None = None


def time_range_parameter(name: str, description: str) -> QueryParameter:
    """Return a parameter that takes one or two bounds of time."""
    return QueryParameter(name, f"{description}: {_HOW}", _range_schema(_TIME), read=_read_times)


def date_range_parameter(name: str, description: str) -> QueryParameter:
    """Return a parameter that takes one or two bounds of dates."""
    return QueryParameter(name, f"{description}: {_HOW}", _range_schema(_DATE), read=_read_dates)


def ids_parameter(name: str, description: str) -> QueryParameter:
    """Return a parameter that takes up to 50 ids, separated by commas."""
    schema = {"type": "string", "pattern": f"^{_ID}(,{_ID}){{0,{MOST_IDS - 1}}}$"}
    return QueryParameter(name, description, schema, read=_read_ids)


def texts_parameter(name: str, description: str) -> QueryParameter:
    """Return a parameter that takes up to 50 texts, separated by commas."""
    some = f"[^,]{{1,{LONGEST_TEXT}}}"
    schema = {"type": "string", "pattern": f"^{some}(,{some}){{0,{MOST_IDS - 1}}}$"}
    return QueryParameter(name, description, schema, read=_read_texts)


def one_id_parameter(name: str, description: str) -> QueryParameter:
    """Return a parameter that takes one id."""

    def read(text: str) -> int:
        (identifier,) = _identifiers([text])
        return identifier

    return QueryParameter(name, description, IDENTIFIER, read=read)


def choice_parameter(name: str, description: str, choices: tuple[str, ...]) -> QueryParameter:
    """Return a parameter that takes one of a few texts."""

    def read(text: str) -> str:
        if text not in choices:
            raise ValueError(f"{_quoted(text)} is not one of: {', '.join(choices)}")
        return text

    return QueryParameter(name, description, {"type": "string", "enum": list(choices)}, read=read)


def text_of_v3_parameter(name: str, description: str) -> QueryParameter:
    """Return a parameter that takes a short text."""

    def read(text: str) -> str:
        if len(text) > LONGEST_TEXT:
            raise ValueError(f"{_quoted(text)} is longer than {LONGEST_TEXT} characters")
        return text

    return QueryParameter(name, description, {**TEXT, "maxLength": LONGEST_TEXT}, read=read)


def boolean_parameter(name: str, description: str) -> QueryParameter:
    """Return a parameter that takes `true` or `false`."""

    def read(text: str) -> bool:
        if text not in _BOOLEANS:
            raise ValueError(f"{_quoted(text)} is not a boolean: true or false")
        return _BOOLEANS[text]

    return QueryParameter(name, description, FLAG, read=read)


def fields_parameter(fields: tuple[str, ...]) -> QueryParameter:
    """Return the parameter that names the fields to return, in their order in rows."""
    known = frozenset(fields)

    def read(text: str) -> tuple[str, ...]:
        wanted = [name.strip() for name in text.split(",")]
        unknown = [name for name in wanted if name not in known]
        if unknown:
            raise ValueError(f"{_quoted(unknown[0])} is not a field of this list. Its fields: {', '.join(fields)}")
        return tuple(name for name in fields if name in wanted)

    some = "|".join(fields)
    schema = {"type": "string", "pattern": f"^({some})(,({some})){{0,{len(fields)}}}$"}
    return QueryParameter("fields", "Only these fields, separated by commas", schema, read=read)


def _read_size(text: str) -> int:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()):
        raise ValueError(f"{_quoted(text)} is not an integer")
    size = int(digits.lstrip("0")[:9] or "0") * (-1 if text.startswith("-") else 1)
    if size > LARGEST_PAGE_SIZE:
        raise ValueError(f"{_quoted(text)} number is greater than: {LARGEST_PAGE_SIZE}")
    if size < 1:
        raise ValueError(f"{_quoted(text)} number is less than: 1")
    return size


PER_PAGE: Final = QueryParameter(
    "per_page",
    "How many to return per page at most",
    {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE_SIZE},
    default=DEFAULT_PAGE_SIZE,
    read=_read_size,
)
"""The size of pages."""


def _read_ids(text: str) -> tuple[int, ...]:
    return tuple(_identifiers(part.strip() for part in _parts(text)))


def _read_texts(text: str) -> tuple[str, ...]:
    parts = _parts(text)
    wrong = next((part for part in parts if not 1 <= len(part) <= LONGEST_TEXT), None)
    if wrong is not None:
        raise ValueError(f"{_quoted(wrong)} does not have 1 to {LONGEST_TEXT} characters")
    return tuple(parts)


def _parts(text: str) -> list[str]:
    parts = text.split(",")
    if len(parts) > MOST_IDS:
        raise ValueError(f"has {len(parts)} values: the number is greater than: {MOST_IDS}")
    return parts


def _identifiers(texts: Iterable[str]) -> Iterator[int]:
    for text in texts:
        identifier = read_identifier(text)
        if identifier is None:
            raise ValueError(f"{_quoted(text)} is not an id")
        yield identifier


_HOW: Final = "`gte|`, `gt|`, `lte|` or `lt|` and a value; two of them for both sides, as in `gte|A|lt|B`"


def _range_schema(value: str) -> dict[str, str]:
    operators = "|".join(OPERATORS)
    return {"type": "string", "pattern": rf"^({operators})\|{value}(\|({operators})\|{value})?$"}


def _bounds(text: str) -> Iterator[tuple[str, str]]:
    """Yield the operators of a range, each with its value."""
    parts = text.split("|")
    if len(parts) % 2 or len(parts) > 2 * _MOST_BOUNDS:
        raise ValueError(f"{_quoted(text)} is not a range such as gte|2024-01-01T00:00:00Z")
    for operator, value in zip(parts[::2], parts[1::2], strict=True):
        if operator not in OPERATORS:
            raise ValueError(f"{_quoted(operator)} is not one of: {', '.join(OPERATORS)}")
        yield operator, value


def _read_times(text: str) -> TimeRange:
    """Return the half-open range: bounds may be finer than the milliseconds that are compared."""
    since: list[Instant] = []
    before: list[Instant] = []
    for operator, value in _bounds(text):
        if operator == "gte":
            since.append(_time(value, Instant.parse_bound))
        elif operator == "gt":
            since.append(Instant(_time(value, Instant.parse) + 1))
        elif operator == "lt":
            before.append(_time(value, Instant.parse_bound))
        else:
            before.append(Instant(_time(value, Instant.parse) + 1))
    return TimeRange(max(since, default=None), min(before, default=None))


def _time(text: str, parse: Callable[[str], Instant]) -> Instant:
    whole = repaired_zone(text)
    try:
        if _HAS_TIME.fullmatch(whole) is not None:
            return parse(whole)
    except ValueError:
        pass
    raise ValueError(f"{_quoted(text)} is not a date-time such as 2024-01-01T00:00:00Z")


def _read_dates(text: str) -> DateRange:
    first: list[date] = []
    last: list[date] = []
    for operator, value in _bounds(text):
        day = _date(value)
        try:
            if operator.startswith("g"):
                first.append(day if operator == "gte" else day + timedelta(days=1))
            else:
                last.append(day if operator == "lte" else day - timedelta(days=1))
        except OverflowError:
            raise ValueError(f"{_quoted(value)} has no day beyond it") from None
    return DateRange(max(first, default=None), min(last, default=None))


def _date(text: str) -> date:
    try:
        if _DATE_ONLY.fullmatch(text) is not None:
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise ValueError(f"{_quoted(text)} is not a date such as 2024-01-01")


def _quoted(text: str) -> str:
    return f"`{text[:_QUOTED]}`"
