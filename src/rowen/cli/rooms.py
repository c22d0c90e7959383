"""`rowen rooms`.

Owns adding, listing and removing rooms on the command line, and their CSV files. Must not know how rooms are stored or
booked.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from rowen.api.codec import setups
from rowen.api.reading.setup_fields import NEW_ROOM
from rowen.app.organizations import Organization as FoundOrganization
from rowen.app.records import ROOMS
from rowen.app.rooms import MOST_ROOMS, change_room, create_room, delete_room
from rowen.app.setups import OPERATOR
from rowen.app.unit_of_work import UnitOfWork, WriteResult
from rowen.cli.console import print_table
from rowen.cli.options import Database, Organization
from rowen.cli.setups import all_records, at_line, listed, numbers, print_csv, read_table
from rowen.cli.similar_names import alternatives
from rowen.cli.store import in_organization
from rowen.interviews.errors import Code, Problems, Refusal
from rowen.interviews.rooms import Room, RoomFields
from rowen.settings import DEFAULT_DATABASE, DEFAULT_ORGANIZATION
from rowen.wiring import Store

app = typer.Typer(no_args_is_help=True, help="The rooms of an organization: interviews book them by their location.")

COLUMNS: Final = ("name", "site", "capacity", "features")
"""The columns of files: a row for each room."""

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


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV file; - is standard input.", show_default=False)],
    organization: Organization = DEFAULT_ORGANIZATION,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Add the rooms in a CSV file, and change those whose names exist.

    Each row is a room: its name, and optionally a site, a capacity and features, separated by commas. Values that a row
    leaves out are removed from its room. All rows are taken, or none if one is wrong. Rooms that are not in the file
    stay as they are.

    \b
    Example:
      rowen rooms import rooms.csv
    """
    rows = read_table(file, COLUMNS, ("name",))

    async def work(unit: UnitOfWork) -> WriteResult:
        problems, places = Problems(), MOST_ROOMS - unit.organization.room_count
        for line, name, fields in _fields(rows, problems):
            known = await unit.records_by_term(ROOMS, "name", name)
            places -= not known
            if known:
                await change_room(unit, setups, known[0], fields, OPERATOR)
            elif places >= 0:
                await create_room(unit, setups, fields, OPERATOR)
            else:
                problems.note(f"line {line}: name", f"Must be that of one of at most {MOST_ROOMS:,} rooms")
                break
        problems.raise_any()
        return WriteResult(b"")

    in_organization(database, organization, lambda store, found: store.writing.write(found, work))
    typer.echo(f"{len(rows)} {'room is' if len(rows) == 1 else 'rooms are'} as in the file.", err=True)


def _fields(rows: list[tuple[int, dict[str, str]]], problems: Problems) -> list[tuple[int, str, RoomFields]]:
    """Return the line, the name and the fields of each row. Raises Refusal (invalid) with the problems of all rows."""
    read, lines = [], dict[str, int]()
    for line, row in rows:
        found = Problems()
        read.append((line, NEW_ROOM.read_values(_body(row), found)))
        first = lines.setdefault(row.get("name", ""), line)
        if first != line:
            found.note("name", f"Must be unique (line {first} has it)")
        at_line(line, found, problems)
    problems.raise_any()
    return [(line, values["name"], RoomFields(**values)) for line, values in read]


def _body(row: Mapping[str, str]) -> dict[str, Any]:
    """Return the body of the call that stores a row."""
    body: dict[str, Any] = {"name": row.get("name", ""), "site": row.get("site"), "capacity": None}
    return {**body, **dict(numbers(row, {"capacity": "capacity"})), "features": listed(row.get("features"))}


@app.command("export")
def export(organization: Organization = DEFAULT_ORGANIZATION, database: Database = DEFAULT_DATABASE) -> None:
    """Print all rooms as CSV.

    \b
    Example:
      rowen rooms export > rooms.csv
    """
    found = in_organization(database, organization, _all)
    print_csv(COLUMNS, [(each.name, each.site, each.capacity, ", ".join(each.features)) for each in found])


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
