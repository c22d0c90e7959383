"""Importing dumps and accounts of Harvest v3: their rows are joined, and the documents imported.

Owns the folder in which rows are joined, which is deleted afterwards. Must not know rows or documents, or how a
database is opened in that folder.
"""

import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import httpx

from rowen.app.mirror import REACHES, TARGETS, Mirrors, Position
from rowen.app.organizations import Organization
from rowen.imports.importer import import_sources
from rowen.imports.items import Source
from rowen.imports.pipeline import ImportPlan, ImportReport, ImportStep, Rejection
from rowen.interviews.moments import Clock
from rowen.mirror.account import Account, AccountPolicy
from rowen.mirror.credentials import AccountClient
from rowen.mirror.dumps import Divided, Dump, DumpJoiner, JoinedSource, divide
from rowen.mirror.lookahead import one_behind
from rowen.mirror.reading import AccountReader, LoadStep

Scratch = Callable[[Path], AbstractAsyncContextManager[tuple[Mirrors, Organization]]]
"""Opens a new database in a folder: the mirrors in it, and its only organization."""


class NamedAccount(NamedTuple):
    """An account: its address, and the client that reads it."""

    base: httpx.URL
    client: AccountClient

    def opened(self, policy: AccountPolicy) -> Account:
        """Return the account, to be closed by the caller."""
        return Account(self.base, self.client, policy)


@dataclass(frozen=True, slots=True)
class Joining:
    """What is imported, where messages go, how accounts are treated, and what opens the database of a folder."""

    plan: ImportPlan
    report: ImportReport
    remark: Callable[[str], None]
    policy: AccountPolicy
    scratch: Scratch
    now: Clock

    async def run(self, sources: Sequence[Source], accounts: Sequence[NamedAccount]) -> None:
        """Import sources as `import_sources` does; accounts and files that are a dump are joined, and imported last.

        Raises SourceError where a source cannot be read, and OrganizationMissingError.
        """
        found = divide(sources) if self.plan.resource is None else Divided(sources, [])
        async with AsyncExitStack() as stack:
            joined: list[Source] = [await stack.enter_async_context(self._account(account)) for account in accounts]
            for dump in found.dumps:
                source = await stack.enter_async_context(self._dump(dump))
                if source is not None:
                    joined.append(source)
            await import_sources(self.plan, [*found.others, *joined], self.report, self.remark)

    @asynccontextmanager
    async def _dump(self, dump: Dump) -> AsyncIterator[JoinedSource | None]:
        """Join a dump; None if it has bad rows that may not be skipped."""
        self.remark(f"Joining the {'tables' if dump.tables else 'rows of Harvest v3'} in {dump.folder}")
        rejected_before = self.report.rejected
        with self._folder() as folder:
            source = JoinedSource(dump.folder, folder / "documents")
            async with self.scratch(folder) as (mirrors, organization):
                joiner = DumpJoiner(mirrors, organization, self.now, self._reject)
                await joiner.read(dump)
                complete = self.plan.keep_going or self.report.rejected == rejected_before
                if complete:
                    await joiner.join(dump.targets, source)
            if not complete:
                self.report.stopped.append(dump.folder)
            yield source if complete else None

    @asynccontextmanager
    async def _account(self, named: NamedAccount) -> AsyncIterator[JoinedSource]:
        """Read an account once, and join its rows. Raises SourceError."""
        name = str(named.base)

        def show(step: LoadStep) -> None:
            self.plan.progress(ImportStep(step.doing, name, step.done, None, step.done))

        with self._folder() as folder, closing(named.opened(self.policy)) as account:
            source = JoinedSource(name, folder / "documents")
            async with self.scratch(folder) as (mirrors, organization):
                await mirrors.begin(organization, name, self.now())
                reader = AccountReader(mirrors, organization, account, self.now, _alone)
                async with one_behind() as storing:
                    for resource in REACHES:
                        await reader.load(Position(resource), storing, show)
                await DumpJoiner(mirrors, organization, self.now, self._reject).join(TARGETS, source)
            if reader.counts.unusable:
                self.remark(f"Left out: {reader.counts.unusable} rows of {name} that cannot be read")
            yield source

    @contextmanager
    def _folder(self) -> Iterator[Path]:
        """Return a folder next to the database, with one for documents in it; both are deleted after the block."""
        with tempfile.TemporaryDirectory(prefix=".rowen-join-", dir=self.plan.destination.spool_folder) as folder:
            Path(folder, "documents").mkdir()
            yield Path(folder)

    def _reject(self, resource: str, rejection: Rejection) -> None:
        tally = self.report.of(resource)
        tally.read += 1
        tally.rejected += 1
        self.plan.reject(rejection)


async def _alone() -> None:
    """Allow every write: no other process knows the database."""
