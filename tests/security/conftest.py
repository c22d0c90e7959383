"""Fixtures of the tests of security."""

from collections.abc import Iterator

import pytest

from tests.security.world import Ground, World, prepared
from tests.support.storage import Storage


@pytest.fixture(scope="package")
def ground(storage: Storage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """Return a running server with room for organizations."""
    with prepared(storage.new_database(tmp_path_factory.mktemp("world"))) as made:
        yield made


@pytest.fixture(scope="package")
def world(ground: Ground) -> Iterator[World]:
    """Return two organizations that the tests share: none of them may write there."""
    with ground.world() as made:
        yield made


@pytest.fixture
def new_world(ground: Ground) -> Iterator[World]:
    """Return two organizations of the test's own."""
    with ground.world() as made:
        yield made
