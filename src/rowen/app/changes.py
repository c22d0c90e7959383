"""The feed of changes, and the history of an interview.

Owns how a feed is followed, and the ports that it is read through. Must not know HTTP or SQL.
"""

from collections.abc import AsyncGenerator, Sequence
from time import monotonic
from typing import Final, NamedTuple, Protocol

from rowen.app.organizations import Organization
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.interview import InterviewId

DEFAULT_FEED_PAGE: Final = 100
_LIVE_PAGE: Final = 20  # every follower holds one such page in memory while its client reads


class Commits(Protocol):
    """The commits to a database by any process."""

    @property
    def state(self) -> bytes | None:
        """A value that differs after every commit; None if only a query can find out."""
        ...

    async def wait(self, state: bytes | None, seconds: float, /) -> None:
        """Return once the state has changed, or after `seconds`."""
        ...


class FeedEntry(NamedTuple):
    """One change: its summary, and the interview's document after it, both as they are served.

    A cancelled interview's document is its last one; a change of many, such as an import, has none.
    """

    revision: int
    kind: str
    summary: bytes
    document: bytes | None


class FeedPage(NamedTuple):
    """A run of changes in the order of commits.

    The next page comes after `last_revision`; `more` is whether it exists already. `organization` is as of the revision
    at which the whole page was read.
    """

    entries: tuple[FeedEntry, ...]
    last_revision: int
    more: bool
    organization: Organization


class Feed(Protocol):
    """The changes of a database, for reading."""

    async def after(self, organization: Organization, revision: int, limit: int) -> FeedPage:
        """Return the changes after a revision, in the order of commits.

        A revision that does not exist yet, as after restoring a backup, counts as the newest one.
        """
        ...

    async def history(self, organization: Organization, interview: InterviewId) -> Sequence[bytes]:
        """Return the summaries of an interview's changes, oldest first; they remain after it is cancelled."""
        ...

    async def latest(self, organization: Organization, interview: InterviewId) -> FeedEntry | None:
        """Return an interview's last change; None for an imported one that never changed."""
        ...


class InterviewDocuments(Protocol):
    """The interviews of a database, by id."""

    async def document(self, organization: Organization, interview: InterviewId) -> bytes | None:
        """Return one interview as served, or None if the organization has none with that id."""
        ...


async def history(
    feed: Feed, interviews: InterviewDocuments, organization: Organization, interview: InterviewId
) -> Sequence[bytes]:
    """Return the changes of an interview, oldest first; none for an imported one that never changed.

    Raises Refusal (not found) if the organization never had an interview with that id.
    """
    summaries = await feed.history(organization, interview)
    if not summaries and await interviews.document(organization, interview) is None:
        raise Refusal(Code.NOT_FOUND)
    return summaries


class Subscription(NamedTuple):
    """The revision to start after, and the seconds between two heartbeats while nothing happens."""

    after: int
    heartbeat: float


async def follow(
    feed: Feed, commits: Commits, organization: Organization, subscription: Subscription
) -> AsyncGenerator[Sequence[FeedEntry] | None, None]:
    """Yield changes as they are committed, in that order, without end.

    None is a heartbeat. An empty sequence means that something else was committed: a key was revoked, perhaps.
    """
    revision, last_yield = subscription.after, monotonic()
    while True:
        state = commits.state  # taken before reading, so that a commit meanwhile ends the wait at once
        page = await feed.after(organization, revision, _LIVE_PAGE)
        revision = page.last_revision
        is_silent = not page.entries and monotonic() - last_yield >= subscription.heartbeat
        if page.entries or is_silent:
            last_yield = monotonic()
        yield None if is_silent else page.entries
        if not page.more:
            await commits.wait(state, max(0.0, last_yield + subscription.heartbeat - monotonic()))
