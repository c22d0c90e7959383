"""`rowen import`.

Owns the options of the command, and how it ends. Must not know formats or merging.
"""

import asyncio
import gc
from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Annotated

import typer

from rowen import wiring
from rowen.app.archive import KEPT
from rowen.app.records import INTERVIEWS, RESOURCES
from rowen.cli.accounts import AccountOptions, divide_arguments
from rowen.cli.console import Report, interruptible, progress
from rowen.cli.dumps import Joining
from rowen.cli.import_report import print_remarks, print_report
from rowen.cli.options import Database, Organization
from rowen.cli.rejections import REJECTED, Rejections
from rowen.cli.store import unknown_organization
from rowen.imports.destination import Destination, MergeOptions, OrganizationMissingError
from rowen.imports.future_times import FutureTimes
from rowen.imports.pipeline import ImportPlan, ImportReport, ImportStep
from rowen.imports.sources.files import open_sources
from rowen.imports.sources.retries import RetryPolicy
from rowen.imports.sources.server import ServerSource
from rowen.imports.sources.whole_server import UNLISTED, server_sources
from rowen.mirror.account import AccountPolicy
from rowen.settings import DEFAULT_DATABASE, DEFAULT_ORGANIZATION
from rowen.store.database import locate

Resource = StrEnum("Resource", {name.upper(): name for name in (*RESOURCES, INTERVIEWS, *KEPT)})  # type: ignore[misc]  # made of tables
"""The resources of records, by their names in URLs."""


def import_interviews(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE",
            help="A file, a folder, - for standard input, or the address of a Harvest-compatible server.",
        ),
    ],
    organization: Organization = DEFAULT_ORGANIZATION,
    create: Annotated[
        bool,
        typer.Option(
            "--create",
            envvar="ROWEN_CREATE_ORGANIZATION",
            help="Create the organization if it does not exist, with the time zone UTC. Only "
            f"{DEFAULT_ORGANIZATION!r} in a new database needs no --create.",
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", envvar="ROWEN_DRY_RUN", help="Check and count, but write nothing.")
    ] = False,
    keep_going: Annotated[
        bool,
        typer.Option(
            "--keep-going", envvar="ROWEN_KEEP_GOING", help=f"Write bad records to {REJECTED} and import the others."
        ),
    ] = False,
    created_through_api: Annotated[
        bool,
        typer.Option(
            "--created-through-api",
            envvar="ROWEN_CREATED_THROUGH_API",
            help="Let clients change and delete these interviews, as if they had created them through the "
            "API. This includes interviews that were imported before.",
        ),
    ] = False,
    clamp_updated_at: Annotated[
        bool,
        typer.Option(
            "--clamp-updated-at",
            envvar="ROWEN_CLAMP_UPDATED_AT",
            help="Set times of creation and change that are more than a day in the future to now. Without "
            "this option such records are rejected.",
        ),
    ] = False,
    resource: Annotated[
        Resource | None,
        typer.Option(
            "--resource",
            envvar="ROWEN_RESOURCE",
            help="The resource of all records. Default: detected from each record.",
        ),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            "--key",
            envvar="ROWEN_KEY",
            help="The API key for servers whose address has none. Prefer the variable: other users of the machine can "
            "see options.",
            show_default=False,
        ),
    ] = None,
    client_id: Annotated[
        str | None,
        typer.Option(
            "--client-id",
            envvar="ROWEN_CLIENT_ID",
            help="The client id for accounts of Harvest v3.",
            show_default=False,
        ),
    ] = None,
    client_secret_file: Annotated[
        Path | None,
        typer.Option(
            "--client-secret-file",
            envvar="ROWEN_CLIENT_SECRET_FILE",
            help="A file that holds the client secret for accounts of Harvest v3, and nothing else.",
            show_default=False,
        ),
    ] = None,
    token_url: Annotated[
        str | None,
        typer.Option(
            "--token-url",
            envvar="ROWEN_TOKEN_URL",
            help="The address that issues tokens for accounts of Harvest v3. Default: Greenhouse's, or /token on the "
            "account's host.",
            show_default=False,
        ),
    ] = None,
    database: Database = DEFAULT_DATABASE,
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
    location = locate(database)
    options = MergeOptions(
        create=create, dry_run=dry_run, created_through_api=created_through_api, clamp=clamp_updated_at
    )
    destination = Destination(location, organization, options, open_store=wiring.open_store, now=wiring.now)
    kind = None if resource is None else resource.value
    others, accounts = divide_arguments(sources, AccountOptions(client_id, client_secret_file, token_url))
    selection = open_sources(others, server=partial(_server, key=key or None), resource=kind)
    for name in selection.skipped:
        typer.echo(
            f"{name}: skipped: its name does not end like that of a JSON file; to import a CSV file, name it", err=True
        )
    future_times = None if clamp_updated_at else FutureTimes(wiring.now)
    report = ImportReport()
    gc.disable()  # an import makes a million records, and none of them is in a reference cycle
    try:
        with (
            interruptible(at_once=location.in_process),
            Rejections(keep=keep_going and not dry_run) as rejections,
            progress() as shown,
        ):
            plan = ImportPlan(destination, keep_going, rejections.add, _steps(shown), kind, future_times)
            policy = AccountPolicy(retries=RetryPolicy(on_retry=_report_retry))
            asyncio.run(Joining(plan, report, _remark, policy).run(selection.sources, accounts))
    except OrganizationMissingError as missing:
        raise unknown_organization(missing.name, missing.known, "--create creates it") from missing
    except (KeyboardInterrupt, asyncio.CancelledError):
        typer.echo("Interrupted. Everything written is complete; run the same command again to continue.", err=True)
        raise typer.Exit(130) from None
    finally:
        if destination.organization_created:
            typer.echo(f"Organization {organization} created, with the time zone UTC.", err=True)
        print_report(report, dry_run=dry_run)
        print_remarks(report, future_times, organization, wiring.now(), dry_run=dry_run)
    if report.stopped or report.unread or (report.rejected and not keep_going):
        raise typer.Exit(1)


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
    typer.echo(f"{reason}; trying again in {seconds:.0f} s", err=True)
