"""`rowen import`.

Owns the options of the command, and how it ends. Must not know formats or merging.
"""

import asyncio
import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from time import monotonic
from typing import Annotated

import typer

from rowen import wiring
from rowen.app.archive import KEPT
from rowen.app.records import INTERVIEWS, RESOURCES
from rowen.cli.accounts import AccountOptions, divide_arguments
from rowen.cli.console import Report, interruptible, progress
from rowen.cli.import_report import print_remarks, print_report
from rowen.cli.options import with_settings
from rowen.cli.rejections import REJECTED, Rejections
from rowen.cli.store import unknown_organization
from rowen.imports.destination import Destination, MergeOptions, OrganizationMissingError
from rowen.imports.future_times import FutureTimes
from rowen.imports.items import Source
from rowen.imports.pipeline import ImportPlan, ImportReport, ImportStep
from rowen.imports.sources.files import open_sources
from rowen.imports.sources.retries import RetryPolicy
from rowen.imports.sources.server import ServerSource
from rowen.imports.sources.whole_server import UNLISTED, server_sources
from rowen.mirror.account import AccountPolicy
from rowen.mirror.imports import Joining, NamedAccount
from rowen.mirror_wiring import scratch
from rowen.settings import (
    DATABASE_HELP,
    DEFAULT_DATABASE,
    DEFAULT_ORGANIZATION,
    DatabaseUrl,
    OrganizationName,
    SettingRow,
)
from rowen.store.database import locate

Resource = StrEnum("Resource", {name.upper(): name for name in (*RESOURCES, INTERVIEWS, *KEPT)})  # type: ignore[misc]  # made of tables
"""The resources of records, by their names in URLs."""


@dataclass(frozen=True, slots=True)
class ImportSettings:
    """What an import does with the records that it reads."""

    organization: Annotated[OrganizationName, SettingRow("The organization.")] = DEFAULT_ORGANIZATION
    create: Annotated[
        bool,
        SettingRow(
            "Create the organization if it does not exist, with the time zone UTC. Only "
            f"{DEFAULT_ORGANIZATION!r} in a new database needs no --create.",
            variable="ROWEN_CREATE_ORGANIZATION",
        ),
    ] = False
    dry_run: Annotated[bool, SettingRow("Check and count, but write nothing.")] = False
    keep_going: Annotated[bool, SettingRow(f"Write bad records to {REJECTED} and import the others.")] = False
    created_through_api: Annotated[
        bool,
        SettingRow(
            "Let clients change and delete these interviews, as if they had created them through the API. This "
            "includes interviews that were imported before."
        ),
    ] = False
    clamp_updated_at: Annotated[
        bool,
        SettingRow(
            "Set times of creation and change that are more than a day in the future to now. Without this option such "
            "records are rejected."
        ),
    ] = False
    resource: Annotated[
        Resource | None, SettingRow("The resource of all records. Default: detected from each record.")
    ] = None
    key: Annotated[
        str | None,
        SettingRow(
            "The API key for servers whose address has none. Prefer the variable: other users of the machine can see "
            "options."
        ),
    ] = None
    database: Annotated[DatabaseUrl, SettingRow(DATABASE_HELP)] = DEFAULT_DATABASE

    @property
    def resource_name(self) -> str | None:
        """The name of the resource of all records, if it is given."""
        return None if self.resource is None else self.resource.value


@with_settings
def import_interviews(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE",
            help="A file, a folder, - for standard input, or the address of a Harvest-compatible server.",
        ),
    ],
    settings: ImportSettings,
    credentials: AccountOptions,
) -> None:
    """Import interviews, and the records that belong to them: users, applications, candidates, jobs, and so on.

    Reads JSON as the API returns it, JSON Lines, the output of ELT tools, and gzip of each. Exported interviews,
    users and applications can also be CSV: the column names in the first row decide what the records are.

    Records are merged by id and the newer one wins, so that importing twice changes nothing. A file is checked
    completely before anything is written.

    \b
    Examples:
      rowen import interviews.jsonl
      rowen import exports/ --organization lisbon --create --keep-going
      gunzip -c dump.json.gz | rowen import - --dry-run
      rowen import https://KEY:@harvest.example.com/v1/scheduled_interviews
      ROWEN_KEY=… rowen import https://interviews.example.com
      rowen import users.csv
      rowen import https://harvest.greenhouse.io/v3 --client-id ID --client-secret-file secret
    """
    if "" in sources:  # a shell variable that is not set; as a path it would be the whole current folder
        raise typer.BadParameter("must not be empty", param_hint="SOURCE")
    others, accounts = divide_arguments(sources, credentials)
    selection = open_sources(others, server=partial(_server, key=settings.key or None), resource=settings.resource_name)
    for name in selection.skipped:
        _remark(f"{name}: skipped: its name does not end like that of a JSON file; to import a CSV file, name it")
    report = ImportReport()
    gc.disable()  # an import makes a million records, and none of them is in a reference cycle
    try:
        _import(selection.sources, accounts, settings, report)
    except OrganizationMissingError as missing:
        raise unknown_organization(missing.name, missing.known, "--create creates it") from missing
    if report.stopped or report.unread or (report.rejected and not settings.keep_going):
        raise typer.Exit(1)


def _import(
    sources: Sequence[Source], accounts: Sequence[NamedAccount], settings: ImportSettings, report: ImportReport
) -> None:
    """Import sources and accounts, and print what came of it, however it ends."""
    location = locate(settings.database)
    keep_going, dry_run, clamp = settings.keep_going, settings.dry_run, settings.clamp_updated_at
    options = MergeOptions(
        create=settings.create, dry_run=dry_run, created_through_api=settings.created_through_api, clamp=clamp
    )
    destination = Destination(location, settings.organization, options, open_store=wiring.open_store, now=wiring.now)
    future_times = None if clamp else FutureTimes(wiring.now)
    policy = AccountPolicy(retries=RetryPolicy(on_retry=_report_retry))
    try:
        with (
            interruptible(at_once=location.in_process),
            Rejections(keep=keep_going and not dry_run) as rejections,
            progress() as shown,
        ):
            resource, show = settings.resource_name, _steps(shown)
            plan = ImportPlan(destination, keep_going, rejections.add, show, resource, future_times)
            asyncio.run(Joining(plan, report, _remark, policy, scratch, wiring.now).run(sources, accounts))
    except (KeyboardInterrupt, asyncio.CancelledError):
        _remark("Interrupted. Everything written is complete; run the same command again to continue.")
        raise typer.Exit(130) from None
    finally:
        if destination.organization_created:
            _remark(f"Organization {settings.organization} created, with the time zone UTC.")
        print_report(report, dry_run=dry_run)
        print_remarks(report, future_times, settings.organization, wiring.now(), dry_run=dry_run)


def _remark(text: str) -> None:
    typer.echo(text, err=True)


def _steps(shown: Report) -> Callable[[ImportStep], None]:
    """Return a function that shows how far an import is."""
    started = monotonic()

    def show(step: ImportStep) -> None:
        rate = step.records / max(monotonic() - started, 0.001)
        shown(f"{step.doing} {step.source}", step.done, step.total, f"{step.records:,} records, {rate:,.0f}/s")

    return show


def _server(address: str, key: str | None) -> Sequence[ServerSource]:
    sources = server_sources(address, key, RetryPolicy(on_retry=_report_retry))
    if len(sources) > 1:
        _remark(f"Not imported, as servers list these only below each user or candidate: {', '.join(UNLISTED)}")
    return sources


def _report_retry(reason: str, seconds: float) -> None:
    _remark(f"{reason}; trying again in {seconds:.0f} s")
