"""Fixtures of the contract's tests that write."""

from collections.abc import Iterator

import pytest

from tests.contract.team import Office, Team, opened
from tests.support.storage import Storage


@pytest.fixture(scope="session")
def office(storage: Storage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """Return a running server with room for organizations."""
    with opened(storage.new_database(tmp_path_factory.mktemp("office"))) as made:
        yield made


@pytest.fixture
def team(office: Office) -> Iterator[Team]:
    """Return an organization of the test's own, on the shared server."""
    with office.team() as made:
        yield made


@pytest.fixture(scope="session")
def refusing(office: Office) -> Iterator[Team]:
    """Return an organization for tests that are refused whatever they ask: they leave nothing behind."""
    with office.team() as made:
        yield made
