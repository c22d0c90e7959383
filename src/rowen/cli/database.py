"""`rowen db`.

Owns the maintenance of a database on the command line. Must not know SQL.
"""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from rowen import wiring
from rowen.cli.console import progress, run
from rowen.cli.options import Database, read_database
from rowen.cli.store import in_store, require_database
from rowen.settings import DEFAULT_DATABASE
from rowen.store import database as store
from rowen.store.database import locate
from rowen.store.transfer import copy as copy_database
from rowen.wiring import Store

app = typer.Typer(no_args_is_help=True, help="The database: upgrade, check, repair, back up, copy.")


@app.command("upgrade")
def upgrade(database: Database = DEFAULT_DATABASE) -> None:
    """Upgrade the schema of a database. `serve` and `import` do this on their own.

    An empty PostgreSQL database gets its tables.

    \b
    Example:
      rowen db upgrade --database sqlite:////var/lib/rowen/rowen.db
    """
    location = locate(database)
    done = store.upgrade(location, create=not location.can_create)
    typer.echo("Upgraded." if done else "Up to date already.", err=True)


@app.command("check")
def check(database: Database = DEFAULT_DATABASE) -> None:
    """Read the whole database and report whether it is sound; the exit status is 1 if it is not.

    Warnings, about who else may read its files and about the size of its write-ahead log, do not change the status.

    \b
    Example:
      rowen db check
    """
    location = locate(database)
    if not location.exists():
        store.upgrade(location, create=False)
    faults = wiring.check(location, wiring.now())
    for warning in location.warnings():
        typer.echo(f"warning: {warning}", err=True)
    for fault in faults:
        typer.echo(fault)
    if faults:
        raise typer.Exit(1)
    for remark in store.remarks(location, wiring.now()):
        typer.echo(remark, err=True)
    typer.echo("ok")


@app.command("repair")
def repair(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", envvar="ROWEN_DRY_RUN", help="Show what would be repaired, but change nothing.")
    ] = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Set times in the future, which imports of earlier versions let in, to the present.

    Each repaired interview gets a new `updated_at` and appears in the feed, so that clients that sync by
    `updated_after` see it. It is safe to run this while servers run, and to run it again.

    \b
    Examples:
      rowen db repair --dry-run
      rowen db repair
    """
    in_store(database, _show_repairs if dry_run else _repair)


async def _show_repairs(opened: Store) -> None:
    faults = await wiring.repairer(opened).faults(wiring.now())
    for fault in faults:
        typer.echo(fault)
    if not faults:
        typer.echo("Nothing to repair.", err=True)


async def _repair(opened: Store) -> None:
    any_repaired = False
    repairer = wiring.repairer(opened)
    for organization in await opened.organizations.all():
        done = await repairer.repair(organization, wiring.now())
        if done.interviews or done.records:
            any_repaired = True
            counts = f"interviews {done.interviews:,}, other records {done.records:,}"
            typer.echo(f"Repaired in organization {organization.name}: {counts}.")
    if any_repaired:
        typer.echo(
            "Clients that sync by `updated_after` and have seen these times must read everything once.", err=True
        )
    else:
        typer.echo("Nothing to repair.", err=True)


@app.command("backup")
def backup(
    file: Annotated[Path, typer.Argument(help="Where to write the copy; it must not exist yet.", dir_okay=False)],
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Copy the database as of one moment, even while it is in use. Only the owner of the copy can read it.

    \b
    Example:
      rowen db backup rowen-$(date +%F).db
    """
    if str(file) == "-":
        raise typer.BadParameter("name a file: a copy cannot be written to standard output", param_hint="FILE")
    location = require_database(database)
    try:
        with progress() as report:
            store.backup(location, file, lambda done, total: report("Copying", done, total, f"{done} pages"))
    except OSError as error:
        typer.echo(f"rowen: {file.absolute()}: {error.strerror or error}", err=True)
        raise typer.Exit(1) from error
    typer.echo(f"Copied to {file}.", err=True)


@app.command("copy")
def copy(
    source: Annotated[
        str,
        typer.Argument(metavar="SOURCE", help="The database to copy, as for --database.", callback=read_database),
    ],
    target: Annotated[
        str,
        typer.Argument(
            metavar="TARGET",
            help="The database to copy to: an empty one, or a file that does not exist yet.",
            callback=read_database,
        ),
    ],
    resume: Annotated[
        bool, typer.Option("--resume", envvar="ROWEN_RESUME", help="Continue an interrupted copy.")
    ] = False,
) -> None:
    """Copy a whole database to another, of the same engine or not, and verify that both are equal.

    The copy is consistent as of one moment, even while the source is in use. Servers refuse the copy until it is
    complete and verified.

    \b
    Examples:
      rowen db copy sqlite:///rowen.db postgresql://rowen@db.example.com/rowen
      rowen db copy postgresql://rowen@db.example.com/rowen sqlite:///copy.db
    """
    try:
        with progress() as report:
            copied = run(copy_database(locate(source), locate(target), resume=resume, progress=report))
    except (KeyboardInterrupt, asyncio.CancelledError):
        typer.echo("Interrupted. Run the same command with --resume to continue.", err=True)
        raise typer.Exit(130) from None
    typer.echo(f"Copied {copied.tables} tables, {copied.rows:,} rows; the target equals the source.", err=True)


@app.command("distribute")
def distribute(database: Database = DEFAULT_DATABASE) -> None:
    """Spread a PostgreSQL database over the machines of a Citus cluster, by organization.

    Distributed tables stay as they are. Without the Citus extension on the server, the command fails with a message and
    changes nothing.

    \b
    Example:
      rowen db distribute --database postgresql://rowen@coordinator/rowen
    """
    require_database(database).distribute(lambda table: typer.echo(f"{table} is distributed.", err=True))
