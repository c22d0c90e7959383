"""Fixtures of the tests of pages."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.support.browsers import CHROMIUM, launched
from tests.support.harness import Harness, served
from tests.support.hiring_teams import HiringTeam, hiring_team
from tests.support.server import Server, serving
from tests.support.storage import SQLITE, Storage


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


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return the distribution's browser."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed: scripts/test does it as root")
    with launched() as browser:
        yield browser


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a server of the demo, whose time zone is UTC, for the tests of a module."""
    with serving(SQLITE.new_database(tmp_path_factory.mktemp("demo")), ["--demo"]) as server:
        yield server
