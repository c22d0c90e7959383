"""The schedules that these tests read, served once for all of them."""

from collections.abc import Iterator

import httpx
import pytest

from tests.contract.schedule import HOME, Schedule, serving_schedule
from tests.support.storage import Storage


@pytest.fixture(scope="session")
def schedule(storage: Storage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Schedule]:
    """Return schedules on a running server: read them, and write to organizations of your own only."""
    folder = tmp_path_factory.mktemp("schedule")
    with serving_schedule(storage.new_database(folder), folder) as served:
        yield served


@pytest.fixture(scope="session")
def home(schedule: Schedule) -> Iterator[httpx.Client]:
    """Return a client of the organization that keeps UTC, with every permission."""
    with schedule.server.client(schedule.keys[HOME]) as client:
        yield client
