"""Reading the query string of a list.

Owns the spelling of filters and pages in a URL, and what is refused of them (contract section 2). Must not know
SQL or how an answer is written.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from rowen.interviews.errors import Code, FieldProblem, Refusal
from rowen.interviews.interview import LARGEST_ID
from rowen.interviews.moments import Instant
from rowen.interviews.query import DEFAULT_PAGE_SIZE, LARGEST_PAGE_SIZE, InterviewQuery, PageRequest

_LARGEST_INTEGER: Final = 2**63 - 1
_DIGITS: Final = re.compile(r"[0-9]{1,19}")
_BOOLEANS: Final = {"true": True, "1": True, "false": False, "0": False, "": False}
_SPACED_ZONE: Final = re.compile(r"([^Tt ]*[Tt ][^ ]*) ([0-9]{2}(?::?[0-9]{2})?)")
_LONGEST_TIME: Final = 64
_TIMES: Final = tuple(
    f"{what}_{side}" for what in ("created", "updated", "starts", "ends") for side in ("after", "before")
)
_PAGING: Final = frozenset({"page", "per_page", "after", "as_of"})

Reader = Callable[[str], Any]
"""Reads one parameter's value. Raises ValueError with a sentence on what it must be."""


@dataclass(frozen=True, slots=True)
class ListParameters:
    """What the query string of a list of interviews asks for.

    `echo` holds its parameters as they stood, still encoded, without those of paging: for the links to other pages.
    """

    query: InterviewQuery
    page: PageRequest
    echo: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ListRequest:
    """What the query string of any list asks for: the filters by name, and the rest as in `ListParameters`."""

    filters: Mapping[str, Any]
    page: PageRequest
    echo: tuple[str, ...]


@lru_cache(maxsize=512)
def read_parameters(query_string: str) -> ListParameters:
    """Read the query string of a list of interviews as `read_list` does."""
    request = read_list(query_string, _FILTERS)
    return ListParameters(replace(InterviewQuery(), **request.filters), request.page, request.echo)


def read_list(query_string: str, filters: Mapping[str, Reader]) -> ListRequest:
    """Read a query string as it arrived, a byte a character. Raises Refusal (invalid) that names every bad field.

    Unknown parameters are ignored; of a repeated one the last counts.
    """
    readers = {**_PAGES, **filters}
    values: dict[str, str] = {}
    echo: dict[str, str] = {}
    for part in query_string.split("&"):
        name, _, value = part.partition("=")
        name = _decoded(name)
        if name in readers:
            values[name] = _decoded(value)
            echo.pop(name, None)
            if name not in _PAGING:
                echo[name] = part
        elif part:
            echo[part] = part  # a client appends its parameters again to every link that it follows
    found: list[FieldProblem] = []
    read = dict(_read(values, readers, found))
    if found:
        raise Refusal(Code.INVALID, "Validation error", tuple(found))
    page = PageRequest(
        number=read.pop("page", 1),
        size=read.pop("per_page", DEFAULT_PAGE_SIZE),
        after=read.pop("after", None),
        counted=not read.pop("skip_count", False),
    )
    return ListRequest(read, page, tuple(echo.values()))


def _decoded(text: str) -> str:
    """Return the text of a name or value, whether its UTF-8 was percent-encoded or not.

    What is not UTF-8 becomes U+FFFD, which matches nothing.
    """
    return unquote_to_bytes(text.replace("+", " ").encode("latin-1")).decode("utf-8", "replace")


def _read(
    values: dict[str, str], readers: Mapping[str, Reader], found: list[FieldProblem]
) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        try:
            yield name, readers[name](value)
        except ValueError as error:
            found.append(FieldProblem(name, str(error)))


def _integer(smallest: int, largest: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if _DIGITS.fullmatch(text) and smallest <= int(text) <= largest:
            return int(text)
        raise ValueError(f"Must be an integer between {smallest} and {largest}")

    return read


def _boolean(text: str) -> bool:
    if text.lower() not in _BOOLEANS:
        raise ValueError("Must be true or false")
    return _BOOLEANS[text.lower()]


def _bound(text: str) -> Instant:
    # A plus that was not encoded arrives as a space. What is longer than any time is not looked at twice.
    spaced = _SPACED_ZONE.fullmatch(text) if len(text) <= _LONGEST_TIME else None
    try:
        return Instant.parse_bound(f"{spaced[1]}+{spaced[2]}" if spaced else text)
    except ValueError:
        raise ValueError("Must be an ISO-8601 date or timestamp") from None


_PAGES: Final[Mapping[str, Reader]] = {
    "page": _integer(1, _LARGEST_INTEGER),
    "per_page": _integer(1, LARGEST_PAGE_SIZE),
    "after": _integer(0, _LARGEST_INTEGER),
    "skip_count": _boolean,
}
_FILTERS: Final[Mapping[str, Reader]] = {
    "as_of": _integer(0, _LARGEST_INTEGER),
    "actionable": _boolean,
    "external_event_id": str,
    **dict.fromkeys(_TIMES, _bound),
}


def read_values(query_string: str, readers: Mapping[str, Reader]) -> dict[str, Any]:
    """Read the parameters that are known by name; of a repeated one the last counts.

    Raises Refusal (invalid) that names every bad field.
    """
    values = {}
    for part in query_string.split("&"):
        name, _, value = part.partition("=")
        if _decoded(name) in readers:
            values[_decoded(name)] = _decoded(value)
    found: list[FieldProblem] = []
    read = dict(_read(values, readers, found))
    if found:
        raise Refusal(Code.INVALID, "Validation error", tuple(found))
    return read


read_time: Final = _bound
read_boolean: Final = _boolean
read_identifier: Final = _integer(1, LARGEST_ID)
read_limit: Final = _integer(1, LARGEST_PAGE_SIZE)
