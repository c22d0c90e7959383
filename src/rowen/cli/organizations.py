"""`rowen organizations`.

Owns showing and making organizations on the command line.
"""

from typing import Annotated, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from rowen import wiring
from rowen.app.ports import DoubleBooking, Organization
from rowen.cli.console import print_table, run
from rowen.cli.options import Database, read_name
from rowen.settings import DEFAULT_DATABASE
from rowen.store.database import locate, upgrade

_MINUTE: Final = 60_000
_LONGEST_GRACE: Final = 7 * 24 * 60

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
    location = locate(database)
    upgrade(location)

    async def work() -> None:
        async with wiring.opened(location) as store:
            await store.organizations.create(name, time_zone, wiring.now())

    run(work())
    typer.echo(f"Organization {name} made. Next: rowen keys create NAME --organization {name!r}", err=True)


@app.command("change")
def change(
    name: Annotated[str, typer.Argument(help="Its name.", callback=read_name)],
    double_booking: Annotated[
        DoubleBooking | None,
        typer.Option(
            envvar="ROWEN_DOUBLE_BOOKING",
            help="What is done where a person would be in two interviews at once: allow it, warn of it, reject it.",
        ),
    ] = None,
    grace: Annotated[
        int | None,
        typer.Option(
            envvar="ROWEN_GRACE",
            min=0,
            max=_LONGEST_GRACE,
            metavar="MINUTES",
            help="How long after its end an interview awaits feedback.",
        ),
    ] = None,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Change the settings of an organization, with effect on the next request.

    \b
    Examples:
      rowen organizations change lisbon --double-booking reject
      rowen organizations change lisbon --grace 60
    """
    location = locate(database)
    upgrade(location, create=False)

    async def work() -> Organization:
        async with wiring.opened(location) as store:
            milliseconds = None if grace is None else grace * _MINUTE
            return await store.organizations.change(name, double_booking, milliseconds)

    changed = run(work())
    typer.echo(
        f"Organization {name}: double booking {changed.double_booking}, grace {changed.grace // _MINUTE} minutes.",
        err=True,
    )


@app.command("list")
def list_organizations(database: Database = DEFAULT_DATABASE) -> None:
    """List the organizations.

    \b
    Example:
      rowen organizations list
    """
    location = locate(database)
    upgrade(location, create=False)

    async def work() -> list[tuple[object, ...]]:
        async with wiring.opened(location) as store:
            found = await store.organizations.all()
        return [
            (
                each.name,
                each.time_zone,
                each.interview_count,
                each.double_booking.value,
                f"{each.grace // _MINUTE} min",
                each.created_at,
            )
            for each in found
        ]

    columns = ("name", "time zone", "interviews", "double booking", "grace", "created")
    print_table("Organizations", columns, run(work()))
