"""The database that a command names, and the organization in it.

Owns opening them, the refusal of an organization that does not exist, and revoking by name. Must not know a command.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Protocol, TypeVar

import typer

from rowen import wiring
from rowen.app.clients import Client
from rowen.app.keys import ApiKey
from rowen.app.organizations import Organization
from rowen.cli.console import run
from rowen.cli.similar_names import alternatives, unknown_name
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant
from rowen.store.database import locate, upgrade
from rowen.store.engines.base import Location
from rowen.wiring import Store

Result = TypeVar("Result")


def require_database(database: str, *, create: bool = False) -> Location:
    """Return where a database is, with its schema up to date. Raises Unavailable if there is none."""
    location = locate(database)
    upgrade(location, create=create)
    return location


@asynccontextmanager
async def open_organization(location: Location, name: str) -> AsyncIterator[tuple[Store, Organization]]:
    """Open a database that is up to date, and find an organization in it.

    Raises Refusal (not found), with suggestions.
    """
    async with wiring.opened(location) as store:
        found = await store.organizations.find(name)
        if found is None:
            raise unknown_organization(name, [each.name for each in await store.organizations.all()])
        yield store, found


def in_store(database: str, work: Callable[[Store], Awaitable[Result]], *, create: bool = False) -> Result:
    """Return what `work` returns for a database; with `create`, the database is created if it is missing."""
    location = require_database(database, create=create)

    async def opened() -> Result:
        async with wiring.opened(location) as store:
            return await work(store)

    return run(opened())


def in_organization(
    database: str, organization: str, work: Callable[[Store, Organization], Awaitable[Result]]
) -> Result:
    """Return what `work` returns for an organization of a database."""
    location = require_database(database)

    async def opened() -> Result:
        async with open_organization(location, organization) as (store, found):
            return await work(store, found)

    return run(opened())


class Named(Protocol):
    """Keys or clients: what an organization revokes by its name."""

    async def revoke(self, organization: OrganizationId, name: str, now: Instant) -> bool:
        """Revoke one; False if none that is valid has that name."""
        ...

    async def all(self) -> Sequence[ApiKey] | Sequence[Client]:
        """Return every one, revoked ones too."""
        ...


def revoke_name(kind: str, name: str, organization: str, database: str, found_in: Callable[[Store], Named]) -> None:
    """Revoke a key or a client, `kind`, and report it. Raises Refusal, with suggestions, if none has that name."""

    async def work(store: Store, found: Organization) -> None:
        if not await found_in(store).revoke(found.id, name, wiring.now()):
            raise unknown_name(kind, name, organization, await found_in(store).all())

    in_organization(database, organization, work)
    typer.echo(f"{kind.capitalize()} {name} revoked.", err=True)


def unknown_organization(name: str, known: Sequence[str], remedy: str | None = None) -> Refusal:
    """Return the refusal of an organization that does not exist; `remedy` is a sentence on how to create it."""
    remedy = remedy or f"`rowen organizations create {name!r}` creates it"
    return Refusal(Code.NOT_FOUND, f"there is no organization {name!r}{alternatives(name, known)} {remedy}")
