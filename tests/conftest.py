"""Fixtures that every suite may use."""

import gc
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest
from hypothesis import settings

from tests.support import v3_account
from tests.support.harness import Harness, Tenant, opened
from tests.support.mirroring import Mirroring, mirroring_of
from tests.support.served_schedule import HOME, ServedSchedule, shared_schedule
from tests.support.storage import STORAGES, Storage
from tests.support.strategies import PROFILE
from tests.support.v3_upstream import V3Upstream, v3_upstream

_MEASURED: Final = ("contract", "unit")
"""Suites that count for coverage: the others exercise the same code at scale, concurrently or under faults."""


def pytest_configure() -> None:
    """Let Ctrl-C reach the commands under test even if the tests run in the background of a script or under nohup.

    SIGINT is ignored there, and child processes inherit that. Tests of Hypothesis without settings have those of ours.
    """
    settings.register_profile("rowen", PROFILE)
    settings.load_profile("rowen")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that count for coverage: those suites, but once only if they run on every engine."""
    for item in items:
        suite = item.path.relative_to(Path(__file__).parent).parts[0]
        if suite in _MEASURED and item.get_closest_marker("heavy") is None and not _is_repeated(item, suite):
            item.add_marker("measured")


def pytest_collection_finish() -> None:
    """Leave all tests and modules out of garbage collections: they stay, and would be a fifth of the run's time."""
    gc.freeze()


def _is_repeated(item: pytest.Item, suite: str) -> bool:
    """Return whether a test repeats one on another engine; unit tests are about the engine."""
    if suite == "unit" or not isinstance(item, pytest.Function) or not hasattr(item, "callspec"):
        return False
    return item.callspec.params.get("storage", STORAGES[0]) is not STORAGES[0]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run asynchronous tests and fixtures on asyncio."""
    return "asyncio"


@pytest.fixture(params=STORAGES, ids=lambda storage: storage.name, scope="session")
def storage(request: pytest.FixtureRequest) -> Storage:
    """Return a storage engine: a test that asks for it runs once on each."""
    found: Storage = request.param
    return found


@pytest.fixture
def database(storage: Storage, tmp_path: Path) -> str:
    """Return the URL of a new database that has its tables, and nothing in them."""
    return storage.new_database(tmp_path)


@pytest.fixture
def harness(database: str) -> Iterator[Harness]:
    """Return a harness of a new database, which nothing serves, with a clock that stands still."""
    with opened(database) as harness:
        yield harness


@pytest.fixture
def tenant(harness: Harness) -> Tenant:
    """Return a new organization and its key."""
    return harness.tenant("one")


@pytest.fixture
def upstream() -> Iterator[V3Upstream]:
    """Return an account of Harvest v3 that has something of everything."""
    with v3_upstream() as upstream:
        v3_account.fill(upstream)
        yield upstream


@pytest.fixture
def mirroring(tenant: Tenant, upstream: V3Upstream) -> Iterator[Mirroring]:
    """Return the mirror of that account in the tenant's organization."""
    with mirroring_of(tenant, upstream) as mirroring:
        yield mirroring


@pytest.fixture(scope="session")
def schedule(storage: Storage, pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> ServedSchedule:
    """Return schedules on a running server: read them, and write only to organizations of your own."""
    return shared_schedule(storage, pytestconfig, tmp_path_factory)


@pytest.fixture(scope="session")
def home(schedule: ServedSchedule) -> Iterator[httpx.Client]:
    """Return a client of the organization that keeps UTC, with every permission."""
    with schedule.server.client(schedule.keys[HOME]) as client:
        yield client
