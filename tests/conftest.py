"""Fixtures that every suite may use."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.contract.schedule import HOME, Schedule, shared_schedule
from tests.support.storage import STORAGES, Storage

_MEASURED: Final = ("contract", "unit")
"""Suites that go through every rule: the others prove the same code by quantity, at the same time, or as it fails."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is measured for coverage: those suites, but once only, where they run on every engine."""
    for item in items:
        suite = item.path.relative_to(Path(__file__).parent).parts[0]
        if suite in _MEASURED and item.get_closest_marker("heavy") is None and not _is_repeated(item, suite):
            item.add_marker("measured")


def _is_repeated(item: pytest.Item, suite: str) -> bool:
    """Tell whether a test is one once more, on another engine: unit tests are about the engine."""
    if suite == "unit" or not isinstance(item, pytest.Function) or not hasattr(item, "callspec"):
        return False
    return item.callspec.params.get("storage", STORAGES[0]) is not STORAGES[0]


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
