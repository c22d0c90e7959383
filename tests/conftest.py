"""Fixtures that every suite may use."""

from pathlib import Path

import pytest

from tests.support.storage import STORAGES, Storage


@pytest.fixture(params=STORAGES, ids=lambda storage: storage.name, scope="session")
def storage(request: pytest.FixtureRequest) -> Storage:
    """Return a storage engine: a test that asks for it runs once on each."""
    found: Storage = request.param
    return found


@pytest.fixture
def database(storage: Storage, tmp_path: Path) -> str:
    """Return the URL of a database that does not exist yet."""
    return storage.new_database(tmp_path)
