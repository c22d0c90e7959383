"""Records of warehouses: JSON columns stored as text, and what taps lose.

Owns how such a record becomes the one that the API returned. Must not know files, or how a record is checked otherwise.

A warehouse without a type for JSON stores `start` as the text `{"date_time":"…"}`, and exports that text in quotes.
"""

import re
from collections.abc import Mapping
from functools import cache
from types import UnionType
from typing import Any, Final, Union, get_args, get_origin

import msgspec

from rowen.interviews.errors import FieldProblem

_ENDS: Final = ("start", "end")
_JSON: Final = re.compile(r"\s*(?:[\[{]|null\s*\Z)")

LOST_DATE: Final = (
    "is empty: this is an all-day interview, and the tool that wrote the record lost its date, as it keeps times only; "
    'export the interview again with another tool, or write its date as {"date":"2024-03-26"}'
)
"""What is wrong with an end of an interview that a tap wrote as `{}`."""


OTHER_VERSION: Final = (
    "is a field of Harvest v3: interviews of v3 are joined with the other lists if all are in one folder, in files "
    "that are named after them (interviews.jsonl, interviewers.jsonl, users.jsonl, ...); import that folder"
)
"""What is wrong with an interview of Harvest v3 that comes alone."""


def may_hold_texts(body: bytes) -> bool:
    """Return whether some text in a record begins like JSON: a cheap test."""
    return b'"{' in body or b'"[' in body


def without_texts(body: bytes, kind: type[msgspec.Struct]) -> bytes:
    """Return a record with the JSON that its texts hold, in the fields of `kind` that are objects or lists.

    A body that cannot be read is returned as it is, for its check to report.
    """
    fields = _json_fields(kind)
    try:
        record = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        found = {
            name: msgspec.Raw(inner)
            for name, value in record.items()
            if name in fields and (inner := _inner(value)) is not None
        }
    except (ValueError, RecursionError):  # of msgspec, and of text that is no UTF-8
        return body
    return msgspec.json.encode(record | found) if found else body


def foreign_problems(body: bytes) -> list[FieldProblem]:
    """Return what a tap lost of an interview, or that it is one of Harvest v3; none if it is neither."""
    try:
        record = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return []
    if not isinstance(record, dict):
        return []
    if "starts_at" in record and "start" not in record:
        return [FieldProblem("starts_at", OTHER_VERSION)]
    return [FieldProblem(end, LOST_DATE) for end in _ENDS if _is_empty(record.get(end))]


def _is_empty(end: Any) -> bool:
    return isinstance(end, Mapping) and end.get("date_time") is None and end.get("date") is None


def _inner(value: msgspec.Raw) -> bytes | None:
    """Return the JSON in a value that is a text of JSON; None for any other."""
    if not bytes(value).startswith(b'"'):
        return None
    text = msgspec.json.decode(value, type=str)
    if not _JSON.match(text):
        return None
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    return text.strip().encode()


@cache
def _json_fields(kind: type[msgspec.Struct]) -> frozenset[str]:
    """Return the fields that hold an object or a list: those of any type are never texts in the reference."""
    return frozenset(field.name for field in msgspec.structs.fields(kind) if _holds_json(field.type))


def _holds_json(kind: Any) -> bool:
    if kind is Any or get_origin(kind) in (list, tuple, dict):
        return True
    if isinstance(kind, type):
        return issubclass(kind, msgspec.Struct)
    return get_origin(kind) in (UnionType, Union) and any(_holds_json(option) for option in get_args(kind))
