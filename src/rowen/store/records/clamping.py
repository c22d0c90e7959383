"""Setting the times of imported records that are too far ahead.

Owns the result for such a record: the present replaces its time, unless that would overwrite something better. Must not
know which times are too far ahead (`interviews.clock_skew`), or how records are merged.

A time that cannot be right does not show which of two records is newer. So a record that differs from the stored one
only in such times is the same record, and an interview that was changed here since stays as it is.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import bindparam, select

from rowen.app.interviews import Codec, InterviewRow
from rowen.app.organizations import Organization
from rowen.app.records import RecordCodec, RecordRow
from rowen.interviews.changes import Kind
from rowen.interviews.clock_skew import is_ahead
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant
from rowen.store.engines.base import Engine, Transaction, constant
from rowen.store.records.writer import RecordWriter
from rowen.store.schema.tables import changes, scheduled_interviews

_BY_OPERATORS: Final = (Kind.PERSON_RENAMED, Kind.REPAIRED)
"""Changes by an operator who imports users or runs `rowen db repair`: no client made them."""

_EARLIEST: Final = int(Instant.parse("0001-01-01T00:00:00.000Z"))

Timed = TypeVar("Timed", InterviewRow, RecordRow)


class Present(NamedTuple):
    """The time by the clock, and the time of the commit, which replaces times that are too far ahead."""

    now: Instant
    timestamp: Instant


class _Known(NamedTuple):
    """The times and the document of a stored record; the times are those that a new record is compared with."""

    created_at: int | None
    updated_at: int | None
    document: bytes | None


class InterviewClamp:
    """Sets the times of interviews, within a transaction."""

    def __init__(self, engine: Engine, codec: Codec) -> None:
        self._codec = codec
        self._bind = engine.bind_identifiers
        stored = scheduled_interviews.c
        self._stored = engine.prepare(
            select(stored.id, stored.created_at, stored.updated_at, stored.document).where(
                stored.organization_id == bindparam("organization"), engine.id_in(stored.id, "ids")
            )
        )
        self._written_here = engine.prepare(
            select(changes.c.interview_id)
            .distinct()
            .where(changes.c.organization_id == bindparam("organization"), engine.id_in(changes.c.interview_id, "ids"))
            .where(changes.c.kind.not_in([constant(kind) for kind in _BY_OPERATORS]))
        )

    async def clamp(
        self, transaction: Transaction, organization: Organization, drafts: Sequence[InterviewRow], present: Present
    ) -> Sequence[InterviewRow]:
        """Return the drafts, those with times too far ahead replaced; the others are the same objects."""
        ahead = sorted({each.id for each in drafts if _is_ahead(each, present)})
        if not ahead:
            return drafts
        asked = {"organization": organization.id, "ids": self._bind(ahead)}
        known = {row[0]: _Known(*row[1:]) for row in await transaction.rows(self._stored, asked)}
        written_here = {row[0] for row in await transaction.rows(self._written_here, asked)}
        superseded = _superseded(drafts, present)
        zone = ZoneInfo(organization.time_zone)
        return [
            self._clamped(each, known.get(each.id), each.id in written_here or position in superseded, zone, present)
            if _is_ahead(each, present)
            else each
            for position, each in enumerate(drafts)
        ]

    def _clamped(
        self, draft: InterviewRow, known: _Known | None, yields: bool, zone: ZoneInfo, present: Present
    ) -> InterviewRow:
        """Return a draft with its times set; one that `yields` counts as older than any record with a time."""
        same = self._with_times(draft, *_times_of(draft, known, present), zone)
        if known is not None and same.document == known.document:
            return same
        updated_at = None if yields and is_ahead(draft.updated_at, present.now) else _updated_at(draft, present)
        return self._with_times(draft, same.created_at, updated_at, zone)

    def _with_times(
        self, draft: InterviewRow, created_at: int | None, updated_at: int | None, zone: ZoneInfo
    ) -> InterviewRow:
        interview = msgspec.structs.replace(
            self._codec.decode(draft.document), created_at=_instant(created_at), updated_at=_instant(updated_at)
        )
        return self._codec.draft(interview, zone)


class RecordClamp:
    """Sets the times of records other than interviews, within a transaction."""

    def __init__(self, writer: RecordWriter, codec: RecordCodec) -> None:
        self._writer = writer
        self._codec = codec

    async def clamp(
        self, transaction: Transaction, organization: OrganizationId, drafts: Iterable[RecordRow], present: Present
    ) -> list[RecordRow]:
        """Return the drafts, those with times too far ahead replaced; the others are the same objects."""
        drafts = list(drafts)
        ahead: dict[str, set[int]] = {}
        for each in drafts:
            if _is_ahead(each, present):
                ahead.setdefault(each.resource, set()).add(each.id)
        known: Mapping[tuple[str, int], _Known] = {
            (resource, identifier): _Known(found.created_at, found.updated_at, found.document)
            for resource, identifiers in ahead.items()
            for identifier, found in (
                await self._writer.get_all(transaction, organization, resource, sorted(identifiers))
            ).items()
            if not found.derived
        }
        superseded = _superseded(drafts, present)
        return [
            self._clamped(each, known.get((each.resource, each.id)), position in superseded, present)
            if _is_ahead(each, present)
            else each
            for position, each in enumerate(drafts)
        ]

    def _clamped(self, draft: RecordRow, known: _Known | None, yields: bool, present: Present) -> RecordRow:
        """Return a draft with its times set; one that `yields` counts as older than any other in the batch."""
        same = self._codec.with_times(draft, *_times_of(draft, known, present))
        if known is not None and same.document == known.document:
            return same
        # Not None: a user without a time counts as newer than any.
        updated_at = _EARLIEST if yields else _updated_at(draft, present)
        return self._codec.with_times(draft, same.created_at, updated_at)


def _is_ahead(draft: InterviewRow | RecordRow, present: Present) -> bool:
    return is_ahead(draft.updated_at, present.now) or is_ahead(draft.created_at, present.now)


def _times_of(draft: InterviewRow | RecordRow, known: _Known | None, present: Present) -> tuple[int | None, int | None]:
    """Return when a record was created and updated: its own times, the known ones, or the present."""
    return (
        _time_of(draft.created_at, known and known.created_at, present),
        _time_of(draft.updated_at, known and known.updated_at, present),
    )


def _time_of(given: int | None, known: int | None, present: Present) -> int | None:
    if not is_ahead(given, present.now):
        return given
    return int(present.timestamp) if known is None or is_ahead(known, present.now) else known


def _updated_at(draft: InterviewRow | RecordRow, present: Present) -> int | None:
    return int(present.timestamp) if is_ahead(draft.updated_at, present.now) else draft.updated_at


def _superseded(drafts: Sequence[Timed], present: Present) -> set[int]:
    """Return the positions of drafts whose times are too far ahead, but less far than those of another draft."""
    newest: dict[tuple[type, str, int], tuple[int, bytes, int]] = {}
    found = set()
    for position, each in enumerate(drafts):
        if each.updated_at is not None and is_ahead(each.updated_at, present.now):
            resource = each.resource if isinstance(each, RecordRow) else ""
            key, rank = (type(each), resource, each.id), (each.updated_at, each.document or b"", -position)
            rival = newest.get(key)
            newest[key] = rank if rival is None else max(rank, rival)
            if rival is not None:
                found.add(-min(rank, rival)[2])
    return found


def _instant(milliseconds: int | None) -> Instant | None:
    return None if milliseconds is None else Instant(milliseconds)
