"""What is wrong with a record that cannot be decoded, field by field.

Owns the messages about bad records; it runs only after decoding has failed, and may be slow. Must not know files or
lines.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import islice
from typing import Any, Final, get_args, get_origin

import msgspec

from rowen.interviews.errors import LONGEST_QUOTE, FieldProblem
from rowen.interviews.interview import ScheduledInterview

Hook = Callable[[type[Any], Any], Any]

_PATH: Final = re.compile(r" - at `\$.*`$", re.DOTALL)
_STEPS: Final = re.compile(r"\w+")
_MOST_PROBLEMS: Final = 100
_LONGEST_SENTENCE: Final = 200


def diagnose(
    body: bytes, error: Exception, hook: Hook, kind: type[msgspec.Struct] = ScheduledInterview
) -> list[FieldProblem]:
    """Return the problems of a record that `error` reports as invalid: the first 100, if it has more."""
    try:
        return _diagnosis(body, error, hook, kind)
    except RecursionError:
        return [FieldProblem("record", "is nested too deeply")]


def _diagnosis(body: bytes, error: Exception, hook: Hook, kind: type[msgspec.Struct]) -> list[FieldProblem]:
    try:
        record = msgspec.json.decode(body)
    except UnicodeDecodeError:
        return [FieldProblem("record", "is not UTF-8")]
    except msgspec.DecodeError as malformed:
        return [FieldProblem("record", f"is not JSON: {malformed}")]
    if not isinstance(record, dict):
        return [FieldProblem("record", f"is not an object ({quote(record)})")]
    return list(islice(_problems(record, kind, "", hook), _MOST_PROBLEMS)) or [FieldProblem("record", str(error))]


def _problems(value: Any, kind: Any, path: str, hook: Hook) -> Iterator[FieldProblem]:
    try:
        msgspec.convert(value, kind, dec_hook=hook)
    except msgspec.ValidationError as error:
        # Yielded one by one, so that a caller that has enough stops the search, too.
        is_inner = False
        for problem in _inner_problems(value, kind, path, hook):
            is_inner = True
            yield problem
        if not is_inner:
            yield FieldProblem(path or "record", f"{_sentence(error)} ({quote(value)})")


def _inner_problems(value: Any, kind: Any, path: str, hook: Hook) -> Iterator[FieldProblem]:
    """Yield the problems within an object or array."""
    is_array = get_origin(kind) in (tuple, list)
    struct = None if is_array else _struct_of(kind)
    if struct is not None and isinstance(value, dict):
        for field in _fields(struct):
            inner_path = f"{path}.{field.name}" if path else field.name
            if field.name in value:
                yield from _problems(value[field.name], field.type, inner_path, hook)
            elif field.required:
                yield FieldProblem(inner_path, "is missing")
    elif is_array and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _problems(item, get_args(kind)[0], f"{path}[{index}]", hook)


def with_values(problems: list[FieldProblem], document: bytes) -> list[FieldProblem]:
    """Return the problems of a record that breaks a rule, each with the value of its field."""
    record = msgspec.json.decode(document)
    return [FieldProblem(field, f"{message} ({quote(_value(record, field))})") for field, message in problems]


def _value(record: Any, path: str) -> Any:
    for step in _STEPS.findall(path):
        record = record[int(step) if step.isdigit() else step]
    return record


def unknown_fields(body: bytes) -> list[str]:
    """Return the paths of a record's fields that an interview does not have."""
    return list(dict.fromkeys(_unknown(msgspec.json.decode(body), ScheduledInterview, "")))


def _unknown(value: Any, kind: Any, path: str) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _unknown(item, kind, f"{path}[]")
    elif isinstance(value, dict):
        fields = _kinds(kind)
        for name, item in value.items():
            inner_path = f"{path}.{name}" if path else name
            if name not in fields:
                yield shown(inner_path)
            elif fields[name] is not None:
                yield from _unknown(item, fields[name], inner_path)


@cache
def _fields(kind: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    """Return the fields of an object. Cached, since finding them leaves a reference cycle each time."""
    return msgspec.structs.fields(kind)


@cache
def _kinds(kind: type[msgspec.Struct]) -> dict[str, type[msgspec.Struct] | None]:
    """Return the fields of an object, each with the type of object that it holds, or holds a list of."""
    return {field.name: _struct_of(field.type) for field in _fields(kind)}


def _struct_of(kind: Any) -> type[msgspec.Struct] | None:
    options = get_args(kind) or (kind,)
    return next((k for k in options if isinstance(k, type) and issubclass(k, msgspec.Struct)), None)


def _sentence(error: msgspec.ValidationError) -> str:
    text = _PATH.sub("", str(error)).replace("Expected", "must be", 1).replace("Invalid", "is an invalid", 1)
    return shown(text, _LONGEST_SENTENCE)


def quote(value: Any) -> str:
    """Return a value as JSON on one line, shortened."""
    return shown(msgspec.json.encode(value).decode())


def shown(text: str, longest: int = LONGEST_QUOTE) -> str:
    """Return text for one line of a terminal: without control characters, and not too long."""
    cut = text if len(text) <= longest else text[:longest] + "…"
    return "".join(letter if letter.isprintable() else f"\\u{ord(letter):04x}" for letter in cut)
