"""The mirror of an account elsewhere: what is kept of it, and the port that keeps it.

Owns the links between the rows of an account, and which of our records follow from which rows. Must not know SQL, HTTP
or the fields of a row.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

from rowen.app.organizations import Organization
from rowen.app.records import APPLICATIONS, CANDIDATES, INTERVIEWS, JOB_STAGES, JOBS, SCORECARDS, USERS
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant


class RowLink(StrEnum):
    """The ids of other rows that a row holds, by which it can be found."""

    PARENT = "parent_id"
    PERSON = "person_id"
    SUBJECT = "subject_id"
    OTHER_PERSON = "other_person_id"


class MirroredRow(NamedTuple):
    """A row of the account: the part of it that matters here, as JSON, and its links."""

    resource: str
    id: int
    updated_at: int
    document: bytes
    parent_id: int | None = None
    person_id: int | None = None
    subject_id: int | None = None
    other_person_id: int | None = None


class ReachStep(NamedTuple):
    """A step from ids to others: to the rows of a resource that have them as `find`, and from those to their `take`.

    None stands for the id of the row itself.
    """

    resource: str
    find: RowLink | None
    take: RowLink | None


class Reach(NamedTuple):
    """One way from a row to records of ours that follow from it: `target` is their resource.

    The way begins at the row's id, or at its link `origin`, and goes on step by step.
    """

    target: str
    origin: RowLink | None = None
    steps: tuple[ReachStep, ...] = ()

    @property
    def is_own(self) -> bool:
        """Whether it leads from a row to the record with its own id."""
        return self.origin is None and not self.steps


_STAGE_OF: Final = ReachStep("job_interviews", None, RowLink.PARENT)
_INTERVIEW_OF: Final = ReachStep("interview_kits", None, RowLink.PARENT)
_RATED_IN: Final = ReachStep("scorecard_candidate_attributes", RowLink.SUBJECT, RowLink.PARENT)
_SCORECARD_OF: Final = ReachStep("scorecard_question_answers", None, RowLink.PARENT)
_CANDIDATE_OF: Final = ReachStep("applications", None, RowLink.SUBJECT)
_SCORECARDS_OF: Final = ReachStep("scorecards", RowLink.SUBJECT, None)
_CARDS_OF_PANEL: Final = ReachStep("interviewers", RowLink.PARENT, RowLink.SUBJECT)


def _people(target: str, resource: str, take: RowLink | None) -> tuple[Reach, ...]:
    """Return the ways from a user to records of ours through rows that name two users."""
    return tuple(
        Reach(target, steps=(ReachStep(resource, find, take),)) for find in (RowLink.PERSON, RowLink.OTHER_PERSON)
    )


REACHES: Final[Mapping[str, Sequence[Reach]]] = {
    "users": (
        Reach(USERS),
        Reach(INTERVIEWS, steps=(ReachStep("interviews", RowLink.PERSON, None),)),
        Reach(INTERVIEWS, steps=(ReachStep("interviewers", RowLink.PERSON, RowLink.PARENT),)),
        *_people(SCORECARDS, "scorecards", None),
        *_people(APPLICATIONS, "applications", None),
        *_people(CANDIDATES, "applications", RowLink.SUBJECT),
        Reach(
            JOB_STAGES,
            steps=(ReachStep("default_interviewers", RowLink.PERSON, RowLink.PARENT), _INTERVIEW_OF, _STAGE_OF),
        ),
    ),
    "jobs": (
        Reach(JOBS),
        Reach(APPLICATIONS, steps=(ReachStep("applications", RowLink.PARENT, None),)),
        Reach(CANDIDATES, steps=(ReachStep("applications", RowLink.PARENT, RowLink.SUBJECT),)),
    ),
    "job_interview_stages": (Reach(JOB_STAGES),),
    "job_interviews": (
        Reach(JOB_STAGES, RowLink.PARENT),
        Reach(INTERVIEWS, steps=(ReachStep("interviews", RowLink.SUBJECT, None),)),
        Reach(SCORECARDS, steps=(ReachStep("interview_kits", RowLink.PARENT, None), _SCORECARDS_OF)),
        Reach(SCORECARDS, steps=(ReachStep("interviews", RowLink.SUBJECT, None), _CARDS_OF_PANEL)),
    ),
    "interview_kits": (Reach(JOB_STAGES, RowLink.PARENT, (_STAGE_OF,)), Reach(SCORECARDS, steps=(_SCORECARDS_OF,))),
    "default_interviewers": (Reach(JOB_STAGES, RowLink.PARENT, (_INTERVIEW_OF, _STAGE_OF)),),
    "candidates": (Reach(CANDIDATES),),
    "applications": (
        Reach(APPLICATIONS),
        Reach(CANDIDATES, RowLink.SUBJECT),
        Reach(SCORECARDS, steps=(ReachStep("scorecards", RowLink.PARENT, None),)),
    ),
    "application_stages": (
        Reach(APPLICATIONS, RowLink.PARENT),
        Reach(CANDIDATES, RowLink.PARENT, (_CANDIDATE_OF,)),
    ),
    "candidate_attribute_types": (
        Reach(SCORECARDS, steps=(ReachStep("job_candidate_attributes", RowLink.PARENT, None), _RATED_IN)),
    ),
    "job_candidate_attributes": (Reach(SCORECARDS, steps=(_RATED_IN,)),),
    "scorecard_questions": (
        Reach(SCORECARDS, steps=(ReachStep("scorecard_question_answers", RowLink.SUBJECT, RowLink.PARENT),)),
    ),
    "scorecard_question_options": (
        Reach(
            SCORECARDS,
            steps=(ReachStep("scorecard_question_answer_options", RowLink.SUBJECT, RowLink.PARENT), _SCORECARD_OF),
        ),
    ),
    "scorecard_question_answer_options": (Reach(SCORECARDS, RowLink.PARENT, (_SCORECARD_OF,)),),
    "scorecard_candidate_attributes": (Reach(SCORECARDS, RowLink.PARENT),),
    "scorecard_question_answers": (Reach(SCORECARDS, RowLink.PARENT),),
    "scorecards": (
        Reach(SCORECARDS),
        Reach(INTERVIEWS, steps=(ReachStep("interviewers", RowLink.SUBJECT, RowLink.PARENT),)),
    ),
    "interviewers": (Reach(INTERVIEWS, RowLink.PARENT),),
    "interviews": (Reach(INTERVIEWS),),
}
"""The resources that are mirrored, in the order in which they are read, and what follows from the rows of each."""

OWN: Final[Mapping[str, str]] = {
    reach.target: resource for resource, reaches in REACHES.items() for reach in reaches if reach.is_own
}
"""The resources whose rows have the ids of our records, by the resource of these."""

TARGETS: Final = (USERS, JOBS, JOB_STAGES, CANDIDATES, APPLICATIONS, SCORECARDS, INTERVIEWS)
"""The resources of ours that follow, in the order in which they are written."""


REPORTED: Final = ("scorecards", "interviews")
"""The resources of which an account reports deletions, in the order in which they are confirmed."""


def reported(resource: str) -> str:
    """Return the name under which rows of a resource are marked whose deletion was reported, and not yet confirmed."""
    return f"reported {resource}"


class Position(NamedTuple):
    """How far a resource has been read.

    `cursor` continues an unfinished first reading, which ends with `loaded`. `newest` is the time, by the account's
    clock, up to which its changes are known. A sweep that is under way continues at `sweep_cursor` with the rows below
    `sweep_above`; `swept_at` is when the last one ended. `held` rows are stored, which `Mirrors` counts.
    """

    resource: str
    cursor: str | None = None
    loaded: bool = False
    newest: int | None = None
    sweep_cursor: str | None = None
    sweep_above: int | None = None
    swept_at: int | None = None
    held: int = 0


class Mirror(NamedTuple):
    """The mirror of an organization; times are in milliseconds since 1970.

    `followed_at` is when all changes were last known to be here. `error` is the last failure, if nothing has succeeded
    since. `write_through` is whether writes of interviews pass through to the account.
    """

    source: str
    started_at: int
    loaded_at: int | None = None
    followed_at: int | None = None
    error: str | None = None
    error_at: int | None = None
    counters: Mapping[str, int] = {}
    write_through: bool = False


class Pending(NamedTuple):
    """A record of ours that has to be compared with the account again, and when that was noticed."""

    id: int
    marked_at: int


class MirrorState(NamedTuple):
    """The mirror of an organization, which it names, and how far each resource was read.

    `writes` is how many writes of clients are in which `WriteState`; those that ended count for two days.
    """

    organization: str
    mirror: Mirror
    positions: Sequence[Position]
    writes: Mapping[str, int]


class Mirrors(Protocol):
    """The mirrors of a database, and the rows that they hold."""

    async def find(self, organization: OrganizationId) -> Mirror | None:
        """Return the mirror of an organization."""
        ...

    async def all(self) -> Sequence[MirrorState]:
        """Return the mirrors of all organizations, ordered by name."""
        ...

    async def report(self, organization: str, resource: str, identifier: int, now: Instant) -> bool:
        """Mark a row that was reported as deleted; return False if no organization of that name is a mirror."""
        ...

    async def begin(
        self, organization: Organization, source: str, now: Instant, *, write_through: bool | None = None
    ) -> Mirror:
        """Make an organization the mirror of an account, and return its mirror.

        With None it stays as it is whether writes pass through.
        Raises Refusal (conflict) if it is the mirror of another one.
        """
        ...

    async def end(self, organization: Organization) -> bool:
        """Make an organization independent of its account; return False if it was no mirror."""
        ...

    async def save(self, organization: OrganizationId, mirror: Mirror) -> None:
        """Store the times, the counters and the last error of a mirror."""
        ...

    async def positions(self, organization: OrganizationId) -> dict[str, Position]:
        """Return how far each resource has been read, by resource."""
        ...

    async def put(
        self,
        organization: OrganizationId,
        rows: Sequence[MirroredRow],
        position: Position,
        now: Instant,
        *,
        first: bool = False,
    ) -> int:
        """Store rows of one resource with the position after them, and mark what follows from those that differ.

        Return how many differ. In a `first` reading nothing is marked: everything is written after it (see `own`).
        """
        ...

    async def replace(
        self, organization: OrganizationId, rows: Sequence[MirroredRow], gone: Sequence[MirroredRow], now: Instant
    ) -> None:
        """Store rows and delete others, and mark what follows from them, all at once."""
        ...

    async def remove(
        self, organization: OrganizationId, resource: str, identifiers: Sequence[int], now: Instant
    ) -> int:
        """Delete rows, and mark what followed from them; return how many there were."""
        ...

    async def rows(
        self, organization: OrganizationId, resource: str, identifiers: Sequence[int]
    ) -> dict[int, MirroredRow]:
        """Return the rows of a resource with these ids, by id."""
        ...

    async def linked(
        self, organization: OrganizationId, resource: str, link: RowLink, identifiers: Sequence[int]
    ) -> Sequence[MirroredRow]:
        """Return the rows of a resource with a link to any of these ids, ordered by id."""
        ...

    async def documents(
        self, organization: OrganizationId, resource: str, link: RowLink | None, identifiers: Sequence[int]
    ) -> bytes:
        """Return the documents of the rows with a link to any of these ids, or with these ids, as JSON, by id."""
        ...

    async def dated_documents(
        self, organization: OrganizationId, resource: str, identifiers: Sequence[int]
    ) -> tuple[bytes, Mapping[int, int]]:
        """Return the documents of the rows with these ids as JSON, by id, and when each row was updated."""
        ...

    async def identifiers(self, organization: OrganizationId, resource: str, low: int, high: int) -> Sequence[int]:
        """Return the ids of a resource's rows from `low` up to but not including `high`."""
        ...

    async def pending(self, organization: OrganizationId, target: str, most: int, after: int = 0) -> Sequence[Pending]:
        """Return the first records of a resource of ours that are marked, ordered by id, with ids above `after`."""
        ...

    async def own(self, organization: OrganizationId, target: str, most: int, after: int = 0) -> Sequence[int]:
        """Return the first ids above `after`, ascending, of which a resource of ours may have a record.

        They are those of the rows that such records have their ids from (see `Reach.is_own`).
        """
        ...

    async def mark(self, organization: OrganizationId, target: str, identifiers: Sequence[int], now: Instant) -> None:
        """Mark records of a resource of ours."""
        ...

    async def settle(self, organization: OrganizationId, target: str, done: Sequence[Pending]) -> None:
        """Remove marks; one that was set again meanwhile stays."""
        ...
