"""`rowen keys`.

Owns showing, making and revoking API keys on the command line. A key is printed once, by `create`, and nowhere
else.
"""

from typing import Annotated

import typer

from rowen import wiring
from rowen.app.keys import PERMISSIONS, new_key
from rowen.app.ports import ApiKey, Organization
from rowen.cli.console import print_table, run
from rowen.cli.options import Database, read_name
from rowen.cli.options import Organization as OrganizationOption
from rowen.interviews.errors import Code, Refusal
from rowen.settings import DEFAULT_DATABASE, DEFAULT_ORGANIZATION
from rowen.store.database import locate, upgrade
from rowen.wiring import Store

app = typer.Typer(no_args_is_help=True, help="API keys: what clients authenticate with.")

_Name = Annotated[str, typer.Argument(help="The key's name.", callback=read_name)]


@app.command("create")
def create(
    name: _Name,
    organization: OrganizationOption = DEFAULT_ORGANIZATION,
    allow: Annotated[
        list[str] | None,
        typer.Option(
            envvar="ROWEN_ALLOW",
            metavar="PERMISSION",
            help=f"What it may do, again for each permission; everything otherwise. One of: {', '.join(PERMISSIONS)}.",
        ),
    ] = None,
    rate_limit: Annotated[
        int | None,
        typer.Option(
            envvar="ROWEN_KEY_RATE_LIMIT",
            min=0,
            max=1_000_000_000,
            help="How many requests it may make in 10 seconds, 0 for any number; the server's limit otherwise.",
        ),
    ] = None,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Make an API key and print it: it is shown only now.

    \b
    Examples:
      rowen keys create warehouse
      rowen keys create calendar --allow scheduled_interviews:list --rate-limit 50
      export HARVEST_KEY=$(rowen keys create script)
    """
    location = locate(database)
    upgrade(location, create=False)
    key, stored = new_key(name, allow=allow or (), rate_limit=rate_limit)

    async def work() -> None:
        async with wiring.opened(location) as store:
            found = await _organization(store, organization)
            await store.keys.create(found.id, stored, wiring.now())

    run(work())
    typer.echo(key)


@app.command("list")
def list_keys(database: Database = DEFAULT_DATABASE) -> None:
    """List the API keys, without the keys themselves.

    \b
    Example:
      rowen keys list
    """
    location = locate(database)
    upgrade(location, create=False)

    async def work() -> list[ApiKey]:
        async with wiring.opened(location) as store:
            return await store.keys.all()

    columns = ("organization", "name", "prefix", "permissions", "rate limit", "created", "last used", "revoked")
    rows = [
        (
            key.organization,
            key.name,
            key.prefix + "…",
            " ".join(sorted(key.permissions)),
            "server's" if key.rate_limit is None else key.rate_limit,
            key.created_at,
            key.last_used_at or "never",
            key.revoked_at or "",
        )
        for key in run(work())
    ]
    print_table("API keys", columns, rows)


@app.command("revoke")
def revoke(
    name: _Name, organization: OrganizationOption = DEFAULT_ORGANIZATION, database: Database = DEFAULT_DATABASE
) -> None:
    """Revoke an API key: its next request is refused.

    \b
    Example:
      rowen keys revoke warehouse
    """
    location = locate(database)
    upgrade(location, create=False)

    async def work() -> None:
        async with wiring.opened(location) as store:
            found = await _organization(store, organization)
            if not await store.keys.revoke(found.id, name, wiring.now()):
                raise Refusal(Code.NOT_FOUND, f"organization {organization!r} has no key {name!r} in force")

    run(work())
    typer.echo(f"Key {name} revoked.", err=True)


async def _organization(store: Store, name: str) -> Organization:
    found = await store.organizations.find(name)
    if found is None:
        raise Refusal(
            Code.NOT_FOUND, f"there is no organization {name!r}: `rowen organizations create {name!r}` makes it"
        )
    return found
