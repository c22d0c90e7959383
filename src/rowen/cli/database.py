"""`rowen db`.

Owns the upkeep of a database on the command line.
"""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from rowen.cli.console import progress, run
from rowen.cli.options import Database, read_database
from rowen.settings import DEFAULT_DATABASE
from rowen.store import database as store
from rowen.store.copying import copy as copy_database
from rowen.store.database import locate

app = typer.Typer(no_args_is_help=True, help="The database: upgrade, check, back up, copy.")


@app.command("upgrade")
def upgrade(database: Database = DEFAULT_DATABASE) -> None:
    """Bring the schema up to date, making the database if there is none. `serve` and `import` do so by themselves.

    \b
    Example:
      rowen db upgrade --database sqlite:////var/lib/rowen/rowen.db
    """
    done = store.upgrade(locate(database))
    typer.echo("Upgraded." if done else "Up to date already.", err=True)


@app.command("check")
def check(database: Database = DEFAULT_DATABASE) -> None:
    """Read all of the database and say whether it is sound; the exit status is 1 where it is not.

    \b
    Example:
      rowen db check
    """
    location = locate(database)
    if not location.exists():
        store.upgrade(location, create=False)
    faults = store.check(location)
    for fault in faults:
        typer.echo(fault)
    if faults:
        raise typer.Exit(1)
    typer.echo("ok")


@app.command("backup")
def backup(
    file: Annotated[Path, typer.Argument(help="Where to write the copy; it must not exist yet.", dir_okay=False)],
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Copy the database, consistent as of one moment, while it is served and written.

    \b
    Example:
      rowen db backup rowen-$(date +%F).db
    """
    location = locate(database)
    store.upgrade(location, create=False)
    try:
        with progress() as report:
            store.backup(location, file, lambda done, total: report("Copying", done, total, f"{done} pages"))
    except OSError as error:
        typer.echo(f"rowen: {file}: {error.strerror or error}", err=True)
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
            help="Where to copy it to: an empty database, or a file to be made.",
            callback=read_database,
        ),
    ],
    resume: Annotated[
        bool, typer.Option("--resume", envvar="ROWEN_RESUME", help="Go on with a copy that was cut off.")
    ] = False,
) -> None:
    """Copy all of a database into another, of the same engine or not, and prove that both agree.

    The copy is consistent as of one moment, while the source is served and written. Until it is whole and proved,
    no server takes it.

    \b
    Examples:
      rowen db copy sqlite:///rowen.db postgresql://rowen@db.example.com/rowen
      rowen db copy postgresql://rowen@db.example.com/rowen sqlite:///copy.db
    """
    try:
        with progress() as report:
            copied = run(copy_database(locate(source), locate(target), resume=resume, progress=report))
    except (KeyboardInterrupt, asyncio.CancelledError):
        typer.echo("Interrupted. The same command with --resume goes on.", err=True)
        raise typer.Exit(130) from None
    typer.echo(f"Copied {copied.tables} tables, {copied.rows:,} rows; both agree.", err=True)


@app.command("distribute")
def distribute(database: Database = DEFAULT_DATABASE) -> None:
    """Spread a PostgreSQL database over the machines of a Citus cluster, by organization.

    What is distributed already stays as it is. Where the server has no Citus, nothing is done, and it is said.

    \b
    Example:
      rowen db distribute --database postgresql://rowen@coordinator/rowen
    """
    location = locate(database)
    store.upgrade(location, create=False)
    location.distribute(lambda table: typer.echo(f"{table} is distributed.", err=True))
