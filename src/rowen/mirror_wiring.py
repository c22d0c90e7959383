"""What reads an account, to mirror or to import it: its objects, built.

Owns which part gets which, as `wiring.py` does for the rest. Must not know what a part does. Nothing is built, and
nothing of a mirror imported, when this is imported: the other commands need none of it.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rowen.app.mirror import Mirrors
from rowen.app.organizations import Organization
from rowen.settings import DEFAULT_ORGANIZATION
from rowen.store.database import locate, upgrade
from rowen.wiring import Store, now, opened

if TYPE_CHECKING:
    import httpx

    from rowen.mirror.account import AccountPolicy
    from rowen.mirror.credentials import AccountClient
    from rowen.mirror.follower import Follower
    from rowen.mirror.reading import LoadStep
    from rowen.mirror.write_through import WriteThrough


@dataclass(frozen=True, slots=True)
class MirroredAccount:
    """An account to mirror: its address, the client, and how it is treated; writes may pass through to it.

    `database` is the address of the database that it is mirrored into.
    """

    base: "httpx.URL"
    client: "AccountClient"
    policy: "AccountPolicy"
    database: str
    write_through: bool = False


@contextmanager
def following(
    store: Store,
    organization: Organization,
    mirrored: MirroredAccount,
    loading: Callable[[], AbstractContextManager[Callable[["LoadStep"], None]]],
) -> "Iterator[tuple[Follower, WriteThrough | None]]":
    """Return what mirrors an account into an organization, and what passes writes through, if they do.

    Their requests end with the block.
    """
    from rowen.mirror.account import Account
    from rowen.mirror.account_writes import AccountWriter, prompt
    from rowen.mirror.follower import Follower, FollowerDeps
    from rowen.mirror.helper import HelperProcess
    from rowen.mirror.helper_process import AccountAccess, Beginning
    from rowen.mirror.turns import Turns
    from rowen.mirror.write_through import PassingDeps, WriteThrough
    from rowen.mirror.writing import MirrorPorts

    async def try_lead() -> bool:
        return await store.engine.try_lead(f"mirror-{organization.id}")

    base, client, turns = mirrored.base, mirrored.client, Turns()
    account = Account(base, client, mirrored.policy)
    reading = Account(base, client, prompt(mirrored.policy))
    destination = MirrorPorts(store.mirrors, store.merger, store.record_merger, store.writing, now)
    access = AccountAccess(
        str(base), client.identifier, client.secret, str(client.token_url), client.user, mirrored.policy.margin
    )
    helper = HelperProcess(Beginning(mirrored.database, organization.name, access), mirrored.policy.retries.on_retry)
    deps = FollowerDeps(try_lead, loading, turns=turns, write_through=mirrored.write_through, helper=helper)
    passing = PassingDeps(
        store.account_writes, reading, AccountWriter(base, client, now), turns, try_lead, store.commits
    )
    through = WriteThrough(destination, organization, passing) if mirrored.write_through else None
    try:
        yield Follower(destination, organization, account, str(base), deps), through
    finally:
        account.close()
        reading.close()


@asynccontextmanager
async def scratch(folder: Path) -> AsyncIterator[tuple[Mirrors, Organization]]:
    """Return the mirrors of a new database in a folder, which holds nothing yet, and its only organization."""
    location = locate(f"sqlite:///{folder}/rows.db")
    upgrade(location)
    async with opened(location) as store:
        yield store.mirrors, await store.organizations.create(DEFAULT_ORGANIZATION, "UTC", now())
