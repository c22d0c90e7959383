"""People who sign in: their links, and clients of their sessions."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import httpx

from rowen.app.roles import Role
from rowen.app.sessions import new_token
from rowen.interviews.moments import Instant
from tests.support.harness import Tenant

_FIELD: Final = re.compile(r'name="csrf" value="([0-9a-f]*)"')
BROWSER: Final = {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", "Accept-Language": "en-US,en;q=0.5"}


def invited(tenant: Tenant, user: int, role: Role, now: Instant | None = None) -> str:
    """Give a user a role, and return the path of a link that signs the user in."""
    secret, link = new_token(tenant.organization.id)
    harness = tenant.harness
    harness.run(harness.store.sessions.invite(tenant.organization.id, user, role, link, now or harness.clock()))
    return f"/sign-in/{secret}"


def visitor(tenant: Tenant, **headers: str) -> httpx.Client:
    """Return a browser without a session. It is to be closed."""
    client = tenant.harness.server.client()
    client.headers.update({**BROWSER, "Origin": tenant.harness.server.url, **headers})
    return client


@contextmanager
def signed_in(tenant: Tenant, user: int, role: Role) -> Iterator[httpx.Client]:
    """Open a browser with a session, for the duration of the block."""
    with visitor(tenant) as client:
        answer = client.post(invited(tenant, user, role))
        assert answer.status_code == 303, answer.text
        yield client


def token_of(client: httpx.Client, path: str = "/preferences") -> str:
    """Return the token for unsafe requests that a page of a session shows."""
    found = _FIELD.search(client.get(path).text)
    assert found, "no form"
    return found[1]


def submit(client: httpx.Client, path: str, **fields: str | list[str]) -> httpx.Response:
    """Send a form of a session, with its token."""
    return client.post(path, data={"csrf": token_of(client), **fields})
