"""Accounts of Harvest v3, served by Rowen: their clients, tokens and rows, and mirrors of them.

Owns the command line of clients and mirrors, and the requests that a client of v3 makes. Must not know the figures.
"""

import json
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from benchmarks.client import Request
from benchmarks.places import Place
from benchmarks.processes import Run, Server, in_background, run
from benchmarks.subject import ROWEN, Database, create_key, expect
from rowen.app.mirror import REACHES

RESOURCES: Final = tuple(REACHES)
"""The lists that a mirror reads, in its order."""

MIRRORED: Final = "default"
"""The organization that is the mirror."""


@dataclass(frozen=True)
class V3Client:
    """The id and the secret of a client of Harvest v3."""

    name: str
    secret: str

    def token(self, server: Server) -> str:
        """Return a new token of the client."""
        body = {"grant_type": "client_credentials", "client_id": self.name, "client_secret": self.secret}
        with server.connect() as connection:
            answer = expect(connection, Request("/token", method="POST", body=json.dumps(body).encode()))
        token: str = json.loads(answer.body)["access_token"]
        return token


@dataclass(frozen=True)
class Account:
    """An organization that Rowen serves as an account of v3, and a client of it."""

    server: Server
    client: V3Client

    def mirror(self, place: Place, folder: Path) -> Run:
        """Read the account into a new database once."""
        place.clear()
        return run("rowen mirror", [*self._command(place, folder), "--once"])

    def follow(self, place: Place, folder: Path, *, every: int) -> AbstractContextManager[None]:
        """Follow the account for the length of the block, with `every` seconds between two rounds."""
        return in_background([*self._command(place, folder), "--every", str(every)], folder / "logs" / "mirror.log")

    def _command(self, place: Place, folder: Path) -> list[str | Path]:
        secret = folder / "mirror-secret.txt"
        secret.write_text(self.client.secret)
        where = ["--from", f"http://127.0.0.1:{self.server.port}/v3", "--database", place.url]
        return [*ROWEN, "mirror", *where, "--client-id", self.client.name, "--client-secret-file", secret]


def create_client(database: Database, organization: str) -> V3Client:
    """Create a client of an organization that may read and write everything."""
    command = [*ROWEN, "clients", "create", "benchmarks", "--organization", organization, "--database", database.url]
    lines = run("rowen clients create", command).output.splitlines()
    shown = dict(line.partition(": ")[::2] for line in lines)
    return V3Client(shown["client_id"], shown["secret"])


def mirrored(place: Place) -> Database:
    """Return the database of a mirror, with a key."""
    return Database(place, (create_key(place, MIRRORED),))


def rows(token: str, resource: str, **parameters: str | int) -> Request:
    """Return a request for a list of v3."""
    return Request(f"/v3/{resource}?{urlencode(parameters)}" if parameters else f"/v3/{resource}", token=token)
