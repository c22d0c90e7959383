"""Fixtures of the tests of pages."""

from collections.abc import Iterator

import pytest

from tests.support.harness import Harness, served
from tests.support.hiring_teams import HiringTeam, hiring_team
from tests.support.storage import Storage


@pytest.fixture(scope="session")
def harness(storage: Storage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    """Return a harness of a running server, for organizations of each test's own."""
    with served(storage.new_database(tmp_path_factory.mktemp("web"))) as harness:
        yield harness


@pytest.fixture
def team(harness: Harness) -> Iterator[HiringTeam]:
    """Return an organization of the test's own, on the shared server."""
    with hiring_team(harness) as made:
        yield made
