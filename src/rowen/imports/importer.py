"""Importing several sources into an organization, one after the other.

Owns continuing where an unfinished import of a server stopped. Must not know how records are read or merged.
"""

from collections.abc import Callable, Iterable

from rowen.imports.errors import ListRefusedError, ServerRefusedError, ServerUnavailableError
from rowen.imports.items import Source
from rowen.imports.pipeline import ImportPlan, ImportReport, import_source
from rowen.imports.sources.server import ServerSource


async def import_sources(
    plan: ImportPlan, sources: Iterable[Source], report: ImportReport, remark: Callable[[str], None]
) -> None:
    """Import all sources, adding to the report.

    `remark` is called with sentences on where the import of a server starts and where the next one will. Raises
    SourceError where a source cannot be read, and OrganizationMissingError.
    """
    async with plan.destination.opened():
        empty: list[str] = []
        for source in sources:
            if isinstance(source, ServerSource):
                await _import_server(plan, source, report, remark)
                if not source.is_held:
                    empty.append(source.resource or source.name)
            else:
                await import_source(plan, source, report)
        if empty:
            remark(f"Not imported, as the server holds none: {', '.join(empty)}")
        await plan.destination.recount(report.interviews)


async def _import_server(
    plan: ImportPlan, source: ServerSource, report: ImportReport, remark: Callable[[str], None]
) -> None:
    try:
        await _import_list(plan, source, report, remark)
    except ListRefusedError as refused:
        if not source.optional:
            raise
        remark(f"Left out: {refused}")


async def _import_list(
    plan: ImportPlan, source: ServerSource, report: ImportReport, remark: Callable[[str], None]
) -> None:
    destination = plan.destination
    start = await destination.checkpoint(source.name)
    try:
        if start is not None:
            remark(f"Continuing from {start}")
            try:
                await import_source(plan, source.resumed(start), report)
            except ServerRefusedError as refused:
                remark(f"{refused}: starting over")
            else:
                return
        await import_source(plan, source, report)
    except ServerUnavailableError:
        if not destination.dry_run and await destination.checkpoint(source.name) is not None:
            remark("All imported batches are kept; run the same command again to continue.")
        raise
