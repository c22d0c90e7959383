"""The codec of the archive: documents that are kept as they were imported.

Owns their canonical JSON (no white space, text unescaped, numbers as they were written) and what is found in it: the
id, the two times, and the terms of searches. Must not know what other fields a resource has, or where documents come
from or go.
"""

from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec

from rowen.api.codec.diagnosis import diagnose, quote
from rowen.api.codec.documents import InvalidDocumentError, read_instant
from rowen.app.archive import ARCHIVED, title
from rowen.app.records import RecordRow
from rowen.interviews.errors import FieldProblem
from rowen.interviews.interview import LARGEST_ID
from rowen.interviews.moments import Instant
from rowen.interviews.search_terms import is_too_long

CREATED: Final = "created_at"
UPDATED: Final = "updated_at"

_decoder: Final = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)
_encode: Final = msgspec.json.Encoder(decimal_format="number").encode


def draft(resource: str, body: bytes) -> RecordRow:
    """Return the row of one document of the archive. Raises InvalidDocumentError."""
    try:
        document = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidDocumentError(diagnose(body, error, read_instant)) from error
    except InvalidOperation as error:
        raise InvalidDocumentError([FieldProblem("record", "has a number that is too large to be read")]) from error
    problems: list[FieldProblem] = []
    identifier = _identifier(resource, document, problems)
    created_at, updated_at = (_time(name, document, problems) for name in (CREATED, UPDATED))
    if problems:
        raise InvalidDocumentError(problems)
    return RecordRow(
        resource, identifier, created_at, updated_at, None, False, _encode(document), tuple(_terms(resource, document))
    )


def with_times(record: RecordRow, created_at: int | None, updated_at: int | None) -> RecordRow:
    """Return a document with other times, where it has them; both in milliseconds since 1970."""
    document: dict[str, Any] = _decoder.decode(record.document or b"{}")
    for name, time in ((CREATED, created_at), (UPDATED, updated_at)):
        if document.get(name) is not None and time is not None:
            document[name] = str(Instant(time))
    return record._replace(created_at=created_at, updated_at=updated_at, document=_encode(document))


def _identifier(resource: str, document: dict[str, Any], problems: list[FieldProblem]) -> int:
    key = ARCHIVED[resource].key
    value = document.get(key)
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= LARGEST_ID:
        return value
    found = "is missing" if key not in document else f"must be an integer from 1 to {LARGEST_ID} ({quote(value)})"
    problems.append(FieldProblem(key, f"{found}: {title(resource)} are kept by it"))
    return 0


def _time(name: str, document: dict[str, Any], problems: list[FieldProblem]) -> int | None:
    value = document.get(name)
    if value is None:
        return None
    try:
        return int(read_instant(Instant, value))
    except ValueError as error:
        problems.append(FieldProblem(name, f"{error} ({quote(value)})"))
        return None


def _terms(resource: str, document: dict[str, Any]) -> list[tuple[str, str]]:
    archived = ARCHIVED[resource]
    names = archived.terms if archived.parent is None else (archived.parent.term, *archived.terms)
    values = ((name, _text(document.get(name))) for name in names)
    return [(name, value) for name, value in values if value is not None and not is_too_long(value)]


def _text(value: Any) -> str | None:
    """Return a value as a query string has it; None if it cannot stand in one."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (int, str)) else None
