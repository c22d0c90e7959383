"""Records that are made through the API: what making jobs, plans, candidates and applications has in common.

Owns the port of their documents, and how a change of one is written. Must not know JSON, HTTP or SQL.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from rowen.app.records import RecordRow
from rowen.app.scheduling import actor_of, require_user
from rowen.app.unit_of_work import UnitOfWork
from rowen.interviews.changes import Actor
from rowen.interviews.errors import Code, Problems, Refusal
from rowen.interviews.hiring import CandidateFields, Stage
from rowen.interviews.interview import Organizer
from rowen.interviews.moments import Instant
from rowen.interviews.people import User


class JobReference(NamedTuple):
    """The job of an application, as far as it is known."""

    id: int | None
    name: str | None


class HiringCodec(Protocol):
    """The documents of jobs, stages, applications and candidates, as the use cases need them."""

    def candidate(
        self, identifier: int, fields: CandidateFields, responsible: Mapping[str, Organizer], now: Instant
    ) -> Mapping[str, Any]:
        """Return the fields of a new candidate, without applications."""
        ...

    def application(self, identifier: int, candidate: int, job: JobReference, stage: Stage | None) -> Mapping[str, Any]:
        """Return the fields of a new application, which is in a stage of its job."""
        ...

    def new(self, resource: str, fields: Mapping[str, Any], now: Instant) -> RecordRow:
        """Return the row of a new record, created and updated now."""
        ...

    def changed(self, record: RecordRow, fields: Mapping[str, Any], now: Instant | None) -> RecordRow:
        """Return the row of a record with other fields; `now` is the time of the change, None to keep it."""
        ...

    def extended(self, candidate: RecordRow, application: RecordRow, now: Instant) -> RecordRow:
        """Return the row of a candidate with one more application."""
        ...

    def name(self, document: bytes) -> str | None:
        """Return the name of a job."""
        ...

    def plan(self, document: bytes) -> dict[int, dict[str, Any]]:
        """Return the interviews of a job stage by id, each as its document shows it."""
        ...

    def stage(self, document: bytes) -> Stage:
        """Return what applications need of a job stage."""
        ...


class Author(NamedTuple):
    """The author of a change, and the codec of what is written."""

    codec: HiringCodec
    actor: Actor


async def acting_user(unit: UnitOfWork, on_behalf_of: int | None) -> User | None:
    """Return the acting user; None if the request names none. Raises UnknownUserError."""
    return None if on_behalf_of is None else await require_user(unit, on_behalf_of)


def author_of(codec: HiringCodec, user: User | None, api_key: str, problems: Problems) -> Author:
    """Return who writes. Raises Refusal (invalid) with all problems, if any."""
    if problems.found or user is None:
        raise problems.refusal()
    return Author(codec, actor_of(user, api_key))


async def add(unit: UnitOfWork, author: Author, resource: str, fields: Mapping[str, Any]) -> RecordRow:
    """Write a new record as a change of its own."""
    row = author.codec.new(resource, fields, await unit.begin_change())
    await unit.record_change(None, row, author.actor)
    return row


async def alter(unit: UnitOfWork, author: Author, record: RecordRow, fields: Mapping[str, Any]) -> RecordRow:
    """Write the changed fields of a record as a change of its own; if none differs, nothing."""
    if author.codec.changed(record, fields, None).document == record.document:
        return record
    row = author.codec.changed(record, fields, await unit.begin_change())
    await unit.record_change(record, row, author.actor)
    return row


async def extend(unit: UnitOfWork, author: Author, candidate: RecordRow, application: RecordRow) -> RecordRow:
    """Write a candidate with one more application, as a change of its own."""
    row = author.codec.extended(candidate, application, await unit.begin_change())
    await unit.record_change(candidate, row, author.actor)
    return row


async def stored(unit: UnitOfWork, resource: str, identifier: int) -> RecordRow:
    """Return a record that has a document. Raises Refusal (not found)."""
    record = await unit.record(resource, identifier)
    if record is None or record.document is None:
        raise Refusal(Code.NOT_FOUND)
    return record
