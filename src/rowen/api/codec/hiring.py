"""The codec of jobs, job stages, applications and candidates that are made or changed through the API.

Owns how the fields that clients set become those of a document. Must not know where documents are stored, or who sets
what.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from rowen.api.codec import records
from rowen.api.codec.records.shapes import SHAPES
from rowen.app.hiring import JobReference
from rowen.app.records import ACTIVE, RecordRow
from rowen.app.rows import part_id
from rowen.interviews.hiring import CandidateFields, Stage
from rowen.interviews.interview import Organizer
from rowen.interviews.moments import Instant

_encode: Final = msgspec.json.Encoder(enc_hook=str).encode
_stages: Final = msgspec.json.Decoder(Stage)


class _Named(msgspec.Struct):
    name: str | None = None


_names: Final = msgspec.json.Decoder(_Named)


def candidate(
    identifier: int, fields: CandidateFields, responsible: Mapping[str, Organizer], now: Instant
) -> dict[str, Any]:
    """Return the fields of a new candidate, without applications."""
    return {
        **fields.person,
        **responsible,
        "id": identifier,
        "employments": [{"id": part_id(identifier, place), **each} for place, each in enumerate(fields.employments, 1)],
        "last_activity": now,
    }


def application(identifier: int, candidate: int, job: JobReference, stage: Stage | None) -> dict[str, Any]:
    """Return the fields of a new application, which is in a stage of its job."""
    return {
        "id": identifier,
        "candidate_id": candidate,
        "jobs": [job._asdict()],
        "status": ACTIVE,
        "current_stage": None if stage is None else {"id": stage.id, "name": stage.name},
    }


def new(resource: str, fields: Mapping[str, Any], now: Instant) -> RecordRow:
    """Return the row of a new record, created and updated now."""
    shape = SHAPES[resource]
    return records.draft(resource, _encode({shape.created: now, shape.updated: now, **fields}))


def changed(record: RecordRow, fields: Mapping[str, Any], now: Instant | None) -> RecordRow:
    """Return the row of a record with other fields; `now` is the time of the change, None to keep the one before."""
    document = msgspec.json.decode(record.document or b"{}") | fields
    if now is not None:
        document[SHAPES[record.resource].updated] = now
    return records.draft(record.resource, _encode(document))


def extended(candidate: RecordRow, application: RecordRow, now: Instant) -> RecordRow:
    """Return the row of a candidate with one more application, the newest first."""
    document = msgspec.json.decode(candidate.document or b"{}")
    applications = [msgspec.json.decode(application.document or b"{}"), *document["applications"]]
    fields = {
        "last_activity": now,
        "application_ids": [application.id, *document["application_ids"]],
        "applications": applications,
    }
    return changed(candidate, fields, now)


def name(document: bytes) -> str | None:
    """Return the name of a job."""
    return _names.decode(document).name


def plan(document: bytes) -> dict[int, dict[str, Any]]:
    """Return the interviews of a job stage by id, each as its document shows it."""
    return {each["id"]: each for each in msgspec.json.decode(document)["interviews"]}


def stage(document: bytes) -> Stage:
    """Return what applications need of a job stage."""
    return _stages.decode(document)
