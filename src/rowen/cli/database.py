"""`rowen db`.

Owns the upkeep of a database on the command line.
"""

from pathlib import Path
from typing import Annotated

import typer

from rowen.cli.console import progress
from rowen.cli.options import Database
from rowen.settings import DEFAULT_DATABASE
from rowen.store import database as store
from rowen.store.database import Location

app = typer.Typer(no_args_is_help=True, help="The database: upgrade, check, back up.")


@app.command("upgrade")
def upgrade(database: Database = DEFAULT_DATABASE) -> None:
    """Bring the schema up to date, making the database if there is none. `serve` and `import` do so by themselves.

    \b
    Example:
      rowen db upgrade --database sqlite:////var/lib/rowen/rowen.db
    """
    done = store.upgrade(Location.parse(database))
    typer.echo("Upgraded." if done else "Up to date already.", err=True)


@app.command("check")
def check(database: Database = DEFAULT_DATABASE) -> None:
    """Read all of the database and say whether it is sound; the exit status is 1 where it is not.

    \b
    Example:
      rowen db check
    """
    location = Location.parse(database)
    if not location.path.exists():
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
    location = Location.parse(database)
    store.upgrade(location, create=False)
    try:
        with progress() as report:
            store.backup(location, file, lambda done, total: report("Copying", done, total, f"{done} pages"))
    except OSError as error:
        typer.echo(f"rowen: {file}: {error.strerror or error}", err=True)
        raise typer.Exit(1) from error
    typer.echo(f"Copied to {file}.", err=True)
