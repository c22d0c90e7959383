"""Following an account: round after round, in one process of those that could.

Owns what a round is, how often there is one, and what happens after a failure. Must not know the wire or SQL.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from rowen.app.mirror import REACHES, Mirror, Position
from rowen.app.organizations import Organization
from rowen.imports.errors import SourceError
from rowen.interviews.errors import Unavailable
from rowen.mirror.account import Account
from rowen.mirror.errors import LeaderLostError
from rowen.mirror.helper import HelperProcess
from rowen.mirror.lookahead import one_behind
from rowen.mirror.reading import AccountReader, LoadStep
from rowen.mirror.turns import Turns
from rowen.mirror.writing import MirrorPorts, Writer

SWEEP_PAGES: Final = 30
"""How many pages a round compares with what is stored, at most."""
SWEEP_REST: Final = 3_600_000
"""How long a resource rests after it was compared completely, in milliseconds."""

LARGEST: Final = ("interviewers", "interviews")
"""The lists that usually have the most rows."""

_SPARE_FOR_SWEEPS: Final = 0.5
_WAIT_FOR_LEADER: Final = 1.0
_LONGEST_WAIT: Final = 300.0
_LONGEST_ASKED_WAIT: Final = 3_600.0

_log = structlog.stdlib.get_logger("rowen.mirror")


class MirrorEndedError(Exception):
    """The organization is no mirror of the account any more."""


class MirroredElsewhereError(Exception):
    """Another process mirrors the organization right now."""


@dataclass(frozen=True, slots=True)
class FollowerDeps:
    """What a follower needs of its process.

    `try_lead` returns whether this process mirrors the organization. `loading` shows the progress of the first reading
    for the length of a block. `pause` sleeps for seconds. `turns` are shared with whoever else stores rows of the
    account. `write_through` is whether writes of clients pass through to it. `helper` is another process, for a first
    load.
    """

    try_lead: Callable[[], Awaitable[bool]]
    loading: Callable[[], AbstractContextManager[Callable[[LoadStep], None]]]
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    turns: Turns = field(default_factory=Turns)
    write_through: bool = False
    helper: HelperProcess = field(default_factory=HelperProcess)


class Follower:
    """Mirrors one account into an organization."""

    def __init__(
        self,
        destination: MirrorPorts,
        organization: Organization,
        account: Account,
        source: str,
        deps: FollowerDeps,
    ) -> None:
        self._to = destination
        self._organization = organization
        self._account = account
        self._source = source
        self._deps = deps
        self._reader = AccountReader(
            destination.mirrors, organization, account, destination.now, self._require_lead, deps.turns, deps.helper
        )
        self._writer = Writer(destination, organization, self._require_lead, deps.turns, deps.helper)
        self._counted: dict[str, int] = {}
        self._first_writings = 0
        self._saving = asyncio.Lock()

    async def run_once(self) -> None:
        """Read everything, or all changes, once. Raises SourceError, Refusal and MirroredElsewhereError."""
        if not await self._deps.try_lead():
            raise MirroredElsewhereError
        await self._to.mirrors.begin(self._organization, self._source, self._to.now())
        await self._noted_round()

    async def run(self, every: float) -> None:
        """Follow until cancelled, with `every` seconds between two rounds.

        A failure is raised as it is while nothing was read completely. Later ones are noted, and tried again after
        growing waits, not before the account asks for it, unless that is more than an hour later. Raises SourceError,
        Refusal and MirrorEndedError.
        """
        failures, answered, asked = 0, False, 0.0
        while True:
            try:
                if not await self._deps.try_lead():
                    await self._deps.pause(_WAIT_FOR_LEADER)
                    continue
                if not answered:
                    mirror = await self._begin()
                    answered = mirror.loaded_at is not None  # a process before this one was answered
                await self._noted_round()
            except LeaderLostError:
                _log.warning("another process mirrors the organization by now", organization=self._organization.name)
                continue
            except (SourceError, Unavailable) as error:
                if not answered:
                    raise
                failures += 1
                asked = min(getattr(error, "retry_after", None) or 0.0, _LONGEST_ASKED_WAIT)
                _log.error("the account could not be followed", reason=str(error), failures=failures)
            else:
                failures, answered, asked = 0, True, 0.0
            await self._deps.pause(max(asked, min(every * 2.0**failures, max(every, _LONGEST_WAIT))))

    async def _begin(self) -> Mirror:
        return await self._to.mirrors.begin(
            self._organization, self._source, self._to.now(), write_through=self._deps.write_through
        )

    async def _noted_round(self) -> None:
        """Do one round, and note what came of it."""
        mirror = await self._to.mirrors.find(self._organization.id)
        if mirror is None:
            raise MirrorEndedError
        began = int(self._to.now())
        try:
            mirror = await self._round(mirror)
        except SourceError as error:
            await self._save(mirror._replace(error=str(error), error_at=int(self._to.now())))
            raise
        await self._save(mirror._replace(followed_at=began, error=None, error_at=None))

    async def _round(self, mirror: Mirror) -> Mirror:
        """Read what is new, write what follows from it, and look for what is gone."""
        before, gone = self._writer.written, self._reader.counts.gone
        if mirror.loaded_at is None:
            await self._load(mirror)
            mirror = mirror._replace(loaded_at=int(self._to.now()))
        else:
            await self._follow()
            await self._reader.confirm_reports()
            await self._writer.drain()
        if await self._sweep(mirror):
            await self._writer.drain()
        written, gone = self._writer.written - before, self._reader.counts.gone - gone
        if written or gone:
            statistics = self._account.statistics
            _log.info(
                "followed",
                organization=self._organization.name,
                written=written,
                gone=gone,
                requests=statistics.requests,
                throttled=statistics.throttled,
            )
        return mirror

    async def _load(self, mirror: Mirror) -> None:
        with self._deps.loading() as show, closing(self._deps.helper) as helper:
            positions = await self._to.mirrors.positions(self._organization.id)
            helper.prepare(sum(each.held for each in positions.values()))
            await self._read_lists(mirror, positions, show)
            await self._follow()  # what changed meanwhile

            def writing() -> None:
                show(LoadStep("Writing", self._writer.written))

            written = mirror.counters.get("first_writings", 0)
            if written == 0:
                await self._note_first_writing(mirror)
                await self._writer.write_first(writing)
                await self._note_first_writing(mirror)
            elif written == 1 or not all(name in positions and positions[name].loaded for name in REACHES):
                # Clients may have seen a part, or all without a list that is new: what differs is a change of its own.
                await self._writer.mark_everything()
                if written == 1:
                    await self._note_first_writing(mirror)
            await self._writer.drain(writing)

    async def _note_first_writing(self, mirror: Mirror) -> None:
        """Store that the first writing has begun, or that the marks say what is left of it."""
        self._first_writings += 1
        await self._save(mirror)

    async def _read_lists(
        self, mirror: Mirror, positions: Mapping[str, Position], show: Callable[[LoadStep], None]
    ) -> None:
        """Read the lists that are not read yet: the largest ones beside the others, if the helper runs."""
        helper = self._deps.helper

        async def read(resources: Iterable[str], *, beside: bool) -> None:
            async with one_behind() as storing:
                for resource in resources:
                    position = positions.get(resource, Position(resource))
                    if not position.loaded:
                        await self._reader.load(position, storing, show, beside=beside)
                        await storing.append(self._save(mirror))

        async def read_others() -> None:
            await read([each for each in REACHES if each not in LARGEST], beside=False)
            helper.expect_no_more()

        async def read_largest() -> None:
            await helper.started()
            await read(LARGEST, beside=True)

        await _both(read_others(), read_largest())

    async def _follow(self) -> None:
        """Read what has changed, the rows that name others before those: whatever a row names is read after it.

        The parts of scorecards are read after these, so that none is written without them. A list that an older
        version did not read is read completely.
        """
        positions = await self._to.mirrors.positions(self._organization.id)
        for resource in reversed(list(REACHES)):
            await self._reader.follow(positions.get(resource, Position(resource, loaded=True)))

    async def _sweep(self, mirror: Mirror) -> int:
        """Compare some pages with what is stored, if enough of the rate limit is left; return how many."""
        positions = await self._to.mirrors.positions(self._organization.id)
        pages = 0
        for resource in REACHES:
            position = positions[resource]
            while _is_due(position, mirror, int(self._to.now())):
                if pages >= SWEEP_PAGES or self._account.spare < _SPARE_FOR_SWEEPS:
                    return pages
                position = await self._reader.sweep(position)
                pages += 1
        return pages

    async def _save(self, mirror: Mirror) -> None:
        """Store a mirror with everything counted so far."""
        counts, statistics = self._reader.counts, self._account.statistics
        now = {
            "requests": statistics.requests,
            "throttled": statistics.throttled,
            "rows": counts.rows,
            "news": counts.news,
            "gone": counts.gone,
            "unusable": counts.unusable,
            "written": self._writer.written,
            "failed": self._writer.failed,
            "first_writings": self._first_writings,
        }
        async with self._saving:
            stored = await self._to.mirrors.find(self._organization.id)
            if stored is None:
                raise MirrorEndedError
            counters = {
                name: stored.counters.get(name, 0) + count - self._counted.get(name, 0) for name, count in now.items()
            }
            self._counted = now
            await self._to.mirrors.save(self._organization.id, mirror._replace(counters=counters))

    async def _require_lead(self) -> None:
        if not await self._deps.try_lead():
            raise LeaderLostError


async def _both(one: Coroutine[Any, Any, None], other: Coroutine[Any, Any, None]) -> None:
    """Do two things at a time; if one fails, the other is cancelled."""
    tasks = [asyncio.create_task(each, name="mirror: reading") for each in (one, other)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _is_due(position: Position, mirror: Mirror, now: int) -> bool:
    """Return whether a resource is being compared, or has not been for a while; having read it all counts."""
    if position.sweep_cursor is not None:
        return True
    last = mirror.loaded_at if position.swept_at is None else position.swept_at
    return last is None or now - last >= SWEEP_REST
