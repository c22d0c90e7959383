"""Fixtures that every suite may use."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.contract.schedule import HOME, Schedule, shared_schedule
from tests.support.storage import STORAGES, Storage


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is a suite once more, on another engine: all but the unit tests, which are about the engine."""
    for item in items:
        if isinstance(item, pytest.Function) and "unit" not in item.path.parts and hasattr(item, "callspec"):
            storage = item.callspec.params.get("storage")
            if storage is not None and storage is not STORAGES[0]:
                item.add_marker("again")


@pytest.fixture(params=STORAGES, ids=lambda storage: storage.name, scope="session")
def storage(request: pytest.FixtureRequest) -> Storage:
    """Return a storage engine: a test that asks for it runs once on each."""
    found: Storage = request.param
    return found


@pytest.fixture
def database(storage: Storage, tmp_path: Path) -> str:
    """Return the URL of a database that does not exist yet."""
    return storage.new_database(tmp_path)


@pytest.fixture(scope="session")
def schedule(storage: Storage, pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Schedule:
    """Return schedules on a running server: read them, and write to organizations of your own only."""
    return shared_schedule(storage, pytestconfig, tmp_path_factory)


@pytest.fixture(scope="session")
def home(schedule: Schedule) -> Iterator[httpx.Client]:
    """Return a client of the organization that keeps UTC, with every permission."""
    with schedule.server.client(schedule.keys[HOME]) as client:
        yield client
