"""The commands are tried on one engine: what they do on the other is proven by the suites that run on both."""

import pytest

from tests.support.storage import SQLITE, Storage


@pytest.fixture(scope="session")
def storage() -> Storage:
    """Return the engine that is used where no other is named."""
    return SQLITE
