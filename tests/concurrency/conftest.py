"""Servers for the tests of concurrency: one worker, and two that share the database."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.concurrency.writer import Writer, writing
from tests.support.server import Server, serving
from tests.support.storage import Storage


class Served(NamedTuple):
    """A server, a writer beside it, and the database for more writers."""

    server: Server
    writer: Writer
    database: str


@pytest.fixture(scope="module", params=["1", "2"], ids=["one_worker", "two_workers"])
def served(
    request: pytest.FixtureRequest, storage: Storage, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """Return a running server on a database that a writer writes to."""
    database = storage.new_database(tmp_path_factory.mktemp("walks"))
    with writing(database) as writer:
        writer.new_client("first")
        with serving(database, ["--rate-limit", "0", "--workers", request.param]) as server:
            yield Served(server, writer, database)
