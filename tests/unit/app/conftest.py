"""Fixtures of the use cases' tests."""

from collections.abc import Iterator

import pytest

from tests.support.use_case_harness import UseCases, opened_use_cases


@pytest.fixture
def use_cases(database: str) -> Iterator[UseCases]:
    """Return the use cases in a database of the test's own."""
    with opened_use_cases(database) as made:
        yield made
