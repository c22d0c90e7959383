"""Clients of Harvest v3 in tests, and their tokens.

Owns making a client in a database, and asking a server for a token. Must not know what a token is made of.
"""

from collections.abc import Iterable
from itertools import count

import httpx

from rowen.app.clients import ClientSecrets, new_client
from tests.support.harness import Tenant
from tests.support.server import Server, basic

_numbers = count(1)


def make_client(tenant: Tenant, *scopes: str, name: str | None = None, user_id: int | None = None) -> ClientSecrets:
    """Make a client with these scopes, with every one if none is named."""
    harness = tenant.harness
    shown, stored = new_client(name or f"client-{next(_numbers)}", scopes=scopes, user_id=user_id)
    harness.run(harness.store.clients.create(tenant.organization.id, stored, harness.clock()))
    return shown


def revoke_client(tenant: Tenant, name: str) -> None:
    """Revoke a client."""
    harness = tenant.harness
    assert harness.run(harness.store.clients.revoke(tenant.organization.id, name, harness.clock()))


def token_of(server: Server, client: ClientSecrets, **fields: str) -> str:
    """Return a token for a client's id and secret."""
    answer = httpx.post(
        f"{server.url}/token",
        data={"grant_type": "client_credentials", **fields},
        headers=basic(client.client_id, client.secret),
    )
    token: str = answer.raise_for_status().json()["access_token"]
    return token


def bridged_token(server: Server, key: str) -> str:
    """Return a token for an API key."""
    token: str = httpx.post(f"{server.url}/auth/token", headers=basic(key)).raise_for_status().json()["access_token"]
    return token


def bearer(token: str) -> dict[str, str]:
    """Return the headers that authenticate with a token."""
    return {"Authorization": f"Bearer {token}"}


def new_token(tenant: Tenant, scopes: Iterable[str] = ()) -> str:
    """Return a token of a new client with these scopes, with every one if none is named."""
    return token_of(tenant.harness.server, make_client(tenant, *scopes))
