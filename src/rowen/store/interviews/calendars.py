"""The interviews in calendars.

Owns how those of a user, a job, an application or a room are found, together with the cancelled ones, and with their
applications and candidates. Must not know the text of a calendar.
"""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

from sqlalchemy import Select, bindparam, exists, literal_column, select
from sqlalchemy.sql.elements import ColumnElement

from rowen.app.calendars import MOST_EVENTS, CalendarEvent, CalendarKind, CalendarSubject
from rowen.app.interviews import Codec
from rowen.app.organizations import Organization
from rowen.app.records import APPLICATIONS, CANDIDATES, RecordCodec
from rowen.interviews.interview import ScheduledInterview
from rowen.interviews.moments import Instant
from rowen.interviews.people import booked
from rowen.interviews.rooms import person_of_room
from rowen.store.engines.base import Engine, Parameters, Reader, Transaction, Unindexed, constant
from rowen.store.records.writer import RecordWriter
from rowen.store.rooms import RoomBookings
from rowen.store.schema.tables import CANCELLED, changes, panel, scheduled_interviews, terms

_interviews = scheduled_interviews.c
_APPLICATIONS_OF_JOB: Final = select(terms.c.id).where(
    terms.c.organization_id == bindparam("organization"),
    terms.c.resource == constant(APPLICATIONS),
    terms.c.name == constant("job_id"),
    terms.c.value == bindparam("subject_text"),
)
_INTERVIEWS_OF_USER: Final = select(panel.c.interview_id).where(
    panel.c.organization_id == bindparam("organization"),
    panel.c.person == bindparam("subject"),
    panel.c.ends_at >= bindparam("since"),
)


def _of_applications(wanted: Callable[[ColumnElement[int]], ColumnElement[bool]]) -> Select[Any]:
    other = scheduled_interviews.alias("found")  # its columns are in an index, which SQLite reads instead of the rows
    return select(other.c.id).where(
        other.c.organization_id == bindparam("organization"), wanted(other.c.application_id)
    )


_WANTED: Final[Mapping[CalendarKind, tuple[ColumnElement[bool], ...]]] = {
    CalendarKind.ORGANIZATION: (),
    CalendarKind.USER: (_interviews.id.in_(_INTERVIEWS_OF_USER),),
    CalendarKind.JOB: (_interviews.id.in_(_of_applications(lambda column: column.in_(_APPLICATIONS_OF_JOB))),),
    CalendarKind.APPLICATION: (_interviews.id.in_(_of_applications(lambda column: column == bindparam("subject"))),),
}


class _Found(NamedTuple):
    """An interview: its application, its document, and when it was cancelled."""

    application: int
    document: bytes
    cancelled_at: Instant | None


class CalendarReader:
    """Reads the interviews of calendars through one engine."""

    def __init__(self, engine: Engine, codec: Codec, records: RecordCodec) -> None:
        self._engine = engine
        self._codec = codec
        self._records = records
        self._writer = RecordWriter(engine)
        self._rooms = RoomBookings(engine, codec)
        self._standing = {kind: engine.prepare(_standing(*wanted)) for kind, wanted in _WANTED.items()}
        self._standing[CalendarKind.ROOM] = self._standing[CalendarKind.USER]
        self._cancelled = engine.prepare(_cancelled())
        self._of_job = engine.prepare(_APPLICATIONS_OF_JOB)

    async def events(
        self, organization: Organization, subject: CalendarSubject, since: Instant, cancelled_since: Instant
    ) -> Sequence[CalendarEvent]:
        """Return the interviews of a subject that end at or after `since`, at most `MOST_EVENTS`, ordered by id.

        Those that were cancelled at or after `cancelled_since` are included.
        """
        copy = self._engine.reader_for(organization.id, organization.version)
        return await copy.read(partial(self._events, organization, subject, int(since), int(cancelled_since)))

    async def _events(
        self,
        organization: Organization,
        subject: CalendarSubject,
        since: int,
        cancelled_since: int,
        reader: Transaction,
    ) -> list[CalendarEvent]:
        asked: dict[str, Any] = {"organization": organization.id}
        if subject.id is not None:
            booked_as = person_of_room(subject.id) if subject.kind is CalendarKind.ROOM else subject.id
            asked |= {"subject": booked_as, "subject_text": str(subject.id)}
        standing = await reader.rows(self._standing[subject.kind], {**asked, "since": since})
        found = {row[0]: _Found(row[1], row[2], None) for row in standing}
        room = None
        if subject.kind is CalendarKind.ROOM and subject.id is not None:
            room = await self._rooms.name(reader, organization.id, subject.id)
        found |= await self._cancelled_of(subject, {**asked, "cancelled_since": cancelled_since}, room, reader)
        applications = await self._documents(organization, APPLICATIONS, {each[0] for each in found.values()}, reader)
        candidates_of = {key: self._records.candidate_id(each) for key, each in applications.items()}
        wanted = {each for each in candidates_of.values() if each is not None}
        candidates = await self._documents(organization, CANDIDATES, wanted, reader)
        return [
            CalendarEvent(
                document,
                applications.get(application),
                candidates.get(candidates_of.get(application) or 0),
                cancelled_at,
            )
            for _, (application, document, cancelled_at) in sorted(found.items())
        ]

    async def _cancelled_of(
        self, subject: CalendarSubject, asked: Parameters, room: str | None, reader: Reader
    ) -> dict[int, _Found]:
        """Return the cancelled interviews of a subject, by their ids."""
        found = {}
        of_job = set()
        if subject.kind is CalendarKind.JOB:
            of_job = {row[0] for row in await reader.rows(self._of_job, asked)}
        for identifier, time, document in await reader.rows(self._cancelled, asked):
            interview = self._codec.decode(document)
            if _concerns(subject, interview, of_job, room):
                found[identifier] = _Found(interview.application_id, document, Instant(time))
        return found

    async def _documents(
        self, organization: Organization, resource: str, identifiers: Iterable[int], reader: Transaction
    ) -> dict[int, bytes]:
        rows = await self._writer.get_all(reader, organization.id, resource, sorted(identifiers))
        return {identifier: row.document for identifier, row in rows.items() if row.document is not None}


def _concerns(
    subject: CalendarSubject, interview: ScheduledInterview, of_job: Container[int], room: str | None
) -> bool:
    if subject.kind is CalendarKind.ROOM:
        return room is not None and interview.location == room
    if subject.kind is CalendarKind.USER:
        return subject.id in booked(interview.interviewers)
    if subject.kind is CalendarKind.JOB:
        return interview.application_id in of_job
    return subject.id in (None, interview.application_id)


def _standing(*wanted: ColumnElement[bool]) -> Select[Any]:
    """Return the id, the application and the document of the interviews that end at or after `since`."""
    # Where others narrow it down, so that SQLite does not read all of an index of times.
    ends = Unindexed(_interviews.ends_at) if wanted else _interviews.ends_at
    return (
        select(_interviews.id, _interviews.application_id, _interviews.document)
        .where(_interviews.organization_id == bindparam("organization"), ends >= bindparam("since"), *wanted)
        .order_by(ends.desc(), _interviews.id.desc())
        .limit(literal_column(str(MOST_EVENTS)))
    )


def _cancelled() -> Select[Any]:
    """Return the id, the time and the last document of the interviews that were cancelled, and are not there again."""
    own = changes.c
    again = exists(
        select(literal_column("1")).where(
            _interviews.organization_id == own.organization_id, _interviews.id == own.interview_id
        )
    )
    return (
        select(own.interview_id, own.time, own.document)
        .where(
            own.organization_id == bindparam("organization"),
            CANCELLED,
            own.time >= bindparam("cancelled_since"),
            own.document.is_not(None),
            ~again,
        )
        .order_by(own.time, own.revision)
        .limit(literal_column(str(MOST_EVENTS)))
    )
