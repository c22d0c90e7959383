"""Query strings of Harvest v3's lists, and the cursors that continue a list.

Owns the parameters that every list has, what is refused, and the form of a cursor (contract section 11). Must not know
a list's rows.

A cursor holds the query string of the first page and the id of the last row, with a checksum. It is read by the same
rules as the query string itself, so that it opens nothing that its bearer could not ask for; the checksum makes a cut,
changed or foreign cursor an error rather than another list.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final

from rowen.api.identifiers import read_identifier
from rowen.api.reading.query import QueryParameter, QueryParameters, by_name, decoded
from rowen.api.reading.v3_values import (
    OPERATORS,
    PER_PAGE,
    fields_parameter,
    ids_parameter,
    time_range_parameter,
)
from rowen.interviews.errors import LONGEST_QUOTE, Code, FieldProblem, Refusal
from rowen.interviews.query import DEFAULT_PAGE_SIZE

_LONGEST: Final = 4_096  # characters of a query: its cursor must fit into the address of the next page
_CHECKSUM: Final = 8
_BRACKETS: Final = re.compile(r"(\w+)\[(\w+)\]")
_LONGEST_CURSOR: Final = 5_600  # that of the longest query
_CURSOR: Final = QueryParameter(
    "cursor",
    "Continues a list where a page ended; no other parameter may be given",
    {"type": "string", "pattern": f"^[A-Za-z0-9_-]{{1,{_LONGEST_CURSOR}}}$"},
)
_EXCLUSIVE: Final = "When passing a cursor, do not include other query params."
_BAD_CURSOR: Final = FieldProblem(_CURSOR.name, "is not a cursor of this list")
_TIMES: Final = ("created_at", "updated_at")


@dataclass(frozen=True, eq=False)
class V3Parameters:
    """The parameters of one list of v3, by name; `fields` are those of its rows, in their order."""

    list_name: str
    parameters: QueryParameters
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class V3ListRequest:
    """The parsed query string of a list of v3.

    `filters` holds the values of the parameters that are given, by name: `ids` and every `*_ids` are tuples, ranges are
    `TimeRange` or `DateRange`. `fields` are those to return, None for all. Rows have an id below `below`, if that is
    given: it is the last one of the page before. `query` is the query string of the first page.
    """

    filters: Mapping[str, Any]
    size: int
    fields: tuple[str, ...] | None
    below: int | None
    query: str


def v3_parameters(list_name: str, filters: Iterable[QueryParameter], fields: tuple[str, ...]) -> V3Parameters:
    """Return the parameters of a list: those that every list has, and its own."""
    universal = (
        _CURSOR,
        PER_PAGE,
        ids_parameter("ids", "Only these ids, separated by commas; at most 50"),
        time_range_parameter("created_at", "Only what was created in this range"),
        time_range_parameter("updated_at", "Only what was updated in this range, instead of `created_at`"),
        fields_parameter(fields),
    )
    return V3Parameters(list_name, by_name(*universal, *filters), fields)


@lru_cache(maxsize=512)
def read_v3_list(declared: V3Parameters, query_string: str) -> V3ListRequest:
    """Parse a query string as it arrived, one character per byte. Raises Refusal (invalid) that names every problem."""
    given = _given(query_string)
    if _CURSOR.name not in given:
        return _read(declared, given, query_string)
    if len(given) > 1:
        raise Refusal(Code.INVALID, problems=(FieldProblem("", _EXCLUSIVE),))
    below, first = _opened(declared, given[_CURSOR.name])
    request = _read(declared, _given(first), first)
    return V3ListRequest(request.filters, request.size, request.fields, below, first)


def next_link(declared: V3Parameters, address: str, request: V3ListRequest, last_id: int) -> str:
    """Return the `Link` header of a page that is not the last; `last_id` is the id of its last row."""
    return f'<{address}?cursor={_sealed(declared, last_id, request.query)}>; rel="next"'


def _given(query_string: str) -> dict[str, str]:
    """Return the texts of the parameters, by name; `created_at[gte]=A` is taken as `created_at=gte|A`.

    The last of a repeated parameter counts; bounds in brackets are collected.
    """
    given: dict[str, str] = {}
    bounds: dict[str, dict[str, str]] = {}
    for part in query_string.split("&"):
        if not part:
            continue
        encoded_name, _, encoded_text = part.partition("=")
        name, text = decoded(encoded_name), decoded(encoded_text)
        match = _BRACKETS.fullmatch(name)
        if match is not None and match[2] in OPERATORS:
            bounds.setdefault(match[1], {})[match[2]] = text
        else:
            given[name] = text
    for name, found in bounds.items():
        collected = [f"{operator}|{text}" for operator, text in found.items()]
        given[name] = "|".join([*([given[name]] if name in given else []), *collected])
    return given


def _read(declared: V3Parameters, given: Mapping[str, str], query_string: str) -> V3ListRequest:
    problems: list[FieldProblem] = []
    if len(query_string) > _LONGEST:
        problems.append(FieldProblem("", f"The query string is longer than {_LONGEST} characters."))
    values: dict[str, Any] = {}
    for name, text in given.items():
        parameter = declared.parameters.get(name)
        if parameter is None or parameter is _CURSOR:
            problems.append(FieldProblem(name[:LONGEST_QUOTE], "is not a parameter of this list"))
            continue
        try:
            values[name] = parameter.read(text)
        except ValueError as error:
            problems.append(FieldProblem(name, str(error)))
    if all(name in given for name in _TIMES):
        problems.append(FieldProblem("", "Pass either created_at or updated_at, not both."))
    if problems:
        raise Refusal(Code.INVALID, problems=tuple(problems))
    size, fields = values.pop(PER_PAGE.name, DEFAULT_PAGE_SIZE), values.pop("fields", None)
    return V3ListRequest(values, size, fields, None, query_string)


@lru_cache(maxsize=512)
def _sealed(declared: V3Parameters, last_id: int, query: str) -> str:
    content = f"{last_id}&{query}".encode("latin-1")
    checksum = blake2b(content, digest_size=_CHECKSUM, key=declared.list_name.encode()).digest()
    return urlsafe_b64encode(checksum + content).rstrip(b"=").decode()


def _opened(declared: V3Parameters, cursor: str) -> tuple[int, str]:
    """Return the id of the last row and the query string in a cursor. Raises Refusal (invalid)."""
    try:
        content = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))[_CHECKSUM:].decode("latin-1")
    except ValueError:
        raise Refusal(Code.INVALID, problems=(_BAD_CURSOR,)) from None
    last, _, query = content.partition("&")
    below = read_identifier(last)
    if below is None or cursor != _sealed(declared, below, query) or _CURSOR.name in _given(query):
        raise Refusal(Code.INVALID, problems=(_BAD_CURSOR,))
    return below, query
