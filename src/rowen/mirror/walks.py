"""Walks through the lists of an account, page by page.

Owns the order that a list has to have, up to when a page shows everything, and the parts in which a list is read the
first time. Must not know where rows are stored, or which process walks.
"""

from collections.abc import Generator
from typing import Final, NamedTuple

from rowen.app.mirror import MirroredRow, Position
from rowen.imports.errors import ServerRefusedError, ServerResponseError, ServerUnavailableError
from rowen.interviews.moments import Clock
from rowen.mirror.account import Account, AccountPage
from rowen.mirror.threads import Ahead

OVERLAP: Final = 120_000
"""How far before the last window the next one begins, in milliseconds: a change may appear after its own time."""

LOAD_PAGES: Final = 40
LOAD_BYTES: Final = 16 * 1024 * 1024
"""How many pages of a first reading are stored in one transaction, or how many bytes of them."""

EVERY_ID: Final = 2**53

PARTS_AHEAD: Final = 1
"""How many parts of a first reading are ready, beside the one that is stored and the one that waits for it."""

_PAGES_AHEAD: Final = 4
"""How many pages of a first reading are received while one is read."""

_UNKNOWN_CLOCK: Final = 86_400_000
"""How far the account's clock may be from ours if it does not show it, in milliseconds."""

_MOST_EMPTY: Final = 100


class Part(NamedTuple):
    """What is stored at once in a first reading: rows of one list, and the position after them.

    `unusable` elements could not be read; `fault` names the first one.
    """

    rows: list[MirroredRow]
    position: Position
    unusable: int = 0
    fault: str = ""


class Walk:
    """Requires a list to be ordered by id, descending: a walk that makes no progress ends here.

    `below` is the lowest id before the walk, and `most_empty` how many empty pages may follow each other. A page may
    repeat an id of its own.
    """

    def __init__(self, resource: str, below: int = EVERY_ID, most_empty: int = _MOST_EMPTY) -> None:
        self._resource = resource
        self._below = below
        self._most_empty = most_empty
        self._empty = 0

    def check(self, page: AccountPage) -> None:
        """Take the next page. Raises ServerResponseError."""
        highest = self._below - 1
        for identifier in page.content.identifiers:
            if identifier > highest:
                raise ServerResponseError(f"the account's list of {self._resource} is not ordered by id")
            self._below = highest = identifier
        self._empty = 0 if page.content.identifiers else self._empty + 1
        if self._empty > self._most_empty:
            raise ServerResponseError(f"the account's list of {self._resource} has {self._empty} empty pages")


def part_of(pages: list[AccountPage], position: Position) -> Part:
    """Return the rows of pages, and the position after them."""
    contents = [page.content for page in pages]
    return Part(
        [row for content in contents for row in content.rows],
        position,
        sum(content.unusable for content in contents),
        next((content.fault for content in contents if content.unusable), ""),
    )


class ListParts:
    """The parts of a list from a position on, which two threads read ahead of their use.

    What was received before a failure is a part, too: an account that often fails is read in the end. The next part
    raises SourceError (CursorLostError) and StoppedError.
    """

    def __init__(self, account: Account, position: Position, now: Clock) -> None:
        self._answers = Ahead(account.answers(position.resource, position.cursor), _PAGES_AHEAD)
        self._parts = Ahead(self._read(position, now), PARTS_AHEAD)

    def __next__(self) -> Part:
        return next(self._parts)

    def close(self) -> None:
        """Request no more pages, and read no more parts."""
        self._answers.close()
        self._parts.close()

    def _read(self, position: Position, now: Clock) -> Generator[Part, None, None]:
        walk = Walk(position.resource)
        pages: list[AccountPage] = []
        size = 0
        try:
            for answer in self._answers:
                page = answer.page()
                walk.check(page)
                if position.newest is None:
                    position = position._replace(newest=clock_of(page, now))
                pages.append(page)
                size += len(answer.body)
                if page.cursor is None or len(pages) == LOAD_PAGES or size >= LOAD_BYTES:
                    position = position._replace(cursor=page.cursor, loaded=page.cursor is None)
                    yield part_of(pages, position)
                    pages, size = [], 0
        except (ServerRefusedError, ServerUnavailableError):
            if pages:
                yield part_of(pages, position._replace(cursor=pages[-1].cursor))
            raise


def clock_of(page: AccountPage, clock: Clock) -> int:
    """Return the time up to which a page that was just requested shows everything, by the account's clock."""
    now = int(clock())
    if page.sent_at is not None:
        return page.sent_at if page.sent_at <= now + OVERLAP else now
    newest = [row.updated_at for row in page.content.rows if row.updated_at <= now + OVERLAP]
    return max(newest, default=now - _UNKNOWN_CLOCK)
