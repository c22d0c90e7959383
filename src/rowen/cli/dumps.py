"""Joining dumps and accounts of Harvest v3 for `rowen import`.

Owns the database in which rows are joined, which is deleted afterwards. Must not know rows or documents.
"""

import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from rowen import wiring
from rowen.app.mirror import REACHES, TARGETS, Position
from rowen.app.organizations import Organization
from rowen.cli.accounts import NamedAccount
from rowen.imports.importer import import_sources
from rowen.imports.items import Source
from rowen.imports.pipeline import ImportPlan, ImportReport, ImportStep, Rejection
from rowen.mirror.account import AccountPolicy
from rowen.mirror.dumps import Divided, Dump, DumpJoiner, JoinedSource, divide
from rowen.mirror.one_behind import one_behind
from rowen.mirror.reading import AccountReader, LoadStep
from rowen.settings import DEFAULT_ORGANIZATION
from rowen.store.database import locate, upgrade
from rowen.wiring import Store


@dataclass(frozen=True, slots=True)
class Joining:
    """What is imported, and where messages go; `policy` is how accounts are treated."""

    plan: ImportPlan
    report: ImportReport
    remark: Callable[[str], None]
    policy: AccountPolicy

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
            async with _scratch(folder) as (store, organization):
                joiner = DumpJoiner(store.mirrors, organization, wiring.now, self._reject)
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
            async with _scratch(folder) as (store, organization):
                await store.mirrors.begin(organization, name, wiring.now())
                reader = AccountReader(store.mirrors, organization, account, wiring.now, _alone)
                async with one_behind() as storing:
                    for resource in REACHES:
                        await reader.load(Position(resource), storing, show)
                await DumpJoiner(store.mirrors, organization, wiring.now, self._reject).join(TARGETS, source)
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


@asynccontextmanager
async def _scratch(folder: Path) -> AsyncIterator[tuple[Store, Organization]]:
    """Return a database that holds nothing yet, and its only organization."""
    location = locate(f"sqlite:///{folder}/rows.db")
    upgrade(location)
    async with wiring.opened(location) as store:
        yield store, await store.organizations.create(DEFAULT_ORGANIZATION, "UTC", wiring.now())


async def _alone() -> None:
    """Allow every write: no other process knows the database."""
