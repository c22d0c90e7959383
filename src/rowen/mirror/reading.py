"""Reading an account: the first time, what has changed since, and what is gone.

Owns which pages are requested, and the position that is stored with the rows of each. Must not know what follows from
rows. Whatever is read twice is stored once: every step may be cut off, and is done again.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import structlog

from rowen.app.mirror import REPORTED, Mirrors, Position, reported
from rowen.app.organizations import Organization
from rowen.imports.errors import ServerRefusedError, ServerResponseError, ServerUnavailableError
from rowen.interviews.moments import Clock, Instant
from rowen.mirror.account import MOST_IDS, Account, AccountPage
from rowen.mirror.errors import CursorLostError
from rowen.mirror.helper import HelperProcess
from rowen.mirror.lookahead import OneBehind
from rowen.mirror.threads import in_thread
from rowen.mirror.turns import Turns
from rowen.mirror.walks import EVERY_ID, OVERLAP, ListParts, Part, Walk, clock_of, part_of

_log = structlog.stdlib.get_logger("rowen.mirror")


@dataclass(slots=True)
class ReadCounts:
    """What was read: rows, those of them that were news, those that were gone, and those that could not be read."""

    rows: int = 0
    news: int = 0
    gone: int = 0
    unusable: int = 0


class LoadStep(NamedTuple):
    """The progress of the first reading: what is done, and how many rows or records there are so far."""

    doing: str
    done: int


class AccountReader:
    """Reads one account into the mirror of an organization. `require_lead` is called before anything is stored.

    `helper` reads many rows while others are stored.
    """

    def __init__(
        self,
        mirrors: Mirrors,
        organization: Organization,
        account: Account,
        now: Clock,
        require_lead: Callable[[], Awaitable[None]],
        turns: Turns | None = None,
        helper: HelperProcess | None = None,
    ) -> None:
        self._mirrors = mirrors
        self._turns = turns or Turns()
        self._helper = helper or HelperProcess()
        self._organization = organization.id
        self._account = account
        self._now = now
        self._require_lead = require_lead
        self.counts = ReadCounts()

    async def load(
        self, position: Position, storing: OneBehind, progress: Callable[[LoadStep], None], *, beside: bool = False
    ) -> None:
        """Read a resource completely, from its position on, with `progress` now and then. Raises SourceError.

        With `beside`, the helper reads it, if it runs. The last rows are still being stored when this returns.
        """
        try:
            await self._load(position, storing, progress, beside=beside)
        except CursorLostError as lost:
            _log.warning("reading a list again from its beginning", resource=position.resource, reason=str(lost))
            await self._load(Position(position.resource), storing, progress, beside=beside)

    async def _load(
        self, position: Position, storing: OneBehind, progress: Callable[[LoadStep], None], *, beside: bool
    ) -> None:
        def show() -> None:
            progress(LoadStep(f"Reading {position.resource}", self.counts.rows))

        read = self._helper.parts(position, self._account.statistics, self._parts) if beside else self._parts(position)
        with closing(read) as parts:
            try:
                while not position.loaded:
                    part = await in_thread(partial(next, parts))
                    position = part.position
                    self._helper.prepare(self.counts.rows + len(part.rows))
                    await storing.give(self._store(part, first=True))
                    show()
            except (ServerRefusedError, ServerUnavailableError):
                await storing.finish()
                raise
        show()

    def _parts(self, position: Position) -> ListParts:
        return ListParts(self._account, position, self._now)

    async def follow(self, position: Position) -> None:
        """Read what has changed since the position, with an overlap. Raises SourceError."""
        walk = Walk(position.resource)
        known = position.newest or 0
        if known > self._now() + OVERLAP:  # a `Date` that was wrong: what changes now must not be missed
            known = int(self._now())
        since = Instant(max(0, known - OVERLAP))
        newest: int | None = None
        cursor: str | None = None

        async def read() -> AccountPage:
            if cursor is None:
                return await self._first(position.resource, {"updated_at": f"gte|{since}"})
            return await self._next(position.resource, cursor)

        async def store(page: AccountPage) -> None:
            nonlocal newest
            walk.check(page)
            newest = newest or max(known, clock_of(page, self._now))  # the time of the first page
            last = page.cursor is None
            await self._store(part_of([page], position._replace(newest=newest if last else known)))

        while True:
            cursor = (await self._turns.read_and_store(read, store)).cursor
            if cursor is None:
                return

    async def sweep(self, position: Position) -> Position:
        """Compare one more page with what is stored; return the position after it. Raises SourceError."""
        resource, seen = position.resource, self._turns.interruptions
        try:
            if position.sweep_cursor is None:
                page = await self._first(resource, {})
            else:
                page = await self._next(resource, position.sweep_cursor)
        except CursorLostError as lost:
            _log.warning("sweeping a list again from its beginning", resource=resource, reason=str(lost))
            return position._replace(sweep_cursor=None, sweep_above=None)
        high = position.sweep_above or EVERY_ID
        await self._check_progress(page, position, high)
        low = 0 if page.cursor is None else min(page.content.identifiers, default=high)
        present = set(page.content.identifiers)
        held = await self._mirrors.identifiers(self._organization, resource, low, high)
        await self._remove_gone(resource, [each for each in held if each not in present])
        if page.cursor is None:
            position = position._replace(sweep_cursor=None, sweep_above=None, swept_at=int(self._now()))
        else:
            position = position._replace(sweep_cursor=page.cursor, sweep_above=low)
        async with self._turns.taken():
            outdated = seen != self._turns.interruptions  # its rows are compared the next time
            await self._store(part_of([] if outdated else [page], position))
        return position

    async def confirm_reports(self) -> None:
        """Delete those rows whose deletion was reported and is confirmed by the account. Raises SourceError.

        A deletion may be reported before it shows: one that is not confirmed is looked for again, for as long as a
        window reaches back.
        """
        for resource in REPORTED:
            after = 0
            while some := await self._mirrors.pending(self._organization, reported(resource), MOST_IDS, after):
                gone = await self._remove_gone(resource, [each.id for each in some])
                now = self._now()
                done = [each for each in some if each.id in gone or now - each.marked_at > OVERLAP]
                if done:
                    await self._mirrors.settle(self._organization, reported(resource), done)
                after = some[-1].id

    async def _check_progress(self, page: AccountPage, position: Position, high: int) -> None:
        """Require a page of a sweep to have lower ids than `high` only, and any, unless it is the last.

        Otherwise the list rests as if it had been compared, so that the others have their turn.
        Raises ServerResponseError.
        """
        try:
            Walk(position.resource, high, 0 if page.cursor else 1).check(page)
        except ServerResponseError:
            await self._store(
                part_of([], position._replace(sweep_cursor=None, sweep_above=None, swept_at=int(self._now())))
            )
            raise

    async def _remove_gone(self, resource: str, suspects: Sequence[int]) -> set[int]:
        """Delete those rows that the account confirms not to have, and return their ids."""
        confirmed: set[int] = set()
        for start in range(0, len(suspects), MOST_IDS):
            asked = list(suspects[start : start + MOST_IDS])
            existing = await in_thread(partial(self._account.existing, resource, asked))
            gone = sorted(set(asked) - set(existing.content.identifiers))
            if gone:
                await self._require_lead()
                removed = await self._mirrors.remove(self._organization, resource, gone, self._now())
                self.counts.gone += removed
                confirmed.update(gone)
        return confirmed

    async def _first(self, resource: str, query: dict[str, str]) -> AccountPage:
        return await in_thread(partial(self._account.page, resource, query))

    async def _next(self, resource: str, cursor: str) -> AccountPage:
        return await in_thread(partial(self._account.next_page, resource, cursor))

    async def _store(self, part: Part, *, first: bool = False) -> None:
        if part.unusable:
            _log.warning("rows that cannot be read", count=part.unusable, first=part.fault)
            self.counts.unusable += part.unusable
        await self._require_lead()
        news = await self._mirrors.put(self._organization, part.rows, part.position, self._now(), first=first)
        self.counts.news += news  # two lists may be stored at a time: the sum is read after the wait
        self.counts.rows += len(part.rows)
