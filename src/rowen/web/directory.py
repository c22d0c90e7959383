"""What forms choose from: people, jobs, the interviews of a plan, and candidates with their applications.

Owns how they are found, by names that people know. Must not know a form, or who may see one: its pages do.
"""

import re
from collections.abc import Collection, Sequence
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from rowen.api.codec.documents import read_instant
from rowen.app.organizations import Organization
from rowen.app.records import (
    ACTIVE,
    APPLICATIONS,
    BOOKING_LINKS,
    CANDIDATES,
    JOB_STAGES,
    JOBS,
    POOLS,
    ROOMS,
    USERS,
    RecordQuery,
    Records,
)
from rowen.interviews.hiring import JobStatus
from rowen.interviews.people import User, fold
from rowen.interviews.pools import Pool
from rowen.interviews.query import LARGEST_PAGE_SIZE, PageRequest
from rowen.interviews.rooms import Room

Found = TypeVar("Found")

MOST_PEOPLE: Final = 1_000
"""How many people a form offers, the newest."""

MOST_JOBS: Final = 500
"""How many jobs are shown, the newest."""

MOST_ROOMS: Final = 500
"""How many rooms are shown, the newest."""

MOST_POOLS: Final = 200
"""How many pools a form offers, the newest."""

MOST_LINKS: Final = 500
"""How many booking links are looked through, the newest."""

MOST_SEARCHED: Final = 2_000
"""How many applications a search looks through, the newest."""

MOST_OFFERED: Final = 12
"""How many applications are offered at once."""

LONGEST_MINUTES: Final = 24 * 60
"""How long an interview of a form may take, in minutes."""


class JobChoice(msgspec.Struct, frozen=True):
    """A job as forms show it."""

    id: int
    name: str | None = None
    status: str | None = None


class PlannedInterview(msgspec.Struct, frozen=True):
    """An interview of a plan: its name, how long it takes, and who usually holds it.

    Imported documents are stored as they are: the last two can be anything.
    """

    id: int
    name: str | None = None
    estimated_minutes: Any = None
    default_interviewer_users: Any = None

    @property
    def minutes(self) -> int | None:
        """How long it takes, in minutes."""
        minutes = self.estimated_minutes
        return minutes if isinstance(minutes, int) and 0 < minutes <= LONGEST_MINUTES else None

    @property
    def defaults(self) -> list[int]:
        """The ids of the users who usually hold it."""
        named = self.default_interviewer_users
        found = [each.get("id") for each in named if isinstance(each, dict)] if isinstance(named, list) else []
        return [each for each in found if isinstance(each, int)]


class StageChoice(msgspec.Struct, frozen=True):
    """A stage of a plan."""

    id: int
    name: str | None = None
    job_id: int | None = None
    priority: int = 0
    active: bool = True
    interviews: tuple[PlannedInterview, ...] = ()


class OpenLink(msgspec.Struct, frozen=True):
    """A booking link as far as a list shows it: `interviews` are those that were booked with it."""

    id: int
    application_id: int
    expires_at: int
    interviews: tuple[int, ...] = ()


class _Application(msgspec.Struct, frozen=True):
    id: int
    candidate_id: int | None = None
    jobs: tuple[JobChoice, ...] = ()
    current_stage: Any = None


class _Email(msgspec.Struct, frozen=True):
    value: str | None = None


class _Candidate(msgspec.Struct, frozen=True):
    id: int
    first_name: str | None = None
    last_name: str | None = None
    email_addresses: tuple[_Email, ...] = ()

    @property
    def name(self) -> str | None:
        return " ".join(part for part in (self.first_name, self.last_name) if part) or None


class Applicant(NamedTuple):
    """An active application: whose it is, None if that is unknown, its job, and the id and name of its stage."""

    application: int
    candidate: str | None
    email: str | None
    job: JobChoice | None
    stage: int | None
    stage_name: str | None = None


_NUMBERS: Final = re.compile(r"([0-9]{1,9})")
_users: Final = msgspec.json.Decoder(tuple[User, ...])
_rooms: Final = msgspec.json.Decoder(tuple[Room, ...])
_pools: Final = msgspec.json.Decoder(tuple[Pool, ...])
_links: Final = msgspec.json.Decoder(tuple[OpenLink, ...])
_jobs: Final = msgspec.json.Decoder(tuple[JobChoice, ...])
_stages: Final = msgspec.json.Decoder(tuple[StageChoice, ...])
_applications: Final = msgspec.json.Decoder(tuple[_Application, ...], dec_hook=read_instant)
_candidates: Final = msgspec.json.Decoder(tuple[_Candidate, ...])


class Directory:
    """Reads what forms choose from."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def people(self, organization: Organization) -> list[User]:
        """Return the users who are not disabled, ordered by name."""
        return [each for each in await self.users(organization) if not each.disabled]

    async def users(self, organization: Organization, most: int = MOST_PEOPLE) -> list[User]:
        """Return the users, the newest `most`, ordered by name."""
        found = await self._newest(organization, RecordQuery(USERS), _users, most)
        return sorted(found, key=lambda each: person_name(each).casefold())

    async def disabled(self, organization: Organization, identifiers: Collection[int]) -> list[int]:
        """Return those of some users who are disabled."""
        query = RecordQuery(USERS, ids=tuple(sorted(identifiers)))
        found = await self._newest(organization, query, _users, len(identifiers)) if identifiers else []
        return [each.id for each in found if each.disabled]

    async def user(self, organization: Organization, identifier: int) -> User | None:
        """Return a user."""
        found = await self._newest(organization, RecordQuery(USERS, ids=(identifier,)), _users, 1)
        return found[0] if found else None

    async def job(self, organization: Organization, identifier: int) -> JobChoice | None:
        """Return a job."""
        found = await self._newest(organization, RecordQuery(JOBS, ids=(identifier,)), _jobs, 1)
        return found[0] if found else None

    async def jobs(self, organization: Organization) -> list[JobChoice]:
        """Return the jobs, the open ones first, each group ordered by name."""
        found = await self._newest(organization, RecordQuery(JOBS), _jobs, MOST_JOBS)
        return sorted(found, key=lambda each: (each.status != JobStatus.OPEN, (each.name or "").casefold()))

    async def plan(self, organization: Organization, job: int) -> list[StageChoice]:
        """Return the stages of a job that are in use, in their order."""
        return [each for each in await self.stages(organization, job) if each.active]

    async def stages(self, organization: Organization, job: int) -> list[StageChoice]:
        """Return the stages of a job, in their order."""
        query = RecordQuery(JOB_STAGES, terms=(("job_id", str(job)),))
        found = await self._newest(organization, query, _stages, LARGEST_PAGE_SIZE)
        return sorted(found, key=lambda each: (each.priority, each.id))

    async def rooms(self, organization: Organization, identifier: int | None = None) -> list[Room]:
        """Return the rooms, ordered by site and name, or the one with an id."""
        query = RecordQuery(ROOMS, ids=None if identifier is None else (identifier,))
        found = await self._newest(organization, query, _rooms, MOST_ROOMS)
        return sorted(found, key=lambda each: ((each.site or "").casefold(), _natural(each.name)))

    async def pools(
        self, organization: Organization, identifier: int | None = None, most: int = MOST_POOLS
    ) -> list[Pool]:
        """Return the pools of interviewers, ordered by name, or the one with an id."""
        query = RecordQuery(POOLS, ids=None if identifier is None else (identifier,))
        found = await self._newest(organization, query, _pools, most)
        return sorted(found, key=lambda each: (each.name.casefold(), each.id))

    async def open_links(self, organization: Organization, now: int) -> list[OpenLink]:
        """Return those of the newest booking links with which nothing was booked yet, the first to expire first."""
        found = await self._newest(organization, RecordQuery(BOOKING_LINKS), _links, MOST_LINKS)
        open_links = [each for each in found if not each.interviews and each.expires_at > now]
        return sorted(open_links, key=lambda each: each.expires_at)

    async def applicant(self, organization: Organization, application: int) -> Applicant | None:
        """Return an active application by its id."""
        query = RecordQuery(APPLICATIONS, status=ACTIVE, ids=(application,))
        found = await self._newest(organization, query, _applications, 1)
        return (await self._applicants(organization, found))[0] if found else None

    async def search(
        self, organization: Organization, text: str, status: str | None = ACTIVE
    ) -> tuple[list[Applicant], bool]:
        """Return the newest applications whose candidate or job a text names, and whether there are more."""
        wanted = text.casefold().split()
        query, below, searched = RecordQuery(APPLICATIONS, status=status), None, 0
        matching: list[Applicant] = []
        while True:
            request = PageRequest(size=LARGEST_PAGE_SIZE, after=below, counted=False, descending=True)
            page = await self._records.page(organization, query, request)
            found = await self._applicants(organization, _applications.decode(page.body)[::-1])
            matching += [each for each in found if _matches(each, wanted)]
            below, searched = page.last_id, searched + len(found)
            if len(matching) > MOST_OFFERED or not page.more or searched >= MOST_SEARCHED:
                return matching[:MOST_OFFERED], len(matching) > MOST_OFFERED or page.more

    async def candidate_with(self, organization: Organization, email: str) -> str | None:
        """Return the name of a candidate with an e-mail address."""
        query = RecordQuery(CANDIDATES, terms=(("email", fold(email)),))
        found = await self._newest(organization, query, _candidates, 1)
        return found[0].name or email if found else None

    async def _applicants(self, organization: Organization, found: Sequence[_Application]) -> list[Applicant]:
        ids = tuple(sorted({each.candidate_id for each in found if each.candidate_id is not None}))
        query = RecordQuery(CANDIDATES, ids=ids)
        known = await self._newest(organization, query, _candidates, len(ids)) if ids else []
        by_id = {each.id: each for each in known}
        return [_applicant(each, by_id.get(each.candidate_id or 0)) for each in found]

    async def _newest(
        self,
        organization: Organization,
        query: RecordQuery,
        decoder: msgspec.json.Decoder[tuple[Found, ...]],
        most: int,
    ) -> list[Found]:
        request = PageRequest(size=most, counted=False, descending=True)
        return list(decoder.decode((await self._records.page(organization, query, request)).body))


def _natural(name: str) -> list[tuple[int, str]]:
    """Return a key that orders numbers in names by their size: room 2 comes before room 10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in _NUMBERS.split(name.casefold())]


def person_name(user: User) -> str:
    """Return the name of a user, or else the address or the id."""
    return user.name or user.email or str(user.id)


def _applicant(application: _Application, candidate: _Candidate | None) -> Applicant:
    email = None if candidate is None else next((each.value for each in candidate.email_addresses if each.value), None)
    job = application.jobs[0] if application.jobs else None
    stage = application.current_stage
    current, named = (stage.get("id"), stage.get("name")) if isinstance(stage, dict) else (None, None)
    name = candidate.name if candidate else None
    return Applicant(application.id, name, email, job, current, named if isinstance(named, str) else None)


def _matches(applicant: Applicant, wanted: Sequence[str]) -> bool:
    """Return whether the candidate, the address and the job have every word."""
    names = (applicant.candidate, applicant.email, applicant.job and applicant.job.name)
    text = " ".join(name for name in names if name).casefold()
    return all(word in text for word in wanted)
