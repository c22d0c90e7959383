"""Fixtures of the tests with clients of others."""

from collections.abc import Iterator

import pytest

from tests.support.harness import Harness, served
from tests.support.storage import Storage
from tests.support.tenants import IsolatedTenant, two_tenants


@pytest.fixture(scope="package")
def harness(storage: Storage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    """Return a harness of a running server."""
    database = storage.new_database(tmp_path_factory.mktemp("clients"))
    with served(database, "--webhook-allow", "127.0.0.1") as harness:
        yield harness


@pytest.fixture(scope="module")
def account(harness: Harness) -> Iterator[IsolatedTenant]:
    """Return an organization that has records of every kind, next to another one that has them, too."""
    with two_tenants(harness) as made:
        yield made.home
