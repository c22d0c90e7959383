"""The programs of the peers: installed, filled with the same interviews, and served with their best settings.

Owns their environments, their data files and their command lines. Must not know the figures.
"""

import json
import os
import shutil
import subprocess
import sys
import zlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.client import Answer, Request
from benchmarks.data import Corpus
from benchmarks.peers import bare, by_the_book
from benchmarks.places import fresh
from benchmarks.postgres import Postgres
from benchmarks.processes import BenchmarkError, Run, Server, free_port, run, serving
from benchmarks.subject import INTERVIEWS, Page

_HERE: Final = Path(__file__).parent.parent
_OWN_TO_A_SERVER: Final = frozenset({"date", "server", "connection", "keep-alive"})


class Peers:
    """All peers; their packages are installed, and their files are created, at first use."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._logs = folder / "logs"

    def bare(self, answers: Sequence[tuple[Request, Answer]]) -> AbstractContextManager[Server]:
        """Serve the given responses, on Rowen's own Granian and interpreter."""
        canned = self._folder / "bare.msgpack"
        canned.write_bytes(msgspec.msgpack.encode([_canned(request, answer) for request, answer in answers]))
        return self._granian(
            "the bare application", sys.executable, "bare:build", answers[0][0], {"BARE_ANSWERS": str(canned)}
        )

    def by_the_book(self, corpus: Corpus) -> AbstractContextManager[Server]:
        """Serve FastAPI with the SQLAlchemy ORM and Pydantic, on SQLite."""
        file = self._folder / f"by-the-book-{_version(corpus)}.db"
        if not file.exists():
            unfinished = fresh(file.with_suffix(".unfinished"))
            self._fill_by_the_book(f"sqlite:///{unfinished}", corpus)
            unfinished.rename(file)
        return self._by_the_book(f"sqlite:///{file}")

    def by_the_book_on_postgres(self, corpus: Corpus, server: Postgres) -> AbstractContextManager[Server]:
        """Serve the same peer on PostgreSQL, with psycopg."""
        place = server.place(f"by_the_book_{_version(corpus)}")
        if not place.exists:
            unfinished = server.place(f"{place.name}_unfinished")
            unfinished.clear()
            self._fill_by_the_book(_by_psycopg(unfinished.url), corpus)
            unfinished.tidy()
            unfinished.rename(place.name)
        return self._by_the_book(_by_psycopg(place.url))

    def _fill_by_the_book(self, url: str, corpus: Corpus) -> None:
        module = "benchmarks.peers.by_the_book.fill"
        run("filling the by-the-book peer", [self._python, "-m", module, url, *corpus.organizations])

    def _by_the_book(self, url: str) -> AbstractContextManager[Server]:
        environment = {"BY_THE_BOOK_DATABASE": url}
        ready = self.by_the_book_page(0)
        return self._granian("the by-the-book peer", self._python, "by_the_book.application:build", ready, environment)

    def by_the_book_page(self, organization: int, number: int | None = None) -> Request:
        """Return a request for a page of its list."""
        target = INTERVIEWS if number is None else f"{INTERVIEWS}?page={number}"
        return Request(target, f"key-of-organization-{organization + 1}")

    def datasette(self, corpus: Corpus, *, threads: int) -> AbstractContextManager[Server]:
        """Serve Datasette on an immutable file, with a table for each organization.

        It runs its queries in `threads`, by default 3; with 0 they run on the event loop, which is its fastest setting.
        """
        file = self._folder / f"datasette-{corpus.home.name}.db"
        if not file.exists():
            unfinished = fresh(file.with_suffix(".unfinished"))
            for source in corpus.organizations:
                table = source.stem.replace("-", "_")
                self._sqlite_utils(unfinished, table, source, "--pk", "id")
            unfinished.rename(file)
        port = free_port()
        settings = {"num_sql_threads": str(threads), "suggest_facets": "off", "allow_facet": "off"}
        options = [part for name, value in settings.items() for part in ("--setting", name, value)]
        command: list[str | Path] = [self._program("datasette"), "serve", "-i", file, "--port", str(port), *options]
        ready = self.datasette_page(corpus, 0)
        return serving("Datasette", command, port=port, ready=ready, log=self._logs / "datasette.log")

    def datasette_page(self, corpus: Corpus, organization: int, after: int | None = None) -> Request:
        """Return a request for 100 rows, by its own keyset pagination."""
        database = f"datasette-{corpus.home.name}"
        continuation = "" if after is None else f"&_next={after}"
        table = f"organization_{organization + 1:02}"
        return Request(f"/{database}/{table}.json?_size=100&_shape=array&_nocount=1&_nofacet=1{continuation}")

    def json_server(self, corpus: Corpus, count: int) -> AbstractContextManager[Server]:
        """Serve json-server on the first `count` interviews."""
        file = self._folder / "json-server" / f"{count}.json"
        program = self._json_server
        with corpus.combined.open("rb") as lines:
            file.write_bytes(b'{"scheduled_interviews":[' + b",".join(islice(lines, count)) + b"]}")
        port = free_port()
        options = [
            "--port",
            str(port),
            "--host",
            "127.0.0.1",
            "--read-only",
            "--no-cors",
            "--no-gzip",
            "--quiet",
        ]
        ready = self.json_server_page(1)
        return serving(
            "json-server",
            [program, *options, file],
            port=port,
            ready=ready,
            log=self._logs / "json-server.log",
        )

    def json_server_page(self, number: int) -> Request:
        """Return a request for 100 interviews."""
        return Request(f"/scheduled_interviews?_page={number}&_limit=100")

    def sqlite_utils_insert(self, source: Path, file: Path) -> Run:
        """Import JSON Lines with sqlite-utils, into one table without any index."""
        return self._sqlite_utils(fresh(file), "scheduled_interviews", source)

    def ijson_array(self, file: Path, count: int) -> float:
        """Return the seconds in which ijson reads a JSON array of `count` elements."""
        command: list[str | Path] = [self._python, "-m", "benchmarks.peers.ijson_array", file]
        done = subprocess.run(command, cwd=_HERE.parent, capture_output=True, text=True, check=True)
        seconds, read = done.stdout.split()
        if int(read) != count:
            raise BenchmarkError("ijson did not read the whole array")
        return float(seconds)

    def slots_by_cp_sat(self, file: Path, repeats: int, question: str) -> str:
        """Return what the solver CP-SAT answers to a question for slots, as JSON."""
        command: list[str | Path] = [self._python, "-m", "benchmarks.peers.slots_by_cp_sat", file, str(repeats)]
        done = subprocess.run(command, cwd=_HERE.parent, input=question, capture_output=True, text=True, check=False)
        if done.returncode:
            raise BenchmarkError(f"CP-SAT failed: {done.stderr.splitlines()[-1]}")
        return done.stdout

    def _sqlite_utils(self, file: Path, table: str, source: Path, *options: str) -> Run:
        command: list[str | Path] = [self._program("sqlite-utils"), "insert", file, table, source, "--nl", *options]
        return run("sqlite-utils insert", command)

    def _granian(
        self, name: str, python: str | Path, application: str, ready: Request, environment: dict[str, str]
    ) -> AbstractContextManager[Server]:
        port = free_port()
        options = ["--interface", "asginl", "--loop", "uvloop", "--workers", "1", "--no-ws", "--http", "1"]
        options += ["--factory", "--host", "127.0.0.1", "--port", str(port), "--log-level", "warning"]
        command = [python, "-m", "granian", *options, f"benchmarks.peers.{application}"]
        log = self._logs / f"{application.partition(':')[0]}.log"
        root = {"PYTHONPATH": os.pathsep.join(filter(None, [str(_HERE.parent), os.environ.get("PYTHONPATH", "")]))}
        return serving(name, command, port=port, ready=ready, log=log, environment=root | environment)

    def _program(self, name: str) -> Path:
        return self._python.with_name(name)

    @cached_property
    def _python(self) -> Path:
        """The interpreter of an environment with the packages of requirements.txt only."""
        requirements = _HERE / "requirements.txt"
        home = self._folder / f"python-{zlib.crc32(requirements.read_bytes()):08x}"
        python = home / "bin" / "python"
        if not (home / "complete").exists():
            run("making the peers' environment", [sys.executable, "-m", "venv", "--clear", home])
            pip: list[str | Path] = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            run("installing the peers", [*pip, "--requirement", requirements])
            (home / "complete").touch()
        return python

    @cached_property
    def _json_server(self) -> Path:
        home = self._folder / "json-server"
        program = home / "node_modules" / ".bin" / "json-server"
        home.mkdir(parents=True, exist_ok=True)
        if not program.exists():
            if shutil.which("npm") is None:
                raise BenchmarkError("npm is not installed: it comes with Node.js")
            shutil.copy(_HERE / "package.json", home)
            run(
                "npm install",
                ["npm", "install", "--prefix", home, "--no-audit", "--no-fund", "--no-package-lock"],
            )
        return program


def _version(corpus: Corpus) -> str:
    """Return a part of the database's name that changes with the code of the by-the-book peer and the interviews."""
    sources = sorted(Path(by_the_book.__file__).parent.glob("*.py"))
    state = zlib.crc32(b"".join(source.read_bytes() for source in sources), zlib.crc32(corpus.home.name.encode()))
    return f"{corpus.count}_{state:08x}"


def _by_psycopg(url: str) -> str:
    """Return the URL of a PostgreSQL database in the form of SQLAlchemy."""
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


def _canned(request: Request, answer: Answer) -> bare.CannedAnswer:
    path, _, query = request.target.partition("?")
    headers = [
        (name.encode("latin-1"), value.encode("latin-1"))
        for name, value in answer.headers
        if name not in _OWN_TO_A_SERVER
    ]
    return bare.CannedAnswer(path, query.encode(), headers, answer.body)


def agree(name: str, ours: Answer, theirs: Answer, page: Page | None = None) -> None:
    """Raise BenchmarkError unless a peer returned the same interviews for a page as Rowen."""
    expected = [interview["id"] for interview in json.loads(ours.body)]
    if [interview["id"] for interview in json.loads(theirs.body)] != expected:
        where = "the first page" if page is None else f"page {page.number}"
        raise BenchmarkError(f"{name} returns other interviews for {where} than Rowen")
