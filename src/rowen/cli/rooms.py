"""`rowen rooms`.

Owns adding, listing and removing rooms on the command line. Must not know how rooms are stored or booked.
"""

from typing import Annotated, Any, Final

import msgspec
import typer

from rowen.api.codec import setups
from rowen.api.reading.setup_fields import NEW_ROOM
from rowen.app.organizations import Organization as FoundOrganization
from rowen.app.records import ROOMS
from rowen.app.rooms import create_room, delete_room
from rowen.app.setups import OPERATOR
from rowen.app.unit_of_work import UnitOfWork, WriteResult
from rowen.cli.console import print_table
from rowen.cli.options import Database, Organization
from rowen.cli.setups import all_records
from rowen.cli.similar_names import alternatives
from rowen.cli.store import in_organization
from rowen.interviews.errors import Code, Problems, Refusal
from rowen.interviews.rooms import Room, RoomFields
from rowen.settings import DEFAULT_DATABASE, DEFAULT_ORGANIZATION
from rowen.wiring import Store

app = typer.Typer(no_args_is_help=True, help="The rooms of an organization: interviews book them by their location.")
_rooms: Final = msgspec.json.Decoder(list[Room])


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The room's name.", show_default=False)],
    site: Annotated[str | None, typer.Option(envvar="ROWEN_SITE", help="The building or city.")] = None,
    capacity: Annotated[int | None, typer.Option(envvar="ROWEN_CAPACITY", help="How many people it seats.")] = None,
    feature: Annotated[
        list[str] | None, typer.Option(envvar="ROWEN_FEATURE", help="What it has. Repeat for more.")
    ] = None,
    organization: Organization = DEFAULT_ORGANIZATION,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Add a room. Interviews whose location is its name are in it, those that are there already included.

    \b
    Example:
      rowen rooms add 'Room 4' --site Lisbon --capacity 6 --feature video
    """
    problems = Problems()
    given: dict[str, Any] = {"name": name, "site": site, "capacity": capacity, "features": feature or []}
    fields = NEW_ROOM.read_values(given, problems)
    problems.raise_any()

    async def work(unit: UnitOfWork) -> WriteResult:
        await create_room(unit, setups, RoomFields(**fields), OPERATOR)
        return WriteResult(b"")

    in_organization(database, organization, lambda store, found: store.writing.write(found, work))
    typer.echo(f"Room {name} added.", err=True)


@app.command("list")
def list_rooms(organization: Organization = DEFAULT_ORGANIZATION, database: Database = DEFAULT_DATABASE) -> None:
    """List the rooms.

    \b
    Example:
      rowen rooms list
    """
    rows = [
        (each.id, each.name, each.site or "", each.capacity or "", ", ".join(each.features))
        for each in in_organization(database, organization, _all)
    ]
    print_table("Rooms", ("id", "name", "site", "capacity", "features"), rows)


@app.command("remove")
def remove(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The room's name.", show_default=False)],
    organization: Organization = DEFAULT_ORGANIZATION,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Remove a room. Interviews keep their location, which then books nothing.

    \b
    Example:
      rowen rooms remove 'Room 4'
    """

    async def work(unit: UnitOfWork) -> WriteResult:
        for record in await unit.records_by_term(ROOMS, "name", name):
            await delete_room(unit, record, None, OPERATOR)
            return WriteResult(b"removed")
        return WriteResult(b"")

    async def removed(store: Store, found: FoundOrganization) -> None:
        if not (await store.writing.write(found, work)).body:
            near = alternatives(name, [each.name for each in await _all(store, found)]).rstrip(".")
            raise Refusal(Code.NOT_FOUND, f"there is no room {name!r}{near}")

    in_organization(database, organization, removed)
    typer.echo(f"Room {name} removed.", err=True)


async def _all(store: Store, organization: FoundOrganization) -> list[Room]:
    return await all_records(store, organization, ROOMS, _rooms)
