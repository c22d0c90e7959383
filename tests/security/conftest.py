"""Fixtures of the tests of security."""

from collections.abc import Iterator

import pytest

from tests.security.world import World, inhabited
from tests.support.storage import Storage


@pytest.fixture(scope="package")
def world(storage: Storage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Return two organizations on a running server: what is written there stays."""
    with inhabited(storage.new_database(tmp_path_factory.mktemp("world"))) as made:
        yield made
