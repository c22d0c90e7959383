"""The organization that an import fills.

Owns when the database and the organization are created, what a dry run counts, and how far a server was
read. Must not know sources, formats or a terminal.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from rowen.app.adoption import Adopter, is_upcoming
from rowen.app.imports import MergeCounts, Merger
from rowen.app.organizations import Organization, Organizations
from rowen.app.records import INTERVIEWS, RecordMerger
from rowen.imports.batches import PreparedBatch
from rowen.interviews.moments import Instant
from rowen.settings import DEFAULT_ORGANIZATION
from rowen.store.database import upgrade
from rowen.store.engines.base import Location


class OrganizationMissingError(Exception):
    """There is no organization of the name that was given; `known` are the names of those that there are."""

    def __init__(self, name: str, known: list[str]) -> None:
        super().__init__(f"there is no organization {name!r}")
        self.name = name
        self.known = known


class ImportStore(Protocol):
    """An open database, as an import needs it."""

    @property
    def organizations(self) -> Organizations:
        """Its organizations."""
        ...

    @property
    def merger(self) -> Merger:
        """What merges interviews."""
        ...

    @property
    def record_merger(self) -> RecordMerger:
        """What merges all other records."""
        ...

    @property
    def adopter(self) -> Adopter:
        """What counts the interviews that clients cannot change."""
        ...

    async def close(self) -> None:
        """Close the database."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeOptions:
    """How records are merged.

    `create` creates the organization if there is none with that name; `dry_run` counts and writes nothing.
    `created_through_api` lets clients change the interviews. `clamp` sets times in the future to now.
    """

    create: bool
    dry_run: bool
    created_through_api: bool
    clamp: bool


class Destination:
    """An organization that records are merged into. It and its database are created with the first batch."""

    def __init__(
        self,
        location: Location,
        name: str,
        options: MergeOptions,
        *,
        open_store: Callable[[Location], ImportStore],
        now: Callable[[], Instant],
    ) -> None:
        self._location = location
        self._name = name
        self._options = options
        self._open_store = open_store
        self._now = now
        self._store: ImportStore | None = None
        self._organization: Organization | None = None
        self.dry_run = options.dry_run
        self.organization_created = False
        """Whether the organization was created because of the option `create`."""

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Open the database for the length of the block, if there is one.

        Raises OrganizationMissingError if the organization is missing and may not be created: without `create` only
        the default organization of a new database may.
        """
        try:
            if self._location.exists():
                upgrade(self._location)
                self._store = self._open_store(self._location)
                self._organization = await self._store.organizations.find(self._name)
            if self._organization is None and not self._options.create:
                others = [] if self._store is None else [each.name for each in await self._store.organizations.all()]
                if others or self._name != DEFAULT_ORGANIZATION:
                    raise OrganizationMissingError(self._name, others)
            yield
        finally:
            if self._store is not None:
                await self._store.close()

    @property
    def zone(self) -> tzinfo:
        """The time zone of the organization."""
        return ZoneInfo(self._organization.time_zone if self._organization else "UTC")

    @property
    def spool_folder(self) -> Path:
        """The folder of the database, or the nearest one above it that exists."""
        folder = self._location.spool_dir
        return next(each for each in (folder, *folder.parents) if each.exists())

    async def merge(self, batch: PreparedBatch, source: str) -> MergeCounts:
        """Merge a batch of the source of that name; in a dry run only count what that would do."""
        if self.dry_run:
            return await self._preview(batch)
        store, organization = await self._made()
        options, checkpoint = self._options, batch.checkpoint_of(source)
        counts = MergeCounts()
        if batch.drafts or not batch.records:
            counts = await store.merger.merge(
                organization,
                batch.drafts,
                now=self._now(),
                created_through_api=options.created_through_api,
                clamp=options.clamp,
                checkpoint=None if batch.records else checkpoint,
            )
        if batch.records:  # last, with the checkpoint: these records replace what is known from interviews
            merged = await store.record_merger.merge(
                organization, batch.records, now=self._now(), clamp=options.clamp, checkpoint=checkpoint
            )
            counts.add(merged)
        return counts

    async def _preview(self, batch: PreparedBatch) -> MergeCounts:
        now, options = self._now(), self._options
        if self._store is None or self._organization is None:
            different = {(INTERVIEWS, each.id) for each in batch.drafts}
            upcoming = {each.id for each in batch.drafts if is_upcoming(each.status, each.starts_at, now)}
            new = len(different | {(each.resource, each.id) for each in batch.records})
            return MergeCounts(new=new, frozen=0 if options.created_through_api else len(upcoming))
        counts = await self._store.merger.preview(
            self._organization,
            batch.drafts,
            now=now,
            created_through_api=options.created_through_api,
            clamp=options.clamp,
        )
        counts.add(
            await self._store.record_merger.preview(self._organization, batch.records, now=now, clamp=options.clamp)
        )
        return counts

    async def checkpoint(self, source: str) -> str | None:
        """Return the address at which an unfinished import of the server of that name stopped."""
        if self._store is None or self._organization is None:
            return None
        return await self._store.merger.checkpoint(self._organization.id, source)

    async def recount(self, counts: MergeCounts) -> None:
        """Count again the frozen interviews, if some of them were read more than once."""
        if counts.frozen and not self.dry_run and self._store is not None and self._organization is not None:
            counts.frozen = min(counts.frozen, await self._store.adopter.frozen(self._organization, self._now()))

    async def _made(self) -> tuple[ImportStore, Organization]:
        """Return the database and the organization, creating them if they are missing."""
        if self._store is None:
            upgrade(self._location)
            self._store = self._open_store(self._location)
        if self._organization is None:
            organizations = self._store.organizations
            self._organization = await organizations.find(self._name)
            if self._organization is None:
                self._organization = await organizations.create(self._name, "UTC", self._now())
                self.organization_created = self._options.create
        return self._store, self._organization
