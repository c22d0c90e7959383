"""What the pages show of the schedule, as typed values: interviews with the names that their documents lack.

Owns what a person may see of the schedule. Must not know how it is shown. Coordinators and admins see everything; an
interviewer sees the interviews on whose panel they are, and the scorecards of others only after submitting their own.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC
from typing import Any, Final, NamedTuple

import msgspec

from rowen.api.codec.documents import decode, read_instant
from rowen.api.headers.conditional import document_etag
from rowen.app.account_writes import AccountWrites
from rowen.app.agenda import MOST_AWAITING, MOST_SHOWN, Agenda, AgendaRow
from rowen.app.changes import Feed
from rowen.app.organizations import Organization
from rowen.app.records import ACTIVE, APPLICATIONS, CANDIDATES, SCORECARDS, RecordQuery, Records
from rowen.app.roles import Role
from rowen.app.scorecards import SCORED_INTERVIEW
from rowen.app.sessions import PersonAccess
from rowen.interviews.changes import Kind
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.interview import Interviewer, InterviewId, Organizer, ScheduledInterview, Status
from rowen.interviews.moments import Instant
from rowen.interviews.query import LARGEST_PAGE_SIZE, PageRequest
from rowen.interviews.scorecards import DRAFT, Attribute, Question, Scorecard


class _Job(msgspec.Struct, frozen=True):
    id: int | None = None
    name: str | None = None


class _Application(msgspec.Struct, frozen=True):
    id: int
    candidate_id: int | None = None
    jobs: tuple[_Job, ...] = ()
    status: str = ACTIVE


class _Candidate(msgspec.Struct, frozen=True):
    id: int
    first_name: str | None = None
    last_name: str | None = None

    @property
    def name(self) -> str | None:
        return " ".join(part for part in (self.first_name, self.last_name) if part) or None


class SubmittedScorecard(msgspec.Struct, frozen=True):
    """A scorecard as far as a page shows it."""

    id: int
    interviewer: Organizer | None = None
    submitted_at: Instant | None = None
    overall_recommendation: str | None = None
    attributes: tuple[Attribute, ...] = ()
    questions: tuple[Question, ...] = ()


class HistoryActor(msgspec.Struct, frozen=True):
    """The author of a change."""

    kind: str
    id: int | None = None
    name: str | None = None
    api_key: str | None = None


class HistoryField(msgspec.Struct, frozen=True):
    """A field before and after a change."""

    field: str
    before: Any = None
    after: Any = None


class HistoryEntry(msgspec.Struct, frozen=True):
    """One change of an interview."""

    revision: int
    time: Instant
    kind: str
    actor: HistoryActor
    fields: tuple[HistoryField, ...] = ()


class Entry(NamedTuple):
    """An interview with the names of its candidate and job, None if they are unknown.

    `open` is whether clients may change it; `document` is the interview as it is served.
    """

    interview: ScheduledInterview
    candidate: str | None
    job: str | None
    open: bool
    document: bytes

    def seat(self, user: int) -> Interviewer | None:
        """Return a user's seat on the panel."""
        return next((each for each in self.interview.interviewers if each.id == user), None)


class Entries(NamedTuple):
    """The interviews of a stretch of time; `cut` is whether there are more."""

    found: Sequence[Entry]
    cut: bool


class Detail(NamedTuple):
    """An interview with everything that a person may see of it.

    `scorecards` is None if they are hidden. The newest change comes first in `history`. `version` is the `ETag` of the
    interview. If it is cancelled, `cancelled_at` is when, and the interview is as it was before.
    """

    entry: Entry
    scorecards: Sequence[SubmittedScorecard] | None
    history: Sequence[HistoryEntry]
    version: str
    cancelled_at: Instant | None = None

    @property
    def revision(self) -> int:
        """The revision of the newest change, 0 if there is none."""
        return self.history[0].revision if self.history else 0


_applications: Final = msgspec.json.Decoder(tuple[_Application, ...])
_candidates: Final = msgspec.json.Decoder(tuple[_Candidate, ...])
_scorecards: Final = msgspec.json.Decoder(tuple[SubmittedScorecard, ...], dec_hook=read_instant)
_drafts: Final = msgspec.json.Decoder(tuple[Scorecard, ...], dec_hook=read_instant)
_history: Final = msgspec.json.Decoder(HistoryEntry, dec_hook=read_instant)


class Schedule:
    """Reads the schedule for people."""

    def __init__(self, agenda: Agenda, records: Records, feed: Feed, account_writes: AccountWrites) -> None:
        self._agenda = agenda
        self._records = records
        self._feed = feed
        self._account_writes = account_writes

    async def writable(self, organization: Organization) -> bool:
        """Return whether interviews can be written: in a mirror, if writes pass through it to its account."""
        if organization.mirrored_from is None:
            return True
        return bool(await self._account_writes.allowed(organization.id))

    async def visible(self, person: PersonAccess, start: Instant, end: Instant) -> Entries:
        """Return the interviews that a person may see and that start in a stretch of time."""
        if person.role is Role.INTERVIEWER:
            return await self.own(person, start, end)
        return await self._entries(person.organization, await self._agenda.between(person.organization, start, end))

    async def awaiting(self, person: PersonAccess, since: Instant, until: Instant) -> Entries:
        """Return the interviews that ended in a stretch of time and await feedback, the newest first."""
        rows = await self._agenda.awaiting(person.organization, since, until)
        found = await self._entries(person.organization, rows)
        return found._replace(cut=len(rows) >= MOST_AWAITING)

    async def own(self, person: PersonAccess, start: Instant, end: Instant) -> Entries:
        """Return the interviews that a person holds and that start in a stretch of time."""
        return await self.of_user(person.organization, person.user.id, start, end)

    async def of_user(self, organization: Organization, user: int, start: Instant, end: Instant) -> Entries:
        """Return the interviews that a user holds and that start in a stretch of time: for who may see everything."""
        return await self._entries(organization, await self._agenda.of_user(organization, user, start, end))

    async def found(
        self, organization: Organization, applications: Iterable[int], users: Iterable[int], now: Instant
    ) -> Sequence[Entry]:
        """Return interviews of applications, and those to come of users, by start: for who may see everything."""
        rows = [row for each in applications for row in await self._agenda.of_application(organization, each)]
        rows += [row for each in users for row in await self._agenda.to_come(organization, each, now)]
        entries = await self._entries(organization, list(dict.fromkeys(rows)))
        return sorted(entries.found, key=lambda each: each.interview.start.instant(UTC))

    async def now(self, person: PersonAccess, identifiers: Iterable[InterviewId]) -> Sequence[Entry]:
        """Return those of some interviews that still exist and that the person may see."""
        rows = [await self._agenda.one(person.organization, each) for each in identifiers]
        entries = await self._entries(person.organization, [row for row in rows if row is not None])
        everything = person.role is not Role.INTERVIEWER
        return [each for each in entries.found if everything or each.seat(person.user.id) is not None]

    async def detail(self, person: PersonAccess, identifier: InterviewId) -> Detail:
        """Return an interview. Raises Refusal (not found), also for one that the person may not see."""
        organization, cancelled_at = person.organization, None
        row = await self._agenda.one(organization, identifier)
        if row is None:
            row, cancelled_at = await self._cancelled(organization, identifier)
        (entry,) = (await self._entries(organization, [row])).found
        if cancelled_at is not None:
            entry = entry._replace(open=False)
        seat = entry.seat(person.user.id)
        if person.role is Role.INTERVIEWER and seat is None:
            raise Refusal(Code.NOT_FOUND)
        owes = seat is not None and seat.scorecard_id is None
        hidden = person.role is Role.INTERVIEWER and owes
        scorecards = None if hidden else await self._submitted(organization, entry.interview)
        history = await self._history(organization, identifier)
        return Detail(entry, scorecards, history, document_etag(row.document), cancelled_at)

    async def draft(self, organization: Organization, interview: int, user: int) -> Scorecard | None:
        """Return the scorecard of an interview that a user has begun, and not submitted."""
        query = RecordQuery(SCORECARDS, status=DRAFT, terms=((SCORED_INTERVIEW, str(interview)),))
        page = await self._records.page(organization, query, PageRequest(size=LARGEST_PAGE_SIZE, counted=False))
        return next((each for each in _drafts.decode(page.body) if each.interviewer.id == user), None)

    async def _cancelled(self, organization: Organization, identifier: InterviewId) -> tuple[AgendaRow, Instant]:
        """Return a cancelled interview as it was, and when it was cancelled. Raises Refusal (not found)."""
        last = await self._feed.latest(organization, identifier)
        if last is None or last.kind != Kind.CANCELLED or last.document is None:
            raise Refusal(Code.NOT_FOUND)
        return AgendaRow(bytes(last.document), created_through_api=True), _history.decode(last.summary).time

    async def _submitted(
        self, organization: Organization, interview: ScheduledInterview
    ) -> Sequence[SubmittedScorecard]:
        """Return the scorecards of a panel; of those that are not held here only whose they are."""
        seats = {each.scorecard_id: each for each in interview.interviewers if each.scorecard_id is not None}
        held = _scorecards.decode(await self._named(organization, SCORECARDS, seats.keys()))
        found = {each.id: each for each in held}
        return [
            found.get(identifier) or SubmittedScorecard(identifier, Organizer(id=seat.id, name=seat.name))
            for identifier, seat in seats.items()
        ]

    async def _history(self, organization: Organization, identifier: InterviewId) -> Sequence[HistoryEntry]:
        summaries = await self._feed.history(organization, identifier)
        return [_history.decode(each) for each in reversed(summaries)]

    async def _entries(self, organization: Organization, rows: Sequence[AgendaRow]) -> Entries:
        interviews = [(decode(row.document), row) for row in rows]
        applications = await self._applications(organization, {each.application_id for each, _ in interviews})
        candidates = await self._candidates(
            organization, {each.candidate_id for each in applications.values() if each.candidate_id is not None}
        )
        mirrored, writable = organization.mirrored_from is not None, await self.writable(organization)
        found = []
        for interview, row in interviews:
            application = applications.get(interview.application_id) or _Application(interview.application_id)
            candidate = candidates.get(application.candidate_id or 0)
            job = next((each.name for each in application.jobs if each.name), None)
            can_change = interview.status is not Status.COMPLETE and application.status == ACTIVE
            is_open = writable and (mirrored or row.created_through_api) and can_change
            found.append(Entry(interview, candidate.name if candidate else None, job, is_open, row.document))
        return Entries(found, len(rows) >= MOST_SHOWN)

    async def _applications(self, organization: Organization, ids: Collection[int]) -> Mapping[int, _Application]:
        return {each.id: each for each in _applications.decode(await self._named(organization, APPLICATIONS, ids))}

    async def _candidates(self, organization: Organization, ids: Collection[int]) -> Mapping[int, _Candidate]:
        return {each.id: each for each in _candidates.decode(await self._named(organization, CANDIDATES, ids))}

    async def _named(self, organization: Organization, resource: str, ids: Collection[int]) -> bytes:
        """Return the array of the records with these ids."""
        if not ids:
            return b"[]"
        query = RecordQuery(resource, ids=tuple(sorted(ids)))
        page = await self._records.page(organization, query, PageRequest(size=len(ids), counted=False))
        return page.body
