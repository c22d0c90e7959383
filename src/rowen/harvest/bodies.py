"""Reading the JSON body of a write.

Owns what is refused of any body (broken JSON, depth, duplicate and unknown fields, wrong types) and how each kind of
value is read. Must not know a call or the schedule.
"""

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, NoReturn, TypeVar
from urllib.parse import urlsplit

from rowen.interviews.errors import Code, FieldProblem, Refusal
from rowen.interviews.interview import LARGEST_ID

_LONGEST_SHOWN: Final = 60  # letters of a name in the path of a problem

DEEPEST: Final = 32
"""How many objects and arrays may stand in each other."""

MOST_PROBLEMS: Final = 1_000
"""How many problems are told of one body: who sends a megabyte of mistakes does not get several back."""

_MOST_PARTS: Final = 20_000  # objects and arrays: each costs more than its two bytes tell

LONGEST_TEXT: Final = 2_000
LONGEST_NAME: Final = 255
_MOST_DIGITS: Final = 100

Value = TypeVar("Value")
Reader = Callable[["Problems", str, Any], Value | None]
"""Reads a JSON value found at a path: returns None, and notes the problem, where it is not as it should be."""

_EMAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s]{1,253}")


class Problems:
    """What is wrong with one body, as far as it was read."""

    def __init__(self) -> None:
        self.found: list[FieldProblem] = []
        self.count = 0

    def note(self, path: str, message: str) -> None:
        """Add a problem of the field at `path`."""
        self.count += 1
        if len(self.found) < MOST_PROBLEMS:
            self.found.append(FieldProblem(path, message))


class _Object(dict[str, Any]):
    """A JSON object, and the names that stood in it twice."""

    twice: tuple[str, ...] = ()


def read_object(body: bytes, problems: Problems) -> dict[str, Any]:
    """Return the object that a body is; what stands in it twice is among the problems.

    Raises Refusal: malformed where it is not JSON; invalid where it is no object, or nested too deeply.
    """
    if body.count(b"{") + body.count(b"[") > _MOST_PARTS:
        raise Refusal(Code.INVALID, problems=(FieldProblem("body", "Must not have so many objects and arrays"),))
    try:
        value = json.loads(body.decode(), object_pairs_hook=_object, parse_int=_whole, parse_constant=_no_constant)
    except RecursionError:
        raise Refusal(Code.INVALID, problems=(_TOO_DEEP,)) from None
    except ValueError as error:  # JSON's own errors and those of UTF-8
        reason = str(error) if isinstance(error, json.JSONDecodeError) else "is no JSON in UTF-8"
        raise Refusal(Code.MALFORMED, problems=(FieldProblem("body", reason),)) from None
    if not isinstance(value, _Object):
        raise Refusal(Code.INVALID, problems=(FieldProblem("body", "Must be an object"),))
    _look_through(value, "", 1, problems)
    return value


_TOO_DEEP: Final = FieldProblem("body", f"Must not be nested more than {DEEPEST} levels deep")


def _object(pairs: list[tuple[str, Any]]) -> _Object:
    made = _Object(pairs)
    if len(made) != len(pairs):
        made.twice = tuple(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
    return made


def _whole(digits: str) -> int | float:
    # Python refuses to read thousands of digits: what is far larger than any id need not be exact.
    return int(digits) if len(digits) <= _MOST_DIGITS else float(digits)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _look_through(value: Any, path: str, depth: int, problems: Problems) -> None:
    if depth > DEEPEST and isinstance(value, dict | list):
        raise Refusal(Code.INVALID, problems=(_TOO_DEEP,))
    if isinstance(value, _Object):
        for name in value.twice:
            problems.note(inside(path, name), "Must be given once")
        for name, inner in value.items():
            if isinstance(inner, dict | list):
                _look_through(inner, inside(path, name), depth + 1, problems)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            if isinstance(inner, dict | list):
                _look_through(inner, f"{path}[{index}]", depth + 1, problems)


def inside(path: str, name: str) -> str:
    """Return the path of a field in the object at `path`; a name that could deceive a reader is cut and escaped."""
    if name.isprintable() and len(name) <= _LONGEST_SHOWN:  # nearly always: this is asked of every field of a write
        return f"{path}.{name}" if path else name
    shown = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in name[:_LONGEST_SHOWN])
    return f"{path}.{shown}" if path else shown


def read_fields(
    problems: Problems, path: str, found: Mapping[str, Any], readers: Mapping[str, Reader[Any]]
) -> dict[str, Any]:
    """Return the values of the fields that are well-formed, by name; whatever else there is is a problem.

    Of an array with bad elements the good ones are returned, so that more can be told about them.
    """
    values = {}
    for name, value in found.items():
        reader = readers.get(name)
        if reader is None:
            problems.note(inside(path, name), "Is not a field of this request")
            continue
        before = problems.count
        read = reader(problems, inside(path, name), value)
        if read is not None or problems.count == before:
            values[name] = read
    return values


def require(problems: Problems, path: str, found: Mapping[str, Any], names: tuple[str, ...]) -> None:
    """Note the fields that are missing."""
    for name in names:
        if name not in found:
            problems.note(inside(path, name), "Is required")


def identifier(problems: Problems, path: str, value: Any) -> int | None:
    """Read an id; clients of JSON without large numbers send it as text."""
    number = value
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,16}", value):
        number = int(value)
    if isinstance(number, int) and not isinstance(number, bool) and 0 < number <= LARGEST_ID:
        return number
    problems.note(path, "Must be an id: a whole number greater than 0")
    return None


def boolean(problems: Problems, path: str, value: Any) -> bool | None:
    """Read true or false."""
    if isinstance(value, bool):
        return value
    problems.note(path, "Must be true or false")
    return None


class _Text:
    """Reads text of at least one and at most `longest` letters, without control characters."""

    def __init__(self, longest: int, *, lines: bool = False, empty: bool = False) -> None:
        self._longest = longest
        self._allowed = frozenset("\n\r\t") if lines else frozenset()
        self._shortest = 0 if empty else 1

    def __call__(self, problems: Problems, path: str, value: Any) -> str | None:
        if not isinstance(value, str):
            problems.note(path, "Must be text")
        elif not self._shortest <= len(value) <= self._longest:
            problems.note(path, f"Must have {self._shortest} to {self._longest} characters")
        elif not value.isprintable() and any(
            unicodedata.category(letter) in _CONTROLS and letter not in self._allowed for letter in value
        ):
            problems.note(path, "Must not have control characters")
        else:
            return value
        return None


_CONTROLS: Final = frozenset({"Cc", "Cs"})  # lone surrogates cannot be written as UTF-8

text: Final = _Text(LONGEST_TEXT)
name: Final = _Text(LONGEST_NAME)
prose: Final = _Text(100_000, lines=True, empty=True)


def email(problems: Problems, path: str, value: Any) -> str | None:
    """Read an e-mail address."""
    read = name(problems, path, value)
    if read is None:
        return None
    if _EMAIL.fullmatch(read) is None:
        problems.note(path, "Must be an e-mail address")
        return None
    return read


def web_address(problems: Problems, path: str, value: Any) -> str | None:
    """Read an http or https URL."""
    read = text(problems, path, value)
    if read is None:
        return None
    try:
        parts = urlsplit(read)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and not re.search(r"\s", read)
        _ = parts.port  # raises where it is none
    except ValueError:
        good = False
    if not good:
        problems.note(path, "Must be an http or https URL")
        return None
    return read


class _Choice(Generic[Value]):
    """Reads one of the values of an enumeration of texts."""

    def __init__(self, kind: Any) -> None:
        self._values: dict[str, Any] = {member.value: member for member in kind}

    def __call__(self, problems: Problems, path: str, value: Any) -> Any:
        if isinstance(value, str) and value in self._values:
            return self._values[value]
        problems.note(path, f"Must be one of {', '.join(self._values)}")
        return None


def choice(kind: type[Value]) -> Reader[Value]:
    """Return the reader of an enumeration's values."""
    return _Choice(kind)


def optional(reader: Reader[Value]) -> Reader[Value]:
    """Return a reader that takes null, too."""

    def read(problems: Problems, path: str, value: Any) -> Value | None:
        return None if value is None else reader(problems, path, value)

    return read


def or_blank(reader: Reader[Value]) -> Reader[Value]:
    """Return a reader that takes null, too, and empty text for it: forms send that where nothing was filled in."""

    def read(problems: Problems, path: str, value: Any) -> Value | None:
        return None if value is None or value == "" else reader(problems, path, value)

    return read


def sequence(reader: Reader[Value], largest: int, smallest: int = 0) -> Reader[tuple[Value | None, ...]]:
    """Return the reader of an array; of a bad element None stands in its place."""

    def read(problems: Problems, path: str, value: Any) -> tuple[Value | None, ...] | None:
        if not isinstance(value, list):
            problems.note(path, "Must be an array")
        elif not smallest <= len(value) <= largest:
            problems.note(path, f"Must have {smallest} to {largest} elements")
        else:
            return tuple(reader(problems, f"{path}[{index}]", each) for index, each in enumerate(value))
        return None

    return read


def structure(make: Callable[..., Value], readers: Mapping[str, Reader[Any]], *required: str) -> Reader[Value]:
    """Return the reader of an object: `make` is called with the fields that are well-formed."""

    def read(problems: Problems, path: str, value: Any) -> Value | None:
        if not isinstance(value, dict):
            problems.note(path, "Must be an object")
            return None
        require(problems, path, value, required)
        before = problems.count
        fields = read_fields(problems, path, value, readers)
        return make(**fields) if problems.count == before and all(each in fields for each in required) else None

    return read
