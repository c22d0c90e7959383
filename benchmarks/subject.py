"""Rowen, used from outside as an operator uses it: imports, keys and servers.

Owns Rowen's command line and the URLs of its API. Must not know Rowen's code, the engines or the figures.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from benchmarks.client import Answer, Connection, Request
from benchmarks.places import Place, SqliteFile
from benchmarks.processes import BenchmarkError, Run, Server, free_port, run, serving

INTERVIEWS: Final = "/v1/scheduled_interviews"
ROWEN: Final = (sys.executable, "-m", "rowen")
"""The command `rowen`."""

_UNLIMITED: Final = "100000000"  # the limit is active, and counts, but is never reached
_LOOPBACK: Final = ("--webhook-allow", "127.0.0.1")


@dataclass(frozen=True)
class Database:
    """A database of Rowen, and the key of each of its organizations."""

    place: Place
    keys: tuple[str, ...]

    @property
    def url(self) -> str:
        """The URL for `--database`."""
        return self.place.url


@dataclass(frozen=True)
class Page:
    """A page of 100: its organization, from 0, its number, from 1, the id after which it begins, and its request."""

    organization: int
    number: int
    after: int
    request: Request


def import_file(source: Path, place: Place, organization: str, *options: str, code: Path | None = None) -> Run:
    """Import a file into an organization, with Rowen's code in the folder `code` if it is given."""
    to = ["--organization", organization, "--database", place.url]
    create = [] if code else ["--create"]  # commits without this option create missing organizations anyway
    return run("rowen import", [*ROWEN, "import", source, *create, *to, *options], _environment(code))


def load(place: Place, sources: Mapping[str, Path]) -> Database:
    """Import a file for each organization into a new database, and create a key for each."""
    place.clear()
    for organization, source in sources.items():
        import_file(source, place, organization, "--created-through-api")  # otherwise no interview would be actionable
    return Database(place, tuple(create_key(place, organization) for organization in sources))


def load_by(source: Path, place: Place, sources: Mapping[str, Path]) -> Database:
    """Do the same as `load`, with the code of an earlier commit in the folder `source`."""
    place.clear()
    for organization, file in sources.items():
        make_organization(place, organization, source)
        import_file(file, place, organization, "--created-through-api", code=source)
    return Database(place, tuple(create_key(place, organization, source) for organization in sources))


def create_key(place: Place, organization: str, code: Path | None = None) -> str:
    """Create a key of an organization that allows everything, and return it."""
    options = ["--organization", organization, "--database", place.url]
    command = [*ROWEN, "keys", "create", "benchmarks", *options]
    return run("rowen keys create", command, _environment(code)).output.strip()


def _environment(code: Path | None) -> dict[str, str] | None:
    return {"PYTHONPATH": str(code)} if code else None


def make_tables(place: Place) -> None:
    """Create a database without interviews."""
    place.clear()
    make_organization(place, "empty")


def make_organization(place: Place, name: str, code: Path | None = None) -> None:
    """Create an organization, and the database if it does not exist."""
    command = [*ROWEN, "organizations", "create", name, "--database", place.url]
    run("rowen organizations create", command, _environment(code))


def copy_over(place: Place, original: Place) -> None:
    """Replace a database by a copy of another, of any engine."""
    place.clear()
    run("rowen db copy", [*ROWEN, "db", "copy", original.url, place.url])


def copied(database: Database, file: Path) -> Database:
    """Return a new copy of a SQLite database, with the same keys."""
    copy = SqliteFile(file)
    copy.clear()
    run("rowen db backup", [*ROWEN, "db", "backup", file, "--database", database.url])
    return Database(copy, database.keys)


def add_webhook(database: Database, organization: str, url: str) -> None:
    """Add a webhook, with a receiver on this machine, to an organization."""
    options = ["--organization", organization, "--database", database.url, *_LOOPBACK]
    run("rowen webhooks add", [*ROWEN, "webhooks", "add", url, *options])


def served(
    database: Database, log: Path, workers: int = 1, *, source: Path | None = None, under: Sequence[str] = ()
) -> AbstractContextManager[Server]:
    """Serve a database with one worker or more, and defaults otherwise; webhooks may be sent to this machine.

    `source` is the folder with the code of another commit, `under` a command that runs the server.
    """
    port = free_port()
    limits = ["--rate-limit", _UNLIMITED]
    if source is None:  # earlier commits serve no v3
        limits += ["--v3-rate-limit", _UNLIMITED]
    options = ["--port", str(port), "--public-url", f"http://127.0.0.1:{port}", *limits, *_LOOPBACK]
    command = [*under, *ROWEN, "serve", "--database", database.url, "--workers", str(workers), *options]
    ready = listing(database.keys[0])
    return serving("Rowen", command, port=port, ready=ready, log=log, environment=_environment(source))


def listing(key: str, **parameters: str | int) -> Request:
    """Return a request for the list."""
    return Request(f"{INTERVIEWS}?{urlencode(parameters)}" if parameters else INTERVIEWS, key)


def walk(connection: Connection, first: Request) -> Iterator[tuple[Request, Answer]]:
    """Follow `next` from a first page to the end."""
    request: Request | None = first
    while request is not None:
        answer = expect(connection, request)
        yield request, answer
        following = answer.link("next")
        request = None if following is None else replace(request, target=following)


def expect(connection: Connection, request: Request) -> Answer:
    """Send a request and return its response. Raises BenchmarkError unless its status is 200."""
    answer = connection.send(request)
    if answer.status != 200:
        raise BenchmarkError(f"{request.target} returned {answer.status}")
    return answer


def pages(connection: Connection, database: Database) -> Iterator[Page]:
    """Yield the full pages of all organizations, except the first ones, which need no `after`."""
    for organization, key in enumerate(database.keys):
        for number, (request, answer) in enumerate(walk(connection, listing(key)), start=1):
            if number > 1 and answer.link("next"):
                yield Page(organization, number, _after(request), request)


def _after(request: Request) -> int:
    query = request.target.partition("?")[2]
    values = dict(part.partition("=")[::2] for part in query.split("&"))
    return int(values["after"])
