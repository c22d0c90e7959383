"""Fixtures of the contract's tests that write."""

from collections.abc import Iterator

import pytest

from tests.support.harness import Harness, Tenant, served
from tests.support.hiring_teams import HiringTeam, hiring_team
from tests.support.storage import Storage


@pytest.fixture(scope="session")
def harness(storage: Storage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    """Return a harness of a running server, for organizations of each test's own."""
    with served(storage.new_database(tmp_path_factory.mktemp("harness"))) as harness:
        yield harness


@pytest.fixture
def tenant(harness: Harness) -> Tenant:
    """Return an organization of the test's own that has nothing, on the shared server."""
    return harness.tenant()


@pytest.fixture
def team(harness: Harness) -> Iterator[HiringTeam]:
    """Return an organization of the test's own, on the shared server."""
    with hiring_team(harness) as made:
        yield made


@pytest.fixture(scope="session")
def refusing(harness: Harness) -> Iterator[HiringTeam]:
    """Return an organization for tests whose every request is refused: they change nothing."""
    with hiring_team(harness) as made:
        yield made
