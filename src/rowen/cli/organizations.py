"""`rowen organizations`.

Owns showing and making organizations on the command line.
"""

from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from rowen import wiring
from rowen.cli.console import print_table, run
from rowen.cli.options import Database, read_name
from rowen.settings import DEFAULT_DATABASE
from rowen.store.database import Location, upgrade

app = typer.Typer(
    no_args_is_help=True, help="The organizations of a database: each with a schedule and keys of its own."
)


def _read_time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise typer.BadParameter("must be a time zone such as Europe/Lisbon or UTC") from error
    return value


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="A name for it.", callback=read_name)],
    time_zone: Annotated[
        str,
        typer.Option(
            envvar="ROWEN_TIME_ZONE",
            help="Where its days begin: all-day interviews start and end at midnight there.",
            callback=_read_time_zone,
        ),
    ] = "UTC",
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Make an organization.

    \b
    Example:
      rowen organizations create lisbon --time-zone Europe/Lisbon
    """
    location = Location.parse(database)
    upgrade(location)

    async def work() -> None:
        async with wiring.opened(location) as store:
            await store.organizations.create(name, time_zone, wiring.now())

    run(work())
    typer.echo(f"Organization {name} made. Next: rowen keys create NAME --organization {name!r}", err=True)


@app.command("list")
def list_organizations(database: Database = DEFAULT_DATABASE) -> None:
    """List the organizations.

    \b
    Example:
      rowen organizations list
    """
    location = Location.parse(database)
    upgrade(location, create=False)

    async def work() -> list[tuple[object, ...]]:
        async with wiring.opened(location) as store:
            found = await store.organizations.all()
        return [(each.name, each.time_zone, each.interview_count, each.created_at) for each in found]

    print_table("Organizations", ("name", "time zone", "interviews", "created"), run(work()))
