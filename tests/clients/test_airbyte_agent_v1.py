"""The PyPI package `airbyte-agent-greenhouse` 0.17.31, unmodified but for its base URL: a connector to Harvest v1."""

from collections.abc import Iterator
from typing import Final

import pytest

from tests.support.foreign_clients import ClientError, ForeignClient, python_of, running
from tests.support.harness import Harness
from tests.support.records import Record
from tests.support.served_schedule import HOME, ServedSchedule
from tests.support.tenants import NOWHERE, IsolatedTenant

PACKAGE: Final = "airbyte-agent-greenhouse-0.17.31"
DRIVER: Final = "airbyte_v1.py"
ENTITIES: Final = {
    "applications": "application",
    "candidates": "candidate",
    "departments": "archived",
    "job_posts": "archived",
    "jobs": "job",
    "offers": "archived",
    "offices": "archived",
    "scheduled_interviews": "scheduled",
    "users": "user",
}
"""What it lists and retrieves, each with one of them."""
CREATED: Final = {"created_after": "2019-01-01T00:00:00Z", "created_before": "2060-01-01T00:00:00Z"}
LATER: Final = "2061-01-01T00:00:00Z"


@pytest.fixture(scope="module")
def connector(
    harness: Harness, account: IsolatedTenant, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ForeignClient]:
    """Return the connector, with the key of an organization that has records of every kind."""
    own = {"GREENHOUSE_API_KEY": account.key}
    home = tmp_path_factory.mktemp("home")
    with running(python_of(PACKAGE), DRIVER, harness.server.url, home, own) as client:
        yield client


def test_counting_pages_reaches_every_interview(
    schedule: ServedSchedule, tmp_path_factory: pytest.TempPathFactory
) -> None:
    own = {"GREENHOUSE_API_KEY": schedule.keys[HOME]}
    home = tmp_path_factory.mktemp("home")
    found: list[Record] = []
    with running(python_of(PACKAGE), DRIVER, schedule.server.url, home, own) as client:
        page = 1
        while items := client.call("scheduled_interviews.list", per_page=100, page=page):
            found += items
            page += 1
    assert found == list(schedule.home)


@pytest.mark.parametrize("entity", ENTITIES)
def test_every_entity_is_listed_and_retrieved(connector: ForeignClient, account: IsolatedTenant, entity: str) -> None:
    identifier = account.ids[ENTITIES[entity]]
    listed = {each["id"]: each for each in connector.call(f"{entity}.list")}
    retrieved = connector.call(f"{entity}.get", id=str(identifier))
    assert retrieved == listed[identifier]
    assert connector.call(f"{entity}.list", page=9) == []
    with pytest.raises(ClientError, match="Resource not found"):
        connector.call(f"{entity}.get", id=str(NOWHERE))


def test_sources_are_listed(connector: ForeignClient) -> None:
    assert [each["name"] for each in connector.call("sources.list")] == ["Archived home"]


@pytest.mark.parametrize(
    ("entity", "filters", "excluding"),
    [
        ("applications", {**CREATED, "status": "active"}, "last_activity_after"),
        ("users", CREATED, "updated_after"),
        ("scheduled_interviews", {**CREATED, "ends_before": "2060-01-01T00:00:00Z"}, "starts_after"),
        ("scheduled_interviews", CREATED, "updated_after"),
    ],
)
def test_its_filters(connector: ForeignClient, entity: str, filters: dict[str, str], excluding: str) -> None:
    assert connector.call(f"{entity}.list", **filters, **{excluding: "2019-01-01T00:00:00Z"})
    assert connector.call(f"{entity}.list", **filters, **{excluding: LATER}) == []


def test_a_wrong_key_is_its_error(harness: Harness, tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("home")
    own = {"GREENHOUSE_API_KEY": "wrong"}
    with running(python_of(PACKAGE), DRIVER, harness.server.url, home, own) as client:
        for entity in ("users", "offers"):
            with pytest.raises(ClientError, match="Authentication"):
                client.call(f"{entity}.list")
