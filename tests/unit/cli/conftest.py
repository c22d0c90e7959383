"""The commands are tested on one engine: other suites test the other one."""

import pytest

from tests.support.storage import SQLITE, Storage


@pytest.fixture(scope="session")
def storage() -> Storage:
    """Return the default engine."""
    return SQLITE
