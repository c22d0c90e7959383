"""Rowen, used from the outside as anybody would: import, keys, serve.

Owns Rowen's command line and the URLs of its API. Must not know Rowen's code, an engine, nor a figure.
"""

import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from benchmarks.client import Answer, Connection, Request
from benchmarks.places import Place, SqliteFile
from benchmarks.processes import BenchmarkError, Run, Server, free_port, run, serving

INTERVIEWS: Final = "/v1/scheduled_interviews"
_ROWEN: Final = (sys.executable, "-m", "rowen")
_UNLIMITED: Final = "100000000"  # the limit is on and counted, and is never reached
_HERE_TOO: Final = ("--webhook-allow", "127.0.0.1")


@dataclass(frozen=True)
class Database:
    """A database of Rowen's, and the key of each of its organizations."""

    place: Place
    keys: tuple[str, ...]

    @property
    def url(self) -> str:
        """Where it is, as `--database` takes it."""
        return self.place.url


@dataclass(frozen=True)
class Page:
    """A page of a hundred: whose (from 0), the how many-th (from 1), and the id it begins behind."""

    organization: int
    number: int
    after: int
    request: Request


def import_file(source: Path, place: Place, organization: str, *options: str, code: Path | None = None) -> Run:
    """Import a file into an organization, by Rowen's code in another folder if one is given."""
    to = ["--organization", organization, "--database", place.url]
    create = [] if code else ["--create"]  # commits before there was this option created what was missing
    return run("rowen import", [*_ROWEN, "import", source, *create, *to, *options], _environment(code))


def load(place: Place, sources: Mapping[str, Path]) -> Database:
    """Import a file for each organization into a new database, and make a key for each."""
    place.clear()
    for organization, source in sources.items():
        import_file(source, place, organization, "--created-through-api")  # else none were actionable
    return Database(place, tuple(_key(place, organization) for organization in sources))


def load_by(source: Path, place: Place, sources: Mapping[str, Path]) -> Database:
    """Do the same by Rowen's code in another folder, of an earlier commit."""
    place.clear()
    for organization, file in sources.items():
        make_organization(place, organization, source)
        import_file(file, place, organization, "--created-through-api", code=source)
    return Database(place, tuple(_key(place, organization, source) for organization in sources))


def _key(place: Place, organization: str, code: Path | None = None) -> str:
    options = ["--organization", organization, "--database", place.url]
    command = [*_ROWEN, "keys", "create", "benchmarks", *options]
    return run("rowen keys create", command, _environment(code)).output.strip()


def _environment(code: Path | None) -> dict[str, str] | None:
    return {"PYTHONPATH": str(code)} if code else None


def make_tables(place: Place) -> None:
    """Make an empty database."""
    place.clear()
    make_organization(place, "empty")


def make_organization(place: Place, name: str, code: Path | None = None) -> None:
    """Make an organization, and the database if there is none."""
    command = [*_ROWEN, "organizations", "create", name, "--database", place.url]
    run("rowen organizations create", command, _environment(code))


def copy_over(place: Place, original: Place) -> None:
    """Make a database a copy of another, of whichever engine."""
    place.clear()
    run("rowen db copy", [*_ROWEN, "db", "copy", original.url, place.url])


def copied(database: Database, file: Path) -> Database:
    """Return a copy of a SQLite database, made anew, that may be written to; its keys are the same."""
    copy = SqliteFile(file)
    copy.clear()
    run("rowen db backup", [*_ROWEN, "db", "backup", file, "--database", database.url])
    return Database(copy, database.keys)


def add_webhook(database: Database, organization: str, url: str) -> None:
    """Have an organization's interviews told to a receiver on this machine."""
    options = ["--organization", organization, "--database", database.url, *_HERE_TOO]
    run("rowen webhooks add", [*_ROWEN, "webhooks", "add", url, *options])


def served(
    database: Database, log: Path, workers: int = 1, *, source: Path | None = None
) -> AbstractContextManager[Server]:
    """Serve a database with one worker or more, all else on as it comes; webhooks may lead to this machine.

    `source` is the folder of another commit's code.
    """
    port = free_port()
    options = ["--port", str(port), "--public-url", f"http://127.0.0.1:{port}", "--rate-limit", _UNLIMITED, *_HERE_TOO]
    command = [*_ROWEN, "serve", "--database", database.url, "--workers", str(workers), *options]
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
        request = None if following is None else Request(following, request.key)


def expect(connection: Connection, request: Request) -> Answer:
    """Return the answer to a request; raise `BenchmarkError` unless it is 200."""
    answer = connection.send(request)
    if answer.status != 200:
        raise BenchmarkError(f"{request.target} was answered with {answer.status}")
    return answer


def pages(connection: Connection, database: Database) -> Iterator[Page]:
    """Yield every whole page of every organization but the first ones, which need no `after`."""
    for organization, key in enumerate(database.keys):
        for number, (request, answer) in enumerate(walk(connection, listing(key)), start=1):
            if number > 1 and answer.link("next"):
                yield Page(organization, number, _after(request), request)


def _after(request: Request) -> int:
    query = request.target.partition("?")[2]
    values = dict(part.partition("=")[::2] for part in query.split("&"))
    return int(values["after"])
