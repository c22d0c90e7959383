"""The schedules that these tests read, served once for all of them."""

from collections.abc import Iterator

import httpx
import pytest

from tests.contract.schedule import HOME, Schedule, shared_schedule
from tests.support.storage import Storage


@pytest.fixture(scope="session")
def schedule(storage: Storage, pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Schedule:
    """Return schedules on a running server: read them, and write to organizations of your own only."""
    return shared_schedule(storage, pytestconfig, tmp_path_factory)


@pytest.fixture(scope="session")
def home(schedule: Schedule) -> Iterator[httpx.Client]:
    """Return a client of the organization that keeps UTC, with every permission."""
    with schedule.server.client(schedule.keys[HOME]) as client:
        yield client
