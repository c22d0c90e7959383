"""Joining dumps for `rowen import`.

Owns the database in which a dump is joined, which is deleted afterwards. Must not know rows or documents.
"""

import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from rowen import wiring
from rowen.imports.importer import import_sources
from rowen.imports.items import Source
from rowen.imports.pipeline import ImportPlan, ImportReport, Rejection
from rowen.mirror.dumps import Dump, DumpJoiner, JoinedSource, divide
from rowen.settings import DEFAULT_ORGANIZATION
from rowen.store.database import locate, upgrade


async def import_with_dumps(
    plan: ImportPlan, sources: Sequence[Source], report: ImportReport, remark: Callable[[str], None]
) -> None:
    """Import sources as `import_sources` does; files that are a dump are joined first, and imported last."""
    found = divide(sources) if plan.resource is None else None
    if found is None or not found.dumps:
        await import_sources(plan, sources, report, remark)
        return
    async with AsyncExitStack() as stack:
        joined: list[Source] = []
        for dump in found.dumps:
            remark(f"Joining the {'tables' if dump.tables else 'rows of Harvest v3'} in {dump.folder}")
            source = await stack.enter_async_context(_joined(plan, dump, report))
            if source is not None:
                joined.append(source)
        await import_sources(plan, [*found.others, *joined], report, remark)


@asynccontextmanager
async def _joined(plan: ImportPlan, dump: Dump, report: ImportReport) -> AsyncIterator[JoinedSource | None]:
    """Join a dump in a folder that is deleted after the block; None if it has bad rows that may not be skipped."""
    rejected_before = report.rejected

    def reject(resource: str, rejection: Rejection) -> None:
        tally = report.of(resource)
        tally.read += 1
        tally.rejected += 1
        plan.reject(rejection)

    with tempfile.TemporaryDirectory(prefix=".rowen-join-", dir=plan.destination.spool_folder) as folder:
        documents = Path(folder, "documents")
        documents.mkdir()
        source = JoinedSource(dump.folder, documents)
        location = locate(f"sqlite:///{folder}/rows.db")
        upgrade(location)
        async with wiring.opened(location) as store:
            organization = await store.organizations.create(DEFAULT_ORGANIZATION, "UTC", wiring.now())
            joiner = DumpJoiner(store.mirrors, organization, wiring.now, reject)
            await joiner.read(dump)
            complete = plan.keep_going or report.rejected == rejected_before
            if complete:
                await joiner.join(dump, source)
        if not complete:
            report.stopped.append(dump.folder)
        yield source if complete else None
