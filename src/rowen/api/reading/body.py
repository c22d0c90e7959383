"""The JSON body of a write: reading it, and describing it.

Owns what is refused of any body (broken JSON, depth, duplicate and unknown fields), and `Body`, which an operation
declares: its fields, each with its reader, and which of them are required. Must not know an operation or the schedule.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from rowen.api.reading.field_paths import inside
from rowen.api.reading.values import ValueReader, read_fields, require
from rowen.api.schemas import Json, closed
from rowen.interviews.errors import Code, FieldProblem, Problems, Refusal

DEEPEST: Final = 32
"""How deeply objects and arrays may be nested."""

_MOST_PARTS: Final = 20_000  # objects and arrays: each takes far more memory than its two bytes
_MOST_DIGITS: Final = 100
_TOO_DEEP: Final = FieldProblem("body", f"Must not be nested more than {DEEPEST} levels deep")


@dataclass(frozen=True, slots=True)
class Body:
    """What an operation reads: the name of its schema, its fields with their readers, and an example.

    `required` are fields that must be given; of `exactly_one` body just one field must be. A body that is `optional`
    may be left out as a whole.
    """

    name: str
    fields: Mapping[str, ValueReader[Any]]
    example: Json
    required: tuple[str, ...] = ()
    exactly_one: bool = False
    optional: bool = False

    @property
    def schema(self) -> Json:
        """Its JSON Schema; which values only the schedule can refuse (an unknown user) it cannot say."""
        properties = {name: reader.schema for name, reader in self.fields.items()}
        schema = closed(properties, *(name for name in properties if name not in self.required))
        return {**schema, "minProperties": 1, "maxProperties": 1} if self.exactly_one else schema

    def read(self, content: bytes, problems: Problems) -> dict[str, Any]:
        """Return the values of the fields that are well-formed, and note the problems. Raises Refusal (malformed)."""
        return self.read_values(read_object(content, problems), problems)

    def read_values(self, given: Mapping[str, Any], problems: Problems) -> dict[str, Any]:
        """Return the values of an object's fields that are well-formed, and note the problems."""
        require(problems, "", given, self.required)
        values = read_fields(problems, "", given, self.fields)
        if self.exactly_one and not problems.found and len(values) != 1:
            problems.note("body", f"Must have exactly one of {', '.join(self.fields)}")
        return values


NOTHING: Final = Body("Nothing", {}, {}, optional=True)
"""The body of an operation that needs none."""


class _Object(dict[str, Any]):
    """A JSON object, and the names that occur in it twice."""

    duplicates: tuple[str, ...] = ()


def read_object(content: bytes, problems: Problems) -> dict[str, Any]:
    """Return the object in a body; duplicate names are added to the problems.

    Raises Refusal: malformed if it is not JSON; invalid if it is not an object, or nested too deeply.
    """
    if content.count(b"{") + content.count(b"[") > _MOST_PARTS:
        message = f"Must not have more than {_MOST_PARTS:,} objects and arrays"
        raise Refusal(Code.INVALID, problems=(FieldProblem("body", message),))
    try:
        value = json.loads(content.decode(), object_pairs_hook=_object, parse_int=_whole, parse_constant=_no_constant)
    except RecursionError:
        raise Refusal(Code.INVALID, problems=(_TOO_DEEP,)) from None
    except ValueError as error:  # raised for invalid JSON and invalid UTF-8
        reason = str(error) if isinstance(error, json.JSONDecodeError) else "is no JSON in UTF-8"
        raise Refusal(Code.MALFORMED, problems=(FieldProblem("body", reason),)) from None
    if not isinstance(value, _Object):
        raise Refusal(Code.INVALID, problems=(FieldProblem("body", "Must be an object"),))
    _check_nested(value, "", 1, problems)
    return value


def _object(pairs: list[tuple[str, Any]]) -> _Object:
    made = _Object(pairs)
    if len(made) != len(pairs):
        made.duplicates = tuple(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
    return made


def _whole(digits: str) -> int | float:
    # Python refuses to parse thousands of digits: a number far larger than any id need not be exact.
    return int(digits) if len(digits) <= _MOST_DIGITS else float(digits)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _check_nested(value: Any, path: str, depth: int, problems: Problems) -> None:
    """Note the duplicate names in an object or array and in all that it holds. Raises Refusal where it is too deep."""
    if depth > DEEPEST and isinstance(value, dict | list):
        raise Refusal(Code.INVALID, problems=(_TOO_DEEP,))
    if isinstance(value, _Object):
        for name in value.duplicates:
            problems.note(inside(path, name), "Must be given once")
        for name, inner in value.items():
            if isinstance(inner, dict | list):
                _check_nested(inner, inside(path, name), depth + 1, problems)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            if isinstance(inner, dict | list):
                _check_nested(inner, f"{path}[{index}]", depth + 1, problems)
