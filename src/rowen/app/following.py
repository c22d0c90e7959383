"""Following what happens: the feed of changes and the history of an interview.

Owns the port that reads them and what a follower is told. Must not know HTTP or SQL.
"""

from collections.abc import AsyncGenerator, Sequence
from time import monotonic
from typing import Final, NamedTuple, Protocol

from rowen.app.ports import Organization
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.interview import InterviewId

DEFAULT_FEED_PAGE: Final = 100


class Commits(Protocol):
    """The commits to a database, by whichever process."""

    @property
    def state(self) -> bytes | None:
        """What differs after every commit; None where only a look into the database can tell."""
        ...

    async def wait(self, known: bytes | None, seconds: float) -> None:
        """Return once `state` is not `known`, at the latest after so many seconds."""
        ...


class Entry(NamedTuple):
    """One change as followers are told: `body` is JSON, its summary and the interview's document after it.

    A cancelled interview's document is its last one; without one (an import of many) it is null.
    """

    revision: int
    kind: str
    body: bytes


class FeedPage(NamedTuple):
    """A run of changes in the order of commits.

    `last_revision` is what the next page comes after, `more` tells whether it is there already, `organization` the
    organization as of the revision that all of it was read at.
    """

    entries: tuple[Entry, ...]
    last_revision: int
    more: bool
    organization: Organization


class Feed(Protocol):
    """The changes of a database, to be read."""

    async def after(self, organization: Organization, revision: int, limit: int) -> FeedPage:
        """Return the changes behind a revision, in the order of commits.

        A revision that is still to come (of a database that was restored) counts as the newest that there is.
        """
        ...

    async def history(self, organization: Organization, interview: InterviewId) -> Sequence[bytes]:
        """Return the summaries of an interview's changes, oldest first; they remain when it is cancelled."""
        ...


class Known(Protocol):
    """What can tell whether an interview exists."""

    async def document(self, organization: Organization, interview: InterviewId) -> bytes | None:
        """Return one interview as served; None where the organization has none of that id."""
        ...


async def history(feed: Feed, interviews: Known, organization: Organization, interview: InterviewId) -> Sequence[bytes]:
    """Return what happened to an interview, oldest first: nothing, where it was imported and left alone.

    Raises Refusal (not found) where the organization never had one of that id.
    """
    found = await feed.history(organization, interview)
    if not found and await interviews.document(organization, interview) is None:
        raise Refusal(Code.NOT_FOUND)
    return found


class Listening(NamedTuple):
    """How a follower listens: from behind which revision, and how many seconds of silence it bears."""

    after: int
    silence: float


async def follow(
    feed: Feed, commits: Commits, organization: Organization, listening: Listening
) -> AsyncGenerator[Sequence[Entry] | None, None]:
    """Hand out changes as they come, in the order of commits, for ever.

    None says that there was nothing for `silence` seconds; an empty run that something was committed which is no
    change of this organization: a key was revoked, perhaps.
    """
    revision, heard = listening.after, monotonic()
    while True:
        state = commits.state  # before reading: what is committed meanwhile ends the waiting at once
        page = await feed.after(organization, revision, DEFAULT_FEED_PAGE)
        revision = page.last_revision
        silent = not page.entries and monotonic() - heard >= listening.silence
        if page.entries or silent:
            heard = monotonic()
        yield None if silent else page.entries
        if not page.more:
            await commits.wait(state, max(0.0, heard + listening.silence - monotonic()))
