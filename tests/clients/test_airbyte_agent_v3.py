"""The PyPI package `airbyte-agent-sdk` 0.1.380, unmodified but for its addresses: a connector to Harvest v3.

It has no access token at first, and uses its refresh token to get one.
"""

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.foreign_clients import ClientError, ForeignClient, python_of, running
from tests.support.harness import Harness
from tests.support.tenants import IsolatedTenant
from tests.support.tokens import make_client

PACKAGE: Final = "airbyte-agent-sdk-0.1.380"
DRIVER: Final = "airbyte_v3.py"
ENTITIES: Final = {
    "applications": "application",
    "attachments": None,
    "candidates": "candidate",
    "departments": None,
    "interviews": "scheduled",
    "job_posts": None,
    "jobs": "job",
    "offers": None,
    "offices": None,
    "sources": None,
    "users": "user",
}
"""All that it lists, each with one that is held."""
UPDATED: Final = {"updated_at": "gte|2019-01-01T00:00:00Z"}


@pytest.fixture(scope="module")
def connector(
    harness: Harness, account: IsolatedTenant, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ForeignClient]:
    """Return the connector, as a client of an organization that has records of every kind."""
    shown = make_client(account)
    own = {"CLIENT_ID": shown.client_id, "CLIENT_SECRET": shown.secret, "REFRESH_TOKEN": shown.refresh_token}
    home = tmp_path_factory.mktemp("home")
    with running(python_of(PACKAGE), DRIVER, harness.server.url, home, own) as client:
        yield client


def ids_in(answer: Any) -> list[int]:
    """Return the ids of the rows of an answer."""
    return [each["id"] for each in answer["data"]]


@pytest.mark.parametrize("entity", ENTITIES)
def test_every_entity_is_listed(connector: ForeignClient, account: IsolatedTenant, entity: str) -> None:
    held = ENTITIES[entity]
    found = ids_in(connector.call(f"{entity}.list"))
    assert found == [] if held is None else account.ids[held] in found


@pytest.mark.parametrize("entity", ["applications", "candidates", "interviews", "jobs", "users"])
def test_its_filters(connector: ForeignClient, account: IsolatedTenant, entity: str) -> None:
    identifier = account.ids[ENTITIES[entity] or ""]
    assert ids_in(connector.call(f"{entity}.list", ids=[identifier], **UPDATED)) == [identifier]
    assert ids_in(connector.call(f"{entity}.list", ids=[987_654_321], **UPDATED)) == []
    assert ids_in(connector.call(f"{entity}.list", updated_at="gte|2061-01-01T00:00:00Z")) == []


def test_its_next_address_leads_to_the_next_page(connector: ForeignClient, account: IsolatedTenant) -> None:
    first = connector.call("users.list", per_page=1)
    cursor = parse_qs(urlsplit(first["meta"]["next"]).query)["cursor"][0]
    second = connector.call("users.list", cursor=cursor)
    assert ids_in(first) + ids_in(second) == [account.ids["other_user"], account.ids["user"]]
    assert second["meta"]["next"] is None


def test_a_dead_refresh_token_is_its_error(
    harness: Harness, account: IsolatedTenant, tmp_path_factory: pytest.TempPathFactory
) -> None:
    shown = make_client(account)
    own = {"CLIENT_ID": shown.client_id, "CLIENT_SECRET": shown.secret, "REFRESH_TOKEN": "dead"}
    home = tmp_path_factory.mktemp("home")
    with (
        running(python_of(PACKAGE), DRIVER, harness.server.url, home, own) as client,
        pytest.raises(ClientError),
    ):
        client.call("users.list")
