"""Fixtures of the security tests."""

from collections.abc import Iterator

import pytest

from tests.support.harness import Harness, served
from tests.support.storage import Storage
from tests.support.tenants import TenantPair, two_tenants


@pytest.fixture(scope="package")
def harness(storage: Storage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    """Return a harness of a running server, for organizations of each test's own."""
    database = storage.new_database(tmp_path_factory.mktemp("tenants"))
    with served(database, "--webhook-allow", "127.0.0.1") as harness:
        yield harness


@pytest.fixture(scope="package")
def tenants(harness: Harness) -> Iterator[TenantPair]:
    """Return two organizations that the tests share, and to which none of them may write, as is seen at the end."""
    with two_tenants(harness) as made, made.unchanged(whole=True):
        yield made


@pytest.fixture
def new_tenants(harness: Harness) -> Iterator[TenantPair]:
    """Return two organizations of the test's own."""
    with two_tenants(harness) as made:
        yield made
