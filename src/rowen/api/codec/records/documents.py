"""From a record as it arrives, or as it is known, to its document and its row.

Owns the order of keys, every key present, timestamps with three decimals and `Z`, and fields outside of the reference
kept at the end. Must not know the fields of a resource: each has a module.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from rowen.api.codec import archive
from rowen.api.codec.diagnosis import diagnose
from rowen.api.codec.documents import InvalidDocumentError, read_instant
from rowen.api.codec.records.shape import Json
from rowen.api.codec.records.shapes import SHAPES
from rowen.api.codec.records.users import complete_user
from rowen.app.archive import ARCHIVED
from rowen.app.records import APPLICATIONS, JOB_STAGES, USERS, RecordRow
from rowen.interviews.errors import FieldProblem
from rowen.interviews.moments import Instant, text_of
from rowen.interviews.observations import Fact, PersonFacts
from rowen.interviews.search_terms import is_too_long

_EMPTY_OBJECTS: Final[Mapping[str, Json]] = {
    "prospect_detail": {"prospect_pool": None, "prospect_stage": None, "prospect_owner": None},
    "custom_fields": {},
    "keyed_custom_fields": {},
    "hiring_team": {"hiring_managers": [], "recruiters": [], "coordinators": [], "sourcers": []},
    "ratings": {"definitely_not": [], "no": [], "mixed": [], "yes": [], "strong_yes": []},
}
"""The objects that every record has, as served if nothing is known of them."""

_EMPTY: Final[Mapping[str, Json]] = {
    resource: {
        each.name: _EMPTY_OBJECTS.get(each.name, () if each.default is msgspec.NODEFAULT else each.default)
        for each in msgspec.structs.fields(shape.kind)
    }
    for resource, shape in SHAPES.items()
}
"""The documents of which nothing is known, by resource: with every key, in order."""

_TIMES: Final[Mapping[str, Sequence[str]]] = {
    resource: [each.name for each in msgspec.structs.fields(shape.kind) if each.type == Instant | None]
    for resource, shape in SHAPES.items()
}
"""The fields of each resource that hold times."""

_encode: Final = msgspec.json.Encoder(enc_hook=text_of).encode
_read: Final = msgspec.json.Decoder(Json).decode


def draft(resource: str, body: bytes) -> RecordRow:
    """Return the row of one record, for any order of keys. Raises InvalidDocumentError."""
    try:
        return _drafted(resource, _read(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidDocumentError(diagnose(body, error, read_instant, SHAPES[resource].kind)) from error
    except OverflowError as error:
        raise InvalidDocumentError([FieldProblem("record", "holds a number that is too large")]) from error


def draft_of(resource: str, record: Json) -> RecordRow:
    """Return the row of one record that is decoded already. Raises InvalidDocumentError."""
    try:
        return _drafted(resource, record)
    except (msgspec.ValidationError, RecursionError, OverflowError):
        return draft(resource, _encode(record))  # which names what is wrong


def _drafted(resource: str, record: Json) -> RecordRow:
    # Null and a missing key mean the same: nothing is known.
    given = {name: value for name, value in record.items() if value is not None}
    checked = msgspec.convert(given, SHAPES[resource].kind, dec_hook=read_instant)
    document = _whole(resource, record)
    for name in _TIMES[resource]:
        document[name] = getattr(checked, name)
    if resource == USERS:
        complete_user(document)
    return _draft(resource, document)


def _whole(resource: str, record: Json) -> Json:
    """Return a document with every key of its resource in order, and others after them."""
    empty = _EMPTY[resource]
    return empty | {name: value for name, value in record.items() if value is not None or name not in empty}


def _draft(resource: str, document: Json, *, derived: bool = False) -> RecordRow:
    shape = SHAPES[resource]
    return RecordRow(
        resource,
        document["id"],
        _milliseconds(document[shape.created]),
        _milliseconds(document[shape.updated]),
        shape.status(document),
        derived,
        _encode(document),
        tuple(term for term in shape.terms(document) if not is_too_long(term[1])),
    )


def _milliseconds(time: Instant | None) -> int | None:
    return None if time is None else int(time)


def inferred_user(identifier: int, facts: PersonFacts, at: tuple[Instant, Instant]) -> RecordRow:
    """Return a user known from interviews only, created and updated at those times."""
    name, first_name, last_name, employee_id, email = facts.texts()
    known: Json = {
        "id": identifier,
        "name": name,
        "first_name": first_name,
        "last_name": last_name,
        "primary_email_address": email,
        "created_at": at[0],
        "updated_at": at[1],
        "employee_id": employee_id,
    }
    document = _whole(USERS, known)
    complete_user(document)
    return _draft(USERS, document, derived=True)


def inferred_job_stage(identifier: int, name: Fact | None, at: tuple[Instant, Instant]) -> RecordRow:
    """Return the stage of an interview known from interviews only, created and updated at those times.

    Nothing but its interview is known: the stage gets that interview's id and name.
    """
    title = None if name is None else name[1]
    interview: Json = {
        "id": identifier,
        "name": title,
        "schedulable": True,
        "estimated_minutes": None,
        "default_interviewer_users": [],
        "interview_kit": None,
    }
    known: Json = {"id": identifier, "name": title, "created_at": at[0], "updated_at": at[1], "interviews": [interview]}
    return _draft(JOB_STAGES, _whole(JOB_STAGES, known), derived=True)


def with_times(record: RecordRow, created_at: int | None, updated_at: int | None) -> RecordRow:
    """Return a record with other times, in its document, too; both in milliseconds since 1970."""
    if record.resource in ARCHIVED:
        return archive.with_times(record, created_at, updated_at)
    changed = record._replace(created_at=created_at, updated_at=updated_at)
    if record.document is None:
        return changed
    shape = SHAPES[record.resource]
    document: Json = msgspec.json.decode(record.document)
    document |= {shape.created: _instant(created_at), shape.updated: _instant(updated_at)}
    return changed._replace(document=_encode(document))


def document(record: RecordRow) -> bytes:
    """Return a record as served: its document, or one made of its columns if it has none (applications only)."""
    if record.document is not None:
        return record.document
    known: Json = {
        "id": record.id,
        "applied_at": _instant(record.created_at),
        "last_activity_at": _instant(record.updated_at),
        "status": record.status,
    }
    return _encode(_whole(APPLICATIONS, known))


def _instant(milliseconds: int | None) -> Instant | None:
    """Return a time clamped to years 1 to 9999 in UTC: a day at either end may begin outside of them."""
    return None if milliseconds is None else Instant(min(max(milliseconds, _EARLIEST), _LATEST))


_EARLIEST: Final = Instant.parse("0001-01-01T00:00:00.000Z")
_LATEST: Final = Instant.parse("9999-12-31T23:59:59.999Z")
