"""`rowen organizations`.

Owns showing and creating organizations on the command line. Must not know how they are stored.
"""

from typing import Annotated, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from rowen import wiring
from rowen.app.organizations import DoubleBooking
from rowen.cli.console import print_table
from rowen.cli.options import Database, read_name
from rowen.cli.store import in_organization, in_store
from rowen.settings import DEFAULT_DATABASE

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
    name: Annotated[str, typer.Argument(help="The organization's name.", callback=read_name)],
    time_zone: Annotated[
        str,
        typer.Option(
            envvar="ROWEN_TIME_ZONE",
            help="The time zone in which all-day interviews start and end at midnight.",
            callback=_read_time_zone,
        ),
    ] = "UTC",
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Create an organization.

    \b
    Example:
      rowen organizations create lisbon --time-zone Europe/Lisbon
    """
    in_store(database, lambda store: store.organizations.create(name, time_zone, wiring.now()), create=True)
    typer.echo(f"Organization {name} created. Next: rowen keys create NAME --organization {name!r}", err=True)


@app.command("change")
def change(
    name: Annotated[str, typer.Argument(help="The organization's name.", callback=read_name)],
    double_booking: Annotated[
        DoubleBooking | None,
        typer.Option(
            envvar="ROWEN_DOUBLE_BOOKING",
            help="What to do when a person would be in two interviews at once: allow, warn or reject.",
        ),
    ] = None,
    grace: Annotated[
        int | None,
        typer.Option(
            envvar="ROWEN_GRACE",
            min=0,
            max=_LONGEST_GRACE,
            metavar="MINUTES",
            help="How long after its end an interview starts to await feedback.",
        ),
    ] = None,
    require_busy_source: Annotated[
        bool | None,
        typer.Option(
            envvar="ROWEN_REQUIRE_BUSY_SOURCE",
            help="Whether slots are offered only with people whose busy times are known.",
            show_default=False,
        ),
    ] = None,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Change the settings of an organization, with effect on the next request.

    \b
    Examples:
      rowen organizations change lisbon --double-booking reject
      rowen organizations change lisbon --grace 60
      rowen organizations change lisbon --require-busy-source
    """
    milliseconds = None if grace is None else grace * _MINUTE
    changed = in_organization(
        database,
        name,
        lambda store, _: store.organizations.change(name, double_booking, milliseconds, require_busy_source),
    )
    offered = "; only people with a source of busy times are offered" if changed.require_busy_source else ""
    typer.echo(
        f"Organization {name}: double booking {changed.double_booking}, grace {changed.grace // _MINUTE} minutes"
        f"{offered}.",
        err=True,
    )


@app.command("list")
def list_organizations(database: Database = DEFAULT_DATABASE) -> None:
    """List the organizations.

    \b
    Example:
      rowen organizations list
    """
    rows = [
        (
            each.name,
            each.time_zone,
            each.interview_count,
            each.double_booking.value,
            f"{each.grace // _MINUTE} min",
            each.created_at,
        )
        for each in in_store(database, lambda store: store.organizations.all())
    ]
    columns = ("name", "time zone", "interviews", "double booking", "grace", "created")
    print_table("Organizations", columns, rows)
