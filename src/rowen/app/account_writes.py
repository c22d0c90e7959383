"""Writes that pass through a mirror to its account: what is asked of the account, and what became of it.

Owns the states of such a write, the port that keeps them, and waiting for the end of one. Must not know HTTP, SQL or
the account. See docs/decisions/0041-writes-pass-through-the-mirror.md.
"""

from collections.abc import Sequence
from enum import StrEnum
from time import monotonic
from typing import Final, NamedTuple, Protocol

import msgspec

from rowen.app.changes import Commits
from rowen.app.organizations import Organization
from rowen.app.scheduling import EVENT
from rowen.interviews.errors import Code, FieldProblem, Refusal
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant
from rowen.interviews.scheduling import UNSET, InterviewFields


class WriteAction(StrEnum):
    """What is to be done with an interview."""

    CREATE = "create"
    CHANGE = "change"
    CANCEL = "cancel"


class WriteState(StrEnum):
    """How far a write is.

    One that is queued may still be withdrawn; one that was sent may have been made, until the account's answer is
    known. In doubt is a new interview of which the answer was lost. An accepted write is made, and not yet stored here.
    """

    QUEUED = "queued"
    SENT = "sent"
    IN_DOUBT = "in_doubt"
    ACCEPTED = "accepted"
    STORED = "stored"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    LOST = "lost"


OPEN: Final = (WriteState.QUEUED, WriteState.SENT, WriteState.IN_DOUBT, WriteState.ACCEPTED)
"""The states in which there is something left to do."""

UNDONE: Final = (WriteState.REFUSED, WriteState.WITHDRAWN, WriteState.LOST)
"""The states of a write that has changed nothing, and may be tried again."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What a client wants: `interview` is the one to change, `fields` are what it gave.

    `user` is who acts, None for the integration, and `api_key` the name of the key. `known_at` is the `updated_at` that
    the interview must still have, if the client named a version.
    """

    action: WriteAction
    interview: int | None = None
    user: int | None = None
    api_key: str = ""
    fields: InterviewFields | None = None
    known_at: int | None = None


class Failure(msgspec.Struct, frozen=True):
    """Why a write failed, as a refusal."""

    code: Code
    problems: tuple[FieldProblem, ...] = ()
    retry_after: int | None = None

    def refusal(self) -> Refusal:
        """Return it as what is raised."""
        return Refusal(self.code, problems=self.problems, retry_after=self.retry_after)


def failure_of(refusal: Refusal) -> Failure:
    """Return a refusal as what is kept."""
    return Failure(refusal.code, refusal.problems, refusal.retry_after)


class AccountWrite(NamedTuple):
    """A write. `id` is a UUID; times are in milliseconds since 1970.

    Nobody sends it after `expires_at`. `interview` is the one that was made or changed, once that is known; `failure`
    the reason of a failure or a doubt.
    """

    id: str
    request: Request
    queued_at: int
    expires_at: int
    state: WriteState = WriteState.QUEUED
    sent_at: int | None = None
    attempts: int = 0
    interview: int | None = None
    failure: Failure | None = None

    @property
    def event_id(self) -> str:
        """The external event id that a new interview has, by which it is found again."""
        fields = self.request.fields
        if fields is None or fields.external_event_id is UNSET:
            return f"{EVENT}-{self.id}"
        return fields.external_event_id

    @property
    def names_event(self) -> bool:
        """Whether the client named the event."""
        return self.request.fields is not None and self.request.fields.external_event_id is not UNSET


class AccountWrites(Protocol):
    """The writes of a database that pass through mirrors."""

    async def allowed(self, organization: OrganizationId) -> bool | None:
        """Return whether writes pass through the mirror of an organization; None while it is read the first time."""
        ...

    async def enqueue(self, organization: OrganizationId, write: AccountWrite) -> None:
        """Queue a write; one with this id that is there already is left alone, unless it is undone."""
        ...

    async def find(self, organization: OrganizationId, identifier: str) -> AccountWrite | None:
        """Return a write."""
        ...

    async def withdraw(self, organization: OrganizationId, identifier: str) -> bool:
        """Take a write out of the queue; return False if it is not in it."""
        ...

    async def claim(self, organization: OrganizationId, identifier: str, now: Instant) -> bool:
        """Note that a write is being sent now; return False if it was withdrawn, or has expired."""
        ...

    async def note(self, organization: OrganizationId, write: AccountWrite, now: Instant) -> None:
        """Store the state of a write, its interview and its failure; what was asked is forgotten with its end."""
        ...

    async def open(self, organization: OrganizationId) -> Sequence[AccountWrite]:
        """Return the writes with something left to do, in the order in which they were queued."""
        ...

    async def is_claimed(self, organization: OrganizationId, event_id: str, identifier: str) -> bool:
        """Return whether another write with this event was sent, and what became of it is not known."""
        ...

    async def forget(self, organization: OrganizationId, before: Instant) -> None:
        """Delete the writes that ended before a time."""
        ...


class WaitLimits(NamedTuple):
    """How many seconds a client waits: until its write is taken out of the queue, and until its end."""

    taken: float
    ended: float

    @classmethod
    def of(cls, seconds: float) -> "WaitLimits":
        """Return how `seconds` are divided: what is taken late would not end in time."""
        return cls(seconds / 3, seconds)


async def await_end(
    writes: AccountWrites, commits: Commits, organization: Organization, identifier: str, limits: WaitLimits
) -> AccountWrite:
    """Return a write that has ended well. Raises Refusal: as it failed; not taken; account silent."""
    began, withdrawing = monotonic(), True
    while True:
        seen = commits.state
        write = await writes.find(organization.id, identifier)
        if write is None:  # the organization is no mirror any more
            raise Refusal(Code.NOT_TAKEN)
        if write.state is WriteState.STORED:
            return write
        if write.state not in OPEN or write.state is WriteState.IN_DOUBT:
            raise _failure_of(write)
        left = began + limits.ended - monotonic()
        if write.state is WriteState.QUEUED and withdrawing:
            left = began + limits.taken - monotonic()
            if left <= 0:
                withdrawing = not await writes.withdraw(organization.id, identifier)
                continue
        if left <= 0:
            raise Refusal(Code.ACCOUNT_SILENT)
        await commits.wait(seen, left)


def _failure_of(write: AccountWrite) -> Refusal:
    if write.failure is not None:
        return write.failure.refusal()
    return Refusal(Code.NOT_TAKEN if write.state is WriteState.WITHDRAWN else Code.ACCOUNT_SILENT)
