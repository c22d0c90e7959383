"""`rowen pools`.

Owns the CSV files of pools. Must not know how pools are stored.
"""

from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from rowen.api.codec import setups
from rowen.api.reading.setup_fields import NEW_POOL
from rowen.app.organizations import Organization as FoundOrganization
from rowen.app.pools import change_pool, create_pool
from rowen.app.records import POOLS
from rowen.app.setups import OPERATOR
from rowen.app.unit_of_work import UnitOfWork, WriteResult
from rowen.cli.options import Database, Organization
from rowen.cli.setups import all_records, all_users, at_line, listed, name_of, numbers, print_csv, read_table, user_of
from rowen.cli.store import in_organization
from rowen.interviews.errors import Problems
from rowen.interviews.pools import Pool, PoolFields
from rowen.settings import DEFAULT_DATABASE, DEFAULT_ORGANIZATION
from rowen.wiring import Store

app = typer.Typer(no_args_is_help=True, help="Pools: people of whom any can fill a seat of a panel.")

COLUMNS: Final = ("pool", "user", "weight", "tags")
"""The columns of files: a row for each member."""

_pools: Final = msgspec.json.Decoder(list[Pool])


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV file; - is standard input.", show_default=False)],
    organization: Organization = DEFAULT_ORGANIZATION,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Replace the members of pools by those in a CSV file, and add the pools that are not there.

    Each row is a member: the pool's name, the user's id or e-mail address, and optionally a weight and tags, separated
    by commas. All rows are taken, or none if one is wrong. Pools that are not in the file stay as they are.

    \b
    Example:
      rowen pools import pools.csv
    """
    rows = read_table(file, COLUMNS, ("pool", "user"))

    async def work(unit: UnitOfWork) -> WriteResult:
        problems = Problems()
        members: dict[str, list[dict[str, Any]]] = {}
        for line, row in rows:
            user = await user_of(unit, row.get("user"), f"line {line}: user", problems)
            member = {"user_id": user or 1, **dict(numbers(row, {"weight": "weight"})), "tags": listed(row.get("tags"))}
            found = Problems()
            NEW_POOL.read_values({"name": row.get("pool", ""), "members": [member]}, found)
            at_line(line, found, problems)
            members.setdefault(row.get("pool", ""), []).append(member)
        problems.raise_any()
        for name, people in members.items():
            await _write(unit, name, people, problems)
        return WriteResult(b"")

    in_organization(database, organization, lambda store, found: store.writing.write(found, work))
    typer.echo(f"{len({row.get('pool') for _, row in rows})} pools have their members.", err=True)


async def _write(unit: UnitOfWork, name: str, members: list[dict[str, Any]], problems: Problems) -> None:
    """Write a pool by its name. Raises Refusal."""
    fields = PoolFields(**NEW_POOL.read_values({"name": name, "members": members}, problems))
    known = await unit.records_by_term(POOLS, "name", name)
    if len(known) > 1:
        problems.note("pool", f"Must name one pool ({len(known)} are called {name!r})")
    problems.raise_any()
    if known:
        await change_pool(unit, setups, known[0], fields, OPERATOR)
    else:
        await create_pool(unit, setups, fields, OPERATOR)


@app.command("export")
def export(organization: Organization = DEFAULT_ORGANIZATION, database: Database = DEFAULT_DATABASE) -> None:
    """Print the members of all pools as CSV.

    \b
    Example:
      rowen pools export > pools.csv
    """

    async def read(store: Store, found: FoundOrganization) -> list[tuple[object, ...]]:
        names = {user.id: name_of(user) for user in await all_users(store, found)}
        return [
            (pool.name, names.get(each.user_id, each.user_id), each.weight, ", ".join(each.tags))
            for pool in await all_records(store, found, POOLS, _pools)
            for each in pool.members
        ]

    print_csv(COLUMNS, in_organization(database, organization, read))
