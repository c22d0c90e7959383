"""`rowen import`.

Owns the import command: what it opens, what it prints, and how it ends. Must not know formats or merging.
"""

import asyncio
import gc
from dataclasses import dataclass, field
from datetime import tzinfo
from enum import StrEnum
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Annotated, BinaryIO, Final, Self
from zoneinfo import ZoneInfo

import msgspec
import typer

from rowen import wiring
from rowen.app.ports import MergeCounts, Organization
from rowen.app.records import APPLICATIONS, INTERVIEWS, JOB_STAGES, SCORECARDS, USERS
from rowen.cli.console import Report, interruptible, print_table, progress
from rowen.cli.options import Database
from rowen.cli.options import Organization as OrganizationOption
from rowen.exchange.errors import ServerRefused
from rowen.exchange.importing import (
    ImportPlan,
    ImportReport,
    PreparedBatch,
    Rejection,
    Step,
    import_source,
    position_of,
)
from rowen.exchange.records import Source
from rowen.exchange.retries import Patience
from rowen.exchange.server import ServerSource
from rowen.exchange.sources import open_sources
from rowen.settings import DEFAULT_DATABASE, DEFAULT_ORGANIZATION
from rowen.store.database import locate, upgrade
from rowen.store.engine import Location
from rowen.wiring import Store

_REJECTED: Final = Path("rejected.jsonl")
_PARTIAL: Final = Path("rejected.jsonl.partial")
_SHOWN: Final = 20


class Resource(StrEnum):
    """What records can be, by their names in URLs."""

    USERS = USERS
    APPLICATIONS = APPLICATIONS
    JOB_STAGES = JOB_STAGES
    SCORECARDS = SCORECARDS
    SCHEDULED_INTERVIEWS = INTERVIEWS


def import_interviews(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE",
            help="A file, a folder, - for standard input, or the address of a Harvest-compatible server.",
        ),
    ],
    organization: OrganizationOption = DEFAULT_ORGANIZATION,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", envvar="ROWEN_DRY_RUN", help="Check and count, and write nothing.")
    ] = False,
    keep_going: Annotated[
        bool,
        typer.Option(
            "--keep-going", envvar="ROWEN_KEEP_GOING", help=f"Put bad records into {_REJECTED}, import the others."
        ),
    ] = False,
    created_through_api: Annotated[
        bool,
        typer.Option(
            "--created-through-api",
            envvar="ROWEN_CREATED_THROUGH_API",
            help="Take new records for ones that clients made through the API, and may change (see `actionable`).",
        ),
    ] = False,
    resource: Annotated[
        Resource | None,
        typer.Option(
            "--resource", envvar="ROWEN_RESOURCE", help="What all records are; otherwise their shape tells it."
        ),
    ] = None,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Load interviews, and the users, applications, job stages and scorecards around them.

    Takes JSON as the API returns it, JSON Lines, what ELT tools write, and gzip of each; users also from CSV, whose
    first row names the columns as the API names a user's fields.

    Records are merged by id, and of two with one id the newer is kept: importing twice changes nothing. A file is
    checked whole before anything of it is written.

    \b
    Examples:
      rowen import interviews.jsonl
      rowen import exports/ --organization lisbon --keep-going
      gunzip -c dump.json.gz | rowen import - --dry-run
      rowen import https://KEY:@harvest.example.com/v1/scheduled_interviews
      rowen import users.csv
    """
    command = _Import(
        locate(database),
        organization,
        resource=None if resource is None else resource.value,
        dry_run=dry_run,
        created_through_api=created_through_api,
    )
    selection = open_sources(sources, server=lambda address: ServerSource(address, patience=Patience(tell=_tell)))
    for name in selection.passed_over:
        typer.echo(f"{name}: passed over: no JSON file by its name", err=True)
    report = ImportReport()
    gc.disable()  # a million records, and not one of them in a cycle
    try:
        kept = keep_going and not dry_run
        with (
            interruptible(at_once=command.location.runs_here),
            _Rejections(keep=kept) as rejections,
            progress() as shown,
        ):
            asyncio.run(command.run(selection.sources, keep_going, report, rejections, shown))
    except (KeyboardInterrupt, asyncio.CancelledError):
        typer.echo("Interrupted. What is written is whole; the same command completes it.", err=True)
        raise typer.Exit(130) from None
    finally:
        _print_report(report, dry_run=dry_run)
    if report.stopped or (report.rejected and not keep_going):
        raise typer.Exit(1)


class _Rejections:
    """Where bad records go: the first to standard error, and with `keep` all to a file.

    The file takes its name at the end: until then it may be the very file that is imported.
    """

    def __init__(self, *, keep: bool) -> None:
        self._keep = keep
        self._file: BinaryIO | None = None
        self._count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
            _PARTIAL.replace(_REJECTED)
            typer.echo(f"{self._count} rejected: see {_REJECTED}", err=True)
        elif self._count > _SHOWN:
            typer.echo(f"… and {self._count - _SHOWN} more", err=True)

    def add(self, rejection: Rejection) -> None:
        """Take a bad record."""
        self._count += 1
        if self._count <= _SHOWN:
            for reason in rejection.reasons:
                typer.echo(f"{rejection.place}: {reason}", err=True)
        if self._keep:
            if self._file is None:
                self._file = _PARTIAL.open("wb")
            line = {"place": rejection.place, "reasons": rejection.reasons, "record": _raw(rejection.body)}
            self._file.write(msgspec.json.encode(line) + b"\n")


def _raw(body: bytes) -> msgspec.Raw | str:
    """Return what was rejected: as the object that it is, to be mended and imported, or else as text."""
    try:
        msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body.decode(errors="replace")
    return msgspec.Raw(body)


def _tell(reason: str, seconds: float) -> None:
    typer.echo(f"{reason}; trying again in {seconds:.0f} s", err=True)


@dataclass(slots=True)
class _Import:
    """One run of the command. The database and the organization are made when there is something to write."""

    location: Location
    organization_name: str
    resource: str | None
    dry_run: bool = field(kw_only=True)
    created_through_api: bool = field(kw_only=True)
    _store: Store | None = None
    _organization: Organization | None = None

    async def run(
        self, sources: list[Source], keep_going: bool, report: ImportReport, rejections: _Rejections, shown: Report
    ) -> None:
        """Import all sources."""
        started = monotonic()

        def show(step: Step) -> None:
            rate = step.records / max(monotonic() - started, 0.001)
            remark = f"{step.records:,} records, {rate:,.0f}/s"
            shown(f"{step.doing} {step.source}", step.done, step.total, remark)

        try:
            await self._open_existing()
            plan = ImportPlan(
                zone=self._zone(),
                keep_going=keep_going,
                merge=self._preview if self.dry_run else self._merge,
                reject=rejections.add,
                progress=show,
                spool_folder=_existing_folder(self.location.folder),
                resource=self.resource,
            )
            for source in sources:
                resumed = await self._resumed(source)
                try:
                    await import_source(plan, resumed, report)
                except ServerRefused as refused:
                    if resumed is source:
                        raise
                    typer.echo(f"{refused}: starting over", err=True)
                    await import_source(plan, source, report)
        finally:
            if self._store is not None:
                await self._store.engine.close()

    async def _open_existing(self) -> None:
        if self.location.exists():
            upgrade(self.location)
            self._store = wiring.open_store(self.location)
            self._organization = await self._store.organizations.find(self.organization_name)

    def _zone(self) -> tzinfo:
        return ZoneInfo(self._organization.time_zone if self._organization else "UTC")

    async def _resumed(self, source: Source) -> Source:
        """Return a server's source as of where an unfinished import of it stopped."""
        if not isinstance(source, ServerSource) or self._store is None or self._organization is None:
            return source
        start = await self._store.merger.position(self._organization.id, source.name)
        if start is None:
            return source
        typer.echo(f"Going on from {start}", err=True)
        return source.resumed(start)

    async def _preview(self, batch: PreparedBatch, _: str) -> MergeCounts:
        if self._store is None or self._organization is None:
            different = {(INTERVIEWS, each.id) for each in batch.drafts}
            return MergeCounts(new=len(different | {(each.resource, each.id) for each in batch.records}))
        counts = await self._store.merger.preview(self._organization, batch.drafts)
        counts.add(await self._store.record_merger.preview(self._organization, batch.records))
        return counts

    async def _merge(self, batch: PreparedBatch, source: str) -> MergeCounts:
        store, organization = await self._opened()
        position = position_of(batch, source)
        counts = MergeCounts()
        if batch.drafts or not batch.records:
            counts = await store.merger.merge(
                organization,
                batch.drafts,
                now=wiring.now(),
                created_through_api=self.created_through_api,
                position=None if batch.records else position,
            )
        if batch.records:  # last, with the position: what is known from interviews gives way to them
            merger = store.record_merger
            counts.add(await merger.merge(organization, batch.records, now=wiring.now(), position=position))
        return counts

    async def _opened(self) -> tuple[Store, Organization]:
        """Return the database and the organization, made if they are missing."""
        if self._store is None:
            upgrade(self.location)
            self._store = wiring.open_store(self.location)
        if self._organization is None:
            found = await self._store.organizations.find(self.organization_name)
            self._organization = found or await self._store.organizations.create(
                self.organization_name, "UTC", wiring.now()
            )
        return self._store, self._organization


def _existing_folder(folder: Path) -> Path:
    return folder if folder.exists() else _existing_folder(folder.parent)


def _print_report(report: ImportReport, *, dry_run: bool) -> None:
    for name, count in sorted(report.unknown.items()):
        typer.echo(f"Field {name} is not known and was left out of {count} records", err=True)
    for name, count in sorted(report.passed_over.items()):
        typer.echo(f"Passed over: {count} {name}", err=True)
    for name in report.stopped:
        typer.echo(f"{name}: not imported to its end; mend it, or use --keep-going", err=True)
    counts = report.counts
    columns = ("read", "new", "changed", "unchanged", "older", "rejected")
    row = (report.read, counts.new, counts.changed, counts.unchanged, counts.older, report.rejected)
    print_table("Dry run: nothing was written" if dry_run else "Imported", columns, [row])
