"""The commands are tested on one engine: other suites test the other one."""

from pathlib import Path

import pytest

from tests.support.storage import SQLITE, Storage


@pytest.fixture(scope="session")
def storage() -> Storage:
    """Return the default engine."""
    return SQLITE


@pytest.fixture
def no_database(database: str) -> None:
    """Remove the database, for a test of what makes one or does not."""
    Path(database.removeprefix("sqlite:///")).unlink()
