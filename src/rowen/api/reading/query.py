"""Query strings: their parameters, and reading them.

Owns each kind of parameter (how a value is spelled, its limits, its JSON Schema, what is refused; contract section 2),
the parameters of pages, and those of lists of interviews. Must not know SQL or how a response is written.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from rowen.api.parameters import Parameter
from rowen.api.schemas import FLAG, LARGEST_INTEGER, TEXT, TIME
from rowen.interviews.errors import Code, FieldProblem, Refusal
from rowen.interviews.interview import LARGEST_ID
from rowen.interviews.moments import Instant
from rowen.interviews.query import DEFAULT_PAGE_SIZE, LARGEST_PAGE_SIZE, InterviewQuery, PageRequest

_DIGITS: Final = re.compile(r"[0-9]{1,19}")
_BOOLEANS: Final = {"true": True, "1": True, "false": False, "0": False, "": False}
_SPACED_ZONE: Final = re.compile(r"([^Tt ]*[Tt ][^ ]*) ([0-9]{2}(?::?[0-9]{2})?)")
_LONGEST_TIME: Final = 64
_PAGING: Final = frozenset({"page", "per_page", "after", "as_of"})


@dataclass(frozen=True, slots=True)
class QueryParameter(Parameter):
    """One parameter of a query string.

    `read` returns the value of its text, and raises ValueError with a sentence on what it must be. A parameter that is
    not `documented` stands only in links that the server makes.
    """

    read: Callable[[str], Any] = str
    documented: bool = True


QueryParameters = Mapping[str, QueryParameter]
"""The parameters of an operation, by name."""


def by_name(*parameters: QueryParameter) -> QueryParameters:
    """Return the parameters of an operation."""
    return {parameter.name: parameter for parameter in parameters}


def text_parameter(name: str, description: str, read: Callable[[str], str] = str) -> QueryParameter:
    """Return a parameter that takes any text."""
    return QueryParameter(name, description, TEXT, read=read)


def integer_parameter(
    name: str, description: str, limits: tuple[int, int], *, default: int | None = None, documented: bool = True
) -> QueryParameter:
    """Return a parameter that takes the whole numbers from the first to the second of `limits`."""
    smallest, largest = limits

    def read(text: str) -> int:
        if _DIGITS.fullmatch(text) and smallest <= int(text) <= largest:
            return int(text)
        raise ValueError(f"Must be an integer between {smallest} and {largest}")

    schema = {"type": "integer", "minimum": smallest, "maximum": largest}
    return QueryParameter(name, description, schema, default=default, read=read, documented=documented)


def identifier_parameter(name: str, description: str, example: int) -> QueryParameter:
    """Return a parameter that takes an id."""
    return replace(integer_parameter(name, description, (1, LARGEST_ID)), example=example)


def identifiers_parameter(name: str, description: str, most: int) -> QueryParameter:
    """Return a parameter that takes ids, separated by commas, at most `most`."""
    pattern = re.compile(rf"^[0-9]{{1,16}}( *, *[0-9]{{1,16}}){{0,{most - 1}}}$")

    def read(text: str) -> tuple[int, ...]:
        if pattern.search(text):
            return tuple(sorted({int(part) for part in text.split(",")}))
        raise ValueError(f"Must be ids separated by commas, at most {most}")

    return QueryParameter(name, description, {"type": "string", "pattern": pattern.pattern}, read=read)


def limit_parameter(default: int) -> QueryParameter:
    """Return the parameter `limit` of lists that have no pages."""
    return integer_parameter("limit", "How many to return at most", (1, LARGEST_PAGE_SIZE), default=default)


def flag_parameter(name: str, description: str) -> QueryParameter:
    """Return a parameter that takes true or false; false is the default."""
    return QueryParameter(name, description, FLAG, default=False, read=_read_flag)


def time_parameter(name: str, description: str) -> QueryParameter:
    """Return a parameter that takes an ISO-8601 date or timestamp."""
    return QueryParameter(name, description, TIME, read=_read_time)


def _read_flag(text: str) -> bool:
    if text.lower() not in _BOOLEANS:
        raise ValueError("Must be true or false")
    return _BOOLEANS[text.lower()]


def repaired_zone(text: str) -> str:
    """Return the text of a time with the plus of its zone: an unencoded one arrives as a space."""
    # Text longer than any time is not matched.
    spaced = _SPACED_ZONE.fullmatch(text) if len(text) <= _LONGEST_TIME else None
    return f"{spaced[1]}+{spaced[2]}" if spaced else text


def _read_time(text: str) -> Instant:
    try:
        return Instant.parse_bound(repaired_zone(text))
    except ValueError:
        raise ValueError("Must be an ISO-8601 date or timestamp") from None


_PAGES: Final = (
    integer_parameter(
        "per_page", "How many to return per page at most", (1, LARGEST_PAGE_SIZE), default=DEFAULT_PAGE_SIZE
    ),
    integer_parameter("page", "Which page: the n-th chunk of `per_page`", (1, LARGEST_INTEGER), default=1),
    integer_parameter(
        "after",
        "Continue after the record with this id, whatever was inserted or deleted since; `next` links carry it",
        (0, LARGEST_INTEGER),
    ),
    flag_parameter("skip_count", "Leave out the link to the last page"),
)
# created_before, created_after, updated_before, updated_after, starts_before, starts_after, ends_before, ends_after
_SIDES: Final = (("before", "before"), ("after", "at or after"))
_TIMED: Final = (("created", "were created"), ("updated", "were updated"), ("starts", "start"), ("ends", "end"))


def list_parameters(*filters: QueryParameter) -> QueryParameters:
    """Return the parameters of a list in pages: those of pages, and its filters."""
    return by_name(*_PAGES, *filters)


INTERVIEW_PARAMETERS: Final = list_parameters(
    *(
        time_parameter(f"{what}_{side}", f"Only interviews that {verb} {relation} this ISO-8601 date or time")
        for what, verb in _TIMED
        for side, relation in _SIDES
    ),
    text_parameter("external_event_id", "Only interviews with this id of an external event"),
    flag_parameter(
        "actionable",
        "Only interviews that can be changed: created through the API, not complete, of an active application",
    ),
    integer_parameter("as_of", "What changed later is left to the next sync", (0, LARGEST_INTEGER), documented=False),
)
"""The parameters of lists of interviews."""


@dataclass(frozen=True, slots=True)
class ListParameters:
    """The parsed query string of a list of interviews.

    `echo` holds its parameters as they were sent, still encoded, without those of paging: for the links to other pages.
    """

    query: InterviewQuery
    page: PageRequest
    echo: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ListRequest:
    """The parsed query string of any list: the filters by name, and the rest as in `ListParameters`."""

    filters: Mapping[str, Any]
    page: PageRequest
    echo: tuple[str, ...]


@lru_cache(maxsize=512)
def read_parameters(query_string: str) -> ListParameters:
    """Parse the query string of a list of interviews as `read_list` does."""
    request = read_list(query_string, INTERVIEW_PARAMETERS)
    return ListParameters(replace(InterviewQuery(), **request.filters), request.page, request.echo)


def read_list(query_string: str, parameters: QueryParameters) -> ListRequest:
    """Parse a query string as it arrived, one character per byte. Raises Refusal (invalid) that names every bad field.

    Unknown parameters are ignored; of a repeated one the last counts.
    """
    texts: dict[str, str] = {}
    echo: dict[str, str] = {}
    for part in query_string.split("&"):
        name, _, text = part.partition("=")
        name = decoded(name)
        if name in parameters:
            texts[name] = decoded(text)
            echo.pop(name, None)
            if name not in _PAGING:
                echo[name] = part
        elif part:
            echo[part] = part  # some clients append their parameters again to every link that they follow
    values = _read(texts, parameters)
    page = PageRequest(
        number=values.pop("page", 1),
        size=values.pop("per_page", DEFAULT_PAGE_SIZE),
        after=values.pop("after", None),
        counted=not values.pop("skip_count", False),
    )
    return ListRequest(values, page, tuple(echo.values()))


def read_values(query_string: str, parameters: QueryParameters) -> dict[str, Any]:
    """Return the values of the parameters that are given or have a default, by name; of a repeated one the last counts.

    Raises Refusal (invalid) that names every bad field.
    """
    texts = {}
    for part in query_string.split("&"):
        name, _, text = part.partition("=")
        if decoded(name) in parameters:
            texts[decoded(name)] = decoded(text)
    defaults = {name: parameter.default for name, parameter in parameters.items() if parameter.default is not None}
    return defaults | _read(texts, parameters)


def decoded(text: str) -> str:
    """Return the text of a name or value, whether its UTF-8 was percent-encoded or not.

    Invalid UTF-8 becomes U+FFFD, which matches nothing.
    """
    return unquote_to_bytes(text.replace("+", " ").encode("latin-1")).decode("utf-8", "replace")


def _read(texts: dict[str, str], parameters: QueryParameters) -> dict[str, Any]:
    values: dict[str, Any] = {}
    problems: list[FieldProblem] = []
    for name, text in texts.items():
        try:
            values[name] = parameters[name].read(text)
        except ValueError as error:
            problems.append(FieldProblem(name, str(error)))
    if problems:
        raise Refusal(Code.INVALID, "Validation error", tuple(problems))
    return values
