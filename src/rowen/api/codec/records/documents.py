"""From a record as it arrives, or as it is known, to its document and its row.

Owns the order of keys, every key present, timestamps with three decimals and `Z`, and fields outside of the reference
kept at the end. Must not know the fields of a resource: each has a module.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from rowen.api.codec import archive
from rowen.api.codec.diagnosis import diagnose
from rowen.api.codec.documents import InvalidDocumentError, read_instant
from rowen.api.codec.records.applications import ApplicationRecord
from rowen.api.codec.records.job_stages import JobStageRecord
from rowen.api.codec.records.shape import Json, Shape
from rowen.api.codec.records.shapes import SHAPES
from rowen.api.codec.records.users import UserRecord, complete_user
from rowen.app.archive import ARCHIVED
from rowen.app.records import ACTIVE, APPLICATIONS, JOB_STAGES, USERS, RecordRow
from rowen.interviews.errors import FieldProblem
from rowen.interviews.moments import Instant
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

_encode: Final = msgspec.json.Encoder(enc_hook=str).encode


def draft(resource: str, body: bytes) -> RecordRow:
    """Return the row of one record, for any order of keys. Raises InvalidDocumentError."""
    shape = SHAPES[resource]
    try:
        record = msgspec.json.decode(body, type=Json)
        # Null and a missing key mean the same: nothing is known.
        given = {name: value for name, value in record.items() if value is not None}
        document = _whole(shape, record, msgspec.convert(given, shape.kind, dec_hook=read_instant))
        if resource == USERS:
            complete_user(document)
        return _draft(resource, document)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidDocumentError(diagnose(body, error, read_instant, shape.kind)) from error
    except OverflowError as error:
        raise InvalidDocumentError([FieldProblem("record", "holds a number that is too large")]) from error


def _whole(shape: Shape, record: Json, checked: msgspec.Struct) -> Json:
    """Return a document with every key of its resource in order, and others after them."""
    document: Json = {}
    for name in shape.kind.__struct_fields__:
        value = getattr(checked, name)
        if isinstance(value, Instant) or record.get(name) is None:
            document[name] = _EMPTY_OBJECTS.get(name) if value is None else value
        else:
            document[name] = record[name]
    return document | {name: value for name, value in record.items() if name not in document}


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
    made = UserRecord(
        id=identifier,
        name=name,
        first_name=first_name,
        last_name=last_name,
        primary_email_address=email,
        created_at=at[0],
        updated_at=at[1],
        emails=[] if email is None else [email],
        employee_id=employee_id,
    )
    document = _whole(SHAPES[USERS], {}, made)
    complete_user(document)
    return _draft(USERS, document, derived=True)


def inferred_job_stage(identifier: int, name: Fact | None, at: tuple[Instant, Instant]) -> RecordRow:
    """Return the stage of an interview known from interviews only, created and updated at those times.

    Nothing but its interview is known: the stage gets that interview's id and name.
    """
    title = None if name is None else name[1]
    made = JobStageRecord(id=identifier, name=title, created_at=at[0], updated_at=at[1])
    interview: Json = {
        "id": identifier,
        "name": title,
        "schedulable": True,
        "estimated_minutes": None,
        "default_interviewer_users": [],
        "interview_kit": None,
    }
    return _draft(JOB_STAGES, _whole(SHAPES[JOB_STAGES], {"interviews": [interview]}, made), derived=True)


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
    made = ApplicationRecord(
        id=record.id,
        applied_at=_instant(record.created_at),
        last_activity_at=_instant(record.updated_at),
        status=record.status or ACTIVE,
    )
    return _encode(_whole(SHAPES[APPLICATIONS], {}, made))


def _instant(milliseconds: int | None) -> Instant | None:
    """Return a time clamped to years 1 to 9999 in UTC: a day at either end may begin outside of them."""
    return None if milliseconds is None else Instant(min(max(milliseconds, _EARLIEST), _LATEST))


_EARLIEST: Final = Instant.parse("0001-01-01T00:00:00.000Z")
_LATEST: Final = Instant.parse("9999-12-31T23:59:59.999Z")
