"""Readers of JSON values: how each kind of value is read, and its JSON Schema.

Owns the limits of each kind, once for both, and the messages that name them. Must not know an operation or the
schedule.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final, Generic, TypeVar
from urllib.parse import urlsplit

from rowen.api import schemas
from rowen.api.identifiers import read_identifier
from rowen.api.reading.field_paths import inside
from rowen.api.schemas import FLAG, IDENTIFIER, TIME, Json, closed
from rowen.interviews.errors import Problems
from rowen.interviews.interview import LARGEST_ID
from rowen.interviews.moments import Instant

LONGEST_TEXT: Final = 2_000
LONGEST_NAME: Final = 255
LONGEST_PROSE: Final = 100_000
_SAFE_DIGITS: Final = 15  # every number with at most this many digits is a valid id

Value = TypeVar("Value")
Choice = TypeVar("Choice", bound=StrEnum)

_EMAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s]{1,253}")
_CONTROLS: Final = frozenset({"Cc", "Cs"})  # lone surrogates cannot be written as UTF-8
_NO_CONTROLS: Final = r"[^\x00-\x1f\x7f-\x9f]*"
_NO_CONTROLS_BUT_LINES: Final = r"[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*"


@dataclass(frozen=True, slots=True)
class ValueReader(Generic[Value]):
    """One kind of JSON value.

    `read` takes the problems so far, the path of the value and the value; where the value is wrong it notes a problem
    and returns None. `schema` describes the values that it takes.
    """

    read: Callable[[Problems, str, Any], Value | None]
    schema: Json

    def described(self, description: str) -> "ValueReader[Value]":
        """Return the same reader, its schema with a description."""
        return self.with_schema({**self.schema, "description": description})

    def with_schema(self, schema: Json) -> "ValueReader[Value]":
        """Return the same reader with another schema."""
        return replace(self, schema=schema)


def read_fields(
    problems: Problems, path: str, given: Mapping[str, Any], readers: Mapping[str, ValueReader[Any]]
) -> dict[str, Any]:
    """Return the values of the valid fields, by name; everything else is noted as a problem.

    Of an array with bad elements the good ones are returned, so that their problems can be found, too.
    """
    values = {}
    for name, value in given.items():
        reader = readers.get(name)
        if reader is None:
            problems.note(inside(path, name), "Is not a field of this request")
            continue
        before = problems.count
        read = reader.read(problems, inside(path, name), value)
        if read is not None or problems.count == before:
            values[name] = read
    return values


def require(problems: Problems, path: str, given: Mapping[str, Any], names: tuple[str, ...]) -> None:
    """Note the fields that are missing."""
    for name in names:
        if name not in given:
            problems.note(inside(path, name), "Is required")


def _read_identifier(problems: Problems, path: str, value: Any) -> int | None:
    if isinstance(value, str):
        number = read_identifier(value)
    else:
        good = isinstance(value, int) and not isinstance(value, bool) and 0 < value <= LARGEST_ID
        number = value if good else None
    if number is not None:
        return number
    problems.note(path, "Must be an id: a whole number greater than 0")
    return None


identifier: Final = ValueReader(
    _read_identifier,
    {
        "description": "An id; clients of JSON without large numbers send it as text",
        "anyOf": [IDENTIFIER, {"type": "string", "pattern": rf"^0?[1-9][0-9]{{0,{_SAFE_DIGITS - 1}}}$"}],
    },
)
"""Reads an id."""


def _read_boolean(problems: Problems, path: str, value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    problems.note(path, "Must be true or false")
    return None


boolean: Final = ValueReader(_read_boolean, FLAG)
"""Reads true or false."""


def whole(smallest: int, largest: int) -> ValueReader[int]:
    """Return the reader of whole numbers from `smallest` to `largest`."""

    def read(problems: Problems, path: str, value: Any) -> int | None:
        if isinstance(value, int) and not isinstance(value, bool) and smallest <= value <= largest:
            return value
        problems.note(path, f"Must be a whole number from {smallest} to {largest}")
        return None

    return ValueReader(read, {"type": "integer", "minimum": smallest, "maximum": largest})


def _read_instant(problems: Problems, path: str, value: Any) -> Instant | None:
    try:
        if isinstance(value, str):
            return Instant.parse(value)
    except ValueError:
        pass
    problems.note(path, "Must be an ISO-8601 time")
    return None


instant: Final = ValueReader(_read_instant, TIME)
"""Reads an ISO-8601 time; a date is its midnight in UTC."""


def _text_reader(longest: int, *, lines: bool = False, empty: bool = False) -> ValueReader[str]:
    """Return the reader of text of at most `longest` characters, without control characters but those of `lines`."""
    allowed = frozenset("\n\r\t") if lines else frozenset()
    shortest = 0 if empty else 1

    def read(problems: Problems, path: str, value: Any) -> str | None:
        if not isinstance(value, str):
            problems.note(path, "Must be text")
        elif not shortest <= len(value) <= longest:
            problems.note(path, f"Must have {shortest} to {longest} characters")
        elif not value.isprintable() and any(
            unicodedata.category(letter) in _CONTROLS and letter not in allowed for letter in value
        ):
            problems.note(path, "Must not have control characters")
        else:
            return value
        return None

    pattern = _NO_CONTROLS_BUT_LINES if lines else _NO_CONTROLS
    least = {} if empty else {"minLength": shortest}
    return ValueReader(read, {"type": "string", **least, "maxLength": longest, "pattern": f"^{pattern}$"})


text: Final = _text_reader(LONGEST_TEXT)
name: Final = _text_reader(LONGEST_NAME)
prose: Final = _text_reader(LONGEST_PROSE, lines=True, empty=True)


def _read_email(problems: Problems, path: str, value: Any) -> str | None:
    address = name.read(problems, path, value)
    if address is None:
        return None
    if _EMAIL.fullmatch(address) is None:
        problems.note(path, "Must be an e-mail address")
        return None
    return address


email: Final = ValueReader(
    _read_email,
    {
        "type": "string",
        "maxLength": LONGEST_NAME,
        "pattern": r"^[^@\s\x00-\x1f\x7f-\x9f]{1,64}@[^@\s\x00-\x1f\x7f-\x9f]{1,253}$",
    },
)
"""Reads an e-mail address."""


def _read_web_address(problems: Problems, path: str, value: Any) -> str | None:
    address = text.read(problems, path, value)
    if address is None:
        return None
    try:
        parts = urlsplit(address)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and not re.search(r"\s", address)
        _ = parts.port  # raises ValueError for an invalid port
    except ValueError:
        good = False
    if not good:
        problems.note(path, "Must be an http or https URL")
        return None
    return address


web_address: Final = ValueReader(
    _read_web_address,
    {
        "type": "string",
        "maxLength": LONGEST_TEXT,
        "pattern": r"^[hH][tT][tT][pP][sS]?://[^\s\x00-\x1f\x7f-\x9f]+$",
    },
)
"""Reads an http or https URL."""


def choice(kind: type[Choice]) -> ValueReader[Choice]:
    """Return the reader of an enumeration's values."""
    members: dict[str, Choice] = {member.value: member for member in kind}

    def read(problems: Problems, path: str, value: Any) -> Choice | None:
        if isinstance(value, str) and value in members:
            return members[value]
        problems.note(path, f"Must be one of {', '.join(members)}")
        return None

    return ValueReader(read, {"type": "string", "enum": list(members)})


def nullable(reader: ValueReader[Value]) -> ValueReader[Value]:
    """Return a reader that takes null, too."""

    def read(problems: Problems, path: str, value: Any) -> Value | None:
        return None if value is None else reader.read(problems, path, value)

    return ValueReader(read, schemas.nullable(reader.schema))


def or_blank(reader: ValueReader[Value]) -> ValueReader[Value]:
    """Return a reader that also takes null and empty text as null: forms send the latter for empty fields."""

    def read(problems: Problems, path: str, value: Any) -> Value | None:
        return None if value is None or value == "" else reader.read(problems, path, value)

    return ValueReader(read, {"anyOf": [reader.schema, {"type": "null"}, {"type": "string", "maxLength": 0}]})


def sequence(reader: ValueReader[Value], largest: int, smallest: int = 0) -> ValueReader[tuple[Value | None, ...]]:
    """Return the reader of an array; a bad element is replaced by None."""

    def read(problems: Problems, path: str, value: Any) -> tuple[Value | None, ...] | None:
        if not isinstance(value, list):
            problems.note(path, "Must be an array")
        elif not smallest <= len(value) <= largest:
            problems.note(path, f"Must have {smallest} to {largest} elements")
        else:
            return tuple(reader.read(problems, f"{path}[{index}]", element) for index, element in enumerate(value))
        return None

    least = {"minItems": smallest} if smallest else {}
    return ValueReader(read, {"type": "array", "items": reader.schema, **least, "maxItems": largest})


def structure(
    make: Callable[..., Value], readers: Mapping[str, ValueReader[Any]], *required: str
) -> ValueReader[Value]:
    """Return the reader of an object: `make` is called with the valid fields."""

    def read(problems: Problems, path: str, value: Any) -> Value | None:
        if not isinstance(value, dict):
            problems.note(path, "Must be an object")
            return None
        require(problems, path, value, required)
        before = problems.count
        fields = read_fields(problems, path, value, readers)
        return make(**fields) if problems.count == before and all(field in fields for field in required) else None

    optional = [field for field in readers if field not in required]
    return ValueReader(read, closed({field: reader.schema for field, reader in readers.items()}, *optional))
