"""What is wrong with a record that could not be read, field by field.

Owns the sentences about bad records; it runs only once reading has failed, and may be slow. Must not know files
or lines.
"""

import re
import types
from collections.abc import Callable, Iterator
from typing import Any, Final, get_args, get_origin

import msgspec

from rowen.interviews.errors import FieldProblem
from rowen.interviews.interview import ScheduledInterview

Hook = Callable[[type[Any], Any], Any]

_PATH: Final = re.compile(r" - at `\$.*`$", re.DOTALL)
_LONGEST_VALUE: Final = 60


def diagnose(body: bytes, error: Exception, hook: Hook) -> list[FieldProblem]:
    """Return every problem of a record that `error` says cannot be read."""
    try:
        return _diagnosis(body, error, hook)
    except RecursionError:
        return [FieldProblem("record", "is nested too deeply")]


def _diagnosis(body: bytes, error: Exception, hook: Hook) -> list[FieldProblem]:
    try:
        record = msgspec.json.decode(body)
    except UnicodeDecodeError:
        return [FieldProblem("record", "is not UTF-8")]
    except msgspec.DecodeError as malformed:
        return [FieldProblem("record", f"is not JSON: {malformed}")]
    if not isinstance(record, dict):
        return [FieldProblem("record", f"is not an object ({quote(record)})")]
    return list(_problems(record, ScheduledInterview, "", hook)) or [FieldProblem("record", str(error))]


def _problems(value: Any, kind: Any, path: str, hook: Hook) -> Iterator[FieldProblem]:
    try:
        msgspec.convert(value, kind, dec_hook=hook)
    except msgspec.ValidationError as error:
        inner = list(_inner_problems(value, kind, path, hook))
        if inner:
            yield from inner
        else:
            yield FieldProblem(path or "record", f"{_sentence(error)} ({quote(value)})")


def _inner_problems(value: Any, kind: Any, path: str, hook: Hook) -> Iterator[FieldProblem]:
    """Return the problems of the parts of an object or array, if they are what is wrong."""
    struct = _struct_of(kind)
    if struct is not None and isinstance(value, dict):
        for field in msgspec.structs.fields(struct):
            inner_path = f"{path}.{field.name}" if path else field.name
            if field.name in value:
                yield from _problems(value[field.name], field.type, inner_path, hook)
            elif field.required:
                yield FieldProblem(inner_path, "is missing")
    elif get_origin(kind) is tuple and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _problems(item, get_args(kind)[0], f"{path}[{index}]", hook)


def unknown_fields(body: bytes) -> list[str]:
    """Return the paths of the fields that a record has and an interview does not know."""
    return list(dict.fromkeys(_unknown(msgspec.json.decode(body), ScheduledInterview, "")))


def _unknown(value: Any, kind: Any, path: str) -> Iterator[str]:
    struct = _struct_of(kind)
    if struct is not None and isinstance(value, dict):
        known = {field.name: field.type for field in msgspec.structs.fields(struct)}
        for name, item in value.items():
            inner_path = f"{path}.{name}" if path else name
            if name in known:
                yield from _unknown(item, known[name], inner_path)
            else:
                yield inner_path
    elif get_origin(kind) is tuple and isinstance(value, list):
        for item in value:
            yield from _unknown(item, get_args(kind)[0], f"{path}[]")


def _struct_of(kind: Any) -> type[msgspec.Struct] | None:
    options = get_args(kind) if get_origin(kind) is types.UnionType else (kind,)
    return next((k for k in options if isinstance(k, type) and issubclass(k, msgspec.Struct)), None)


def _sentence(error: msgspec.ValidationError) -> str:
    return _PATH.sub("", str(error)).replace("Expected", "must be", 1).replace("Invalid", "is an invalid", 1)


def quote(value: Any) -> str:
    """Return a value as JSON, cut to a length that fits a line."""
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= _LONGEST_VALUE else text[:_LONGEST_VALUE] + "…"
