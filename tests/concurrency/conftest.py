"""Servers for the tests of concurrency: of one worker, and of two that share the database."""

from collections.abc import Iterator

import pytest

from tests.support.harness import FakeClock, Harness, served
from tests.support.storage import Storage


@pytest.fixture(scope="module", params=["1", "2"], ids=["one_worker", "two_workers"])
def harness(
    request: pytest.FixtureRequest, storage: Storage, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Harness]:
    """Return a harness of a database that a server serves."""
    with served(
        storage.new_database(tmp_path_factory.mktemp("walks")), "--workers", request.param, clock=FakeClock()
    ) as harness:
        yield harness


@pytest.fixture(scope="module")
def two_workers(storage: Storage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    """Return a harness of a database that a server of two workers serves."""
    with served(storage.new_database(tmp_path_factory.mktemp("races")), "--workers", "2", clock=FakeClock()) as harness:
        yield harness
