"""Fixtures of the use cases' tests."""

from collections.abc import Iterator

import pytest

from tests.unit.app.office import Office, opened


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    """Return a desk to work at, in a database of the test's own."""
    with opened(database) as made:
        yield made
