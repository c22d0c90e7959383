"""A database of one test, on every engine."""

from collections.abc import Iterator

import pytest

from tests.concurrency.writer import Client, Writer, writing


@pytest.fixture
def writer(database: str) -> Iterator[Writer]:
    """Return a writer to a new database."""
    with writing(database) as opened:
        yield opened


@pytest.fixture
def client(writer: Writer) -> Client:
    """Return a new organization."""
    return writer.new_client("one")
