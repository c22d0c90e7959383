"""What the pages show of the schedule, as typed values: interviews with the names that their documents lack.

Owns what a person may see of the schedule. Must not know how it is shown. Coordinators and admins see everything; an
interviewer sees the interviews on whose panel they are, and the scorecards of others only after submitting their own.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from rowen.api.codec.documents import decode, read_instant
from rowen.app.agenda import MOST_SHOWN, Agenda, AgendaRow
from rowen.app.changes import Feed
from rowen.app.organizations import Organization
from rowen.app.records import ACTIVE, APPLICATIONS, CANDIDATES, SCORECARDS, RecordQuery, Records
from rowen.app.roles import Role
from rowen.app.sessions import Person
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.interview import Interviewer, InterviewId, Organizer, ScheduledInterview, Status
from rowen.interviews.moments import Instant
from rowen.interviews.query import PageRequest


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

    time: Instant
    kind: str
    actor: HistoryActor
    fields: tuple[HistoryField, ...] = ()


class Entry(NamedTuple):
    """An interview with the names of its candidate and job, None if they are unknown.

    `open` is whether clients may change it.
    """

    interview: ScheduledInterview
    candidate: str | None
    job: str | None
    open: bool

    def seat(self, user: int) -> Interviewer | None:
        """Return a user's seat on the panel."""
        return next((each for each in self.interview.interviewers if each.id == user), None)


class Entries(NamedTuple):
    """The interviews of a stretch of time; `cut` is whether there are more."""

    found: Sequence[Entry]
    cut: bool


class Detail(NamedTuple):
    """An interview with everything that a person may see of it; `scorecards` is None if they are hidden."""

    entry: Entry
    scorecards: Sequence[SubmittedScorecard] | None
    history: Sequence[HistoryEntry]


_applications: Final = msgspec.json.Decoder(tuple[_Application, ...])
_candidates: Final = msgspec.json.Decoder(tuple[_Candidate, ...])
_scorecards: Final = msgspec.json.Decoder(tuple[SubmittedScorecard, ...], dec_hook=read_instant)
_history: Final = msgspec.json.Decoder(HistoryEntry, dec_hook=read_instant)


class Schedule:
    """Reads the schedule for people."""

    def __init__(self, agenda: Agenda, records: Records, feed: Feed) -> None:
        self._agenda = agenda
        self._records = records
        self._feed = feed

    async def visible(self, person: Person, start: Instant, end: Instant) -> Entries:
        """Return the interviews that a person may see and that start in a stretch of time."""
        if person.role is Role.INTERVIEWER:
            return await self.own(person, start, end)
        return await self._entries(person.organization, await self._agenda.between(person.organization, start, end))

    async def own(self, person: Person, start: Instant, end: Instant) -> Entries:
        """Return the interviews that a person holds and that start in a stretch of time."""
        rows = await self._agenda.of_user(person.organization, person.user.id, start, end)
        return await self._entries(person.organization, rows)

    async def detail(self, person: Person, identifier: InterviewId) -> Detail:
        """Return an interview. Raises Refusal (not found), also for one that the person may not see."""
        row = await self._agenda.one(person.organization, identifier)
        if row is None:
            raise Refusal(Code.NOT_FOUND)
        (entry,) = (await self._entries(person.organization, [row])).found
        seat = entry.seat(person.user.id)
        if person.role is Role.INTERVIEWER and seat is None:
            raise Refusal(Code.NOT_FOUND)
        owes = seat is not None and seat.scorecard_id is None
        hidden = person.role is Role.INTERVIEWER and owes
        scorecards = None if hidden else await self._submitted(person.organization, entry.interview)
        return Detail(entry, scorecards, await self._history(person.organization, identifier))

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
        interviews = [(decode(row.document), row.created_through_api) for row in rows]
        applications = await self._applications(organization, {each.application_id for each, _ in interviews})
        candidates = await self._candidates(
            organization, {each.candidate_id for each in applications.values() if each.candidate_id is not None}
        )
        writable = organization.mirrored_from is None
        found = []
        for interview, is_ours in interviews:
            application = applications.get(interview.application_id) or _Application(interview.application_id)
            candidate = candidates.get(application.candidate_id or 0)
            job = next((each.name for each in application.jobs if each.name), None)
            can_change = interview.status is not Status.COMPLETE and application.status == ACTIVE
            found.append(
                Entry(interview, candidate.name if candidate else None, job, writable and is_ours and can_change)
            )
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
