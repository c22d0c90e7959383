"""The files next to a SQLite database are removed, replaced or truncated while it is served.

Everything acknowledged before and after exists when the server is killed; until that is certain, nothing is
acknowledged.
"""

import os
import shutil
import signal
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from itertools import count
from pathlib import Path

import httpx
import pytest

from tests.support.command import rowen
from tests.support.crash_clients import SEED_INTERVIEW
from tests.support.processes import examine, workers
from tests.support.scale import scaled
from tests.support.server import Server, serving
from tests.support.single_writes import TOGETHER, require_unavailable, send, send_together, send_until_stored


def remove_log(path: Path) -> None:
    Path(f"{path}-wal").unlink()


def remove_index(path: Path) -> None:
    Path(f"{path}-shm").unlink()


def remove_both(path: Path) -> None:
    remove_log(path)
    remove_index(path)


def rename_log(path: Path) -> None:
    Path(f"{path}-wal").rename(f"{path}-wal.old")


def replace_log(path: Path) -> None:
    """Replace it with an older copy, as a careless restore does."""
    older = Path(shutil.copy(f"{path}-wal", f"{path}-wal.copy"))
    with older.open("r+b") as file:
        file.truncate(older.stat().st_size // 2)
    older.rename(f"{path}-wal")


def replace_log_and_remove_index(path: Path) -> None:
    replace_log(path)
    remove_index(path)


def recreate_log(path: Path) -> None:
    remove_log(path)
    Path(f"{path}-wal").touch()


LOSSES = (
    remove_log,
    remove_index,
    remove_both,
    rename_log,
    replace_log,
    replace_log_and_remove_index,
    recreate_log,
)


def kill(server: Server) -> None:
    """Kill all processes of a server at once."""
    for process in (server.process.pid, *workers(server.process)):
        os.kill(process, signal.SIGKILL)
    server.process.wait(30)


def is_ready(server: Server) -> bool:
    """Return whether a server responds, and is ready."""
    try:
        return httpx.get(f"{server.url}/readyz").status_code == 200
    except httpx.TransportError:
        return False


def wait_until_ready(client: httpx.Client) -> None:
    """Return once the server reports that it is ready."""
    while client.get("/readyz").status_code != 200:
        pass


def has_opened(process: int, path: Path) -> bool:
    """Return whether a worker uses a database: SQLite and Rowen map the index once each."""
    return Path(f"/proc/{process}/maps").read_text().count(f"{path}-shm") >= 2


def holds(process: int, path: Path) -> bool:
    """Return whether a worker has a file open, whatever its path was then."""
    with suppress(FileNotFoundError):  # closed meanwhile
        return any(file.readlink() == path for file in Path(f"/proc/{process}/fd").iterdir())
    return True


def require_all(path: Path, folder: Path, answers: list[httpx.Response]) -> None:
    """Require a sound database with everything acknowledged, byte for byte."""
    found = examine(path, folder)
    assert found.faults == []
    acknowledged = {answer.json()["id"]: answer.content for answer in answers}
    assert len(acknowledged) == len(answers)
    missing = acknowledged.keys() - found.documents.keys()
    assert missing == set()
    del found.documents[SEED_INTERVIEW["id"]]
    assert {each: found.documents[each] for each in acknowledged} == acknowledged


def lose_once_there(path: Path, lose: Callable[[Path], None], writers: Sequence[Future[None]]) -> None:
    """Lose files as soon as they exist, unless all writers have ended."""
    while not all(writer.done() for writer in writers):
        with suppress(FileNotFoundError):
            lose(path)
            return


@pytest.fixture(params=[1, 3], ids=["one worker", "three workers"])
def options(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    yield ["--workers", str(request.param)]


@pytest.mark.parametrize("lose", LOSSES, ids=lambda each: each.__name__)
def test_writes_acknowledged_around_a_lost_log_survive_a_kill(
    writable: tuple[Path, str], tmp_path: Path, lose: Callable[[Path], None], options: list[str]
) -> None:
    path, key = writable
    with serving(f"sqlite:///{path}", options) as server, server.client(key) as client:
        answers = send_together(client, [f"before {number}" for number in range(TOGETHER)])
        lose(path)
        answers += send_together(client, [f"after {number}" for number in range(TOGETHER)])
        wait_until_ready(client)
        answers += send_until_stored(client, [f"later {number}" for number in range(TOGETHER)])
        kill(server)
    for each in answers:
        if each.status_code != 200:
            require_unavailable(each)
    made = [each for each in answers if each.status_code == 200]
    assert len(made) >= 2 * TOGETHER
    require_all(path, tmp_path, made)
    assert any("database files lost" in line for line in server.log)
    assert any("database files opened again" in line for line in server.log)


@pytest.mark.parametrize("lose", [remove_log, remove_index, remove_both, rename_log], ids=lambda each: each.__name__)
def test_files_that_are_lost_again_and_again_while_many_write(
    writable: tuple[Path, str], tmp_path: Path, lose: Callable[[Path], None], options: list[str]
) -> None:
    path, key = writable
    made: list[httpx.Response] = []
    most = max(40, scaled(80))
    with serving(f"sqlite:///{path}", options) as server:

        def write(writer: int) -> None:
            with server.client(key) as client:
                numbers, stored = count(), 0
                while stored < most:
                    answer = send(client, f"event {writer}-{next(numbers)}")
                    if answer.status_code == 200:
                        made.append(answer)
                        stored += 1
                    else:
                        require_unavailable(answer)

        with ThreadPoolExecutor(4) as pool:
            writers = [pool.submit(write, writer) for writer in range(4)]
            for number in range(5):
                while len(made) < number * max(20, scaled(40)) and not all(writer.done() for writer in writers):
                    pass
                lose_once_there(path, lose, writers)
                lose_once_there(path, lose, writers)  # within microseconds of being created again
            for writer in writers:
                writer.result(60)
        # Everything acknowledged before the last loss is saved before anything is acknowledged after it.
        with server.client(key) as client:
            made += send_until_stored(client, ["last"])
        kill(server)
    assert len(made) == 4 * most + 1
    require_all(path, tmp_path, made)


@pytest.mark.parametrize("lose", LOSSES, ids=lambda each: each.__name__)
def test_a_lost_log_is_saved_though_nobody_asks_anything(
    writable: tuple[Path, str], tmp_path: Path, lose: Callable[[Path], None], options: list[str]
) -> None:
    path, key = writable
    with serving(f"sqlite:///{path}", options) as server:
        with server.client(key) as client:
            answers = [send(client, f"event {number}") for number in range(TOGETHER)]
        lose(path)
        while not any("database files opened again" in line for line in server.log):
            pass
        kill(server)
    require_all(path, tmp_path, answers)


def test_a_server_is_not_ready_while_a_lost_log_cannot_be_saved(writable: tuple[Path, str], tmp_path: Path) -> None:
    path, key = writable
    with serving(f"sqlite:///{path}") as server, server.client(key) as client:
        answers = [send(client, "before")]
        with closing(sqlite3.connect(path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM scheduled_interviews").fetchone()
            answers.append(send(client, "while read"))  # the reader keeps it from being moved
            remove_log(path)
            require_unavailable(send(client, "refused"))
            require_unavailable(client.get("/readyz"))
            assert len(client.get("/v1/scheduled_interviews").json()) == 3
            reader.execute("COMMIT")
        wait_until_ready(client)
        answers.append(send(client, "after"))
        kill(server)
    assert [each.status_code for each in answers] == [200] * 3
    require_all(path, tmp_path, answers)


@pytest.mark.parametrize("share", [0, 0.5], ids=["emptied", "cut in half"])
def test_a_log_that_was_cut_short_is_noticed(
    writable: tuple[Path, str], tmp_path: Path, share: float, options: list[str]
) -> None:
    """Its content is destroyed, which is reported; later acknowledged writes are kept."""
    path, key = writable
    with serving(f"sqlite:///{path}", options) as server, server.client(key) as client:
        for number in range(TOGETHER):
            send(client, f"before {number}")
        log = Path(f"{path}-wal")
        os.truncate(log, int(log.stat().st_size * share))
        answers = send_together(client, [f"after {number}" for number in range(TOGETHER)])
        wait_until_ready(client)
        answers += send_until_stored(client, [f"later {number}" for number in range(TOGETHER)])
        kill(server)
    made = [each for each in answers if each.status_code == 200]
    assert len(made) >= TOGETHER
    require_all(path, tmp_path, made)
    assert any("was cut short or overwritten" in line for line in server.log)


@pytest.mark.parametrize("is_replaced", [False, True], ids=["moved", "moved and replaced"])
def test_a_database_that_is_put_elsewhere_takes_along_what_was_acknowledged(
    writable: tuple[Path, str], tmp_path: Path, options: list[str], is_replaced: bool
) -> None:
    path, key = writable
    other = Path(shutil.copy(path, tmp_path / "other.db"))
    with serving(f"sqlite:///{path}", options) as server, server.client(key) as client:
        answers = [send(client, f"event {number}") for number in range(TOGETHER)]
        path.rename(tmp_path / "moved.db")
        if is_replaced:
            remove_both(path)
            other.rename(path)
            # One worker may find the log in use by another that is moving it into the database. A worker that was
            # starting has only ever opened the other one.
            while any(holds(worker, tmp_path / "moved.db") for worker in workers(server.process)):
                pass
        else:
            while not any("database files lost" in line and "cannot be opened" in line for line in server.log):
                pass
            require_unavailable(send(client, "refused"))
        kill(server)
    require_all(tmp_path / "moved.db", tmp_path, answers)


def test_an_index_that_was_cut_short_loses_nothing(
    writable: tuple[Path, str], tmp_path: Path, options: list[str]
) -> None:
    """The system ends processes that use it (SIGBUS); others take their place, and create a new index from the log.

    A worker that did not use it before it was recreated survives.
    """
    path, key = writable
    with serving(f"sqlite:///{path}", options) as server:
        with server.client(key) as client:
            answers = [send(client, f"before {number}") for number in range(TOGETHER)]
        first = set(workers(server.process))
        os.truncate(f"{path}-shm", 0)
        while first <= set(workers(server.process)) or not is_ready(server):
            pass
        with server.client(key) as client:
            answers += send_until_stored(client, [f"after {number}" for number in range(TOGETHER)])
        kill(server)
    assert {each.status_code for each in answers} == {200}
    require_all(path, tmp_path, answers)


def test_a_lost_log_is_saved_when_the_server_is_stopped(writable: tuple[Path, str], tmp_path: Path) -> None:
    path, key = writable
    with serving(f"sqlite:///{path}") as server:
        with server.client(key) as client, ThreadPoolExecutor(1):
            answers = [send(client, f"event {number}") for number in range(TOGETHER)]
        remove_both(path)
        assert server.stop() == 0
    require_all(path, tmp_path, answers)


def test_writes_of_others_without_a_lost_log_are_kept_next_to_it(writable: tuple[Path, str], tmp_path: Path) -> None:
    """Both cannot be joined: the server's acknowledged writes are in a separate file, and the log names it."""
    path, key = writable
    with serving(f"sqlite:///{path}") as server, server.client(key) as client:
        answers = [send(client, "before")]
        (worker,) = workers(server.process)
        os.kill(worker, signal.SIGSTOP)
        remove_both(path)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("CREATE TABLE theirs (text)")
        os.kill(worker, signal.SIGCONT)
        wait_until_ready(client)
        later = send(client, "later")
        assert later.status_code == 200
        kill(server)
    (saved,) = path.parent.glob(f"{path.name}-saved-*")
    assert saved.stat().st_mode & 0o777 == 0o600
    require_all(saved, tmp_path, answers)
    require_all(path, tmp_path, [later])
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("SELECT * FROM theirs")
    assert any(str(saved) in line for line in server.log)


def test_a_process_that_starts_while_a_log_is_lost_waits_until_it_is_saved(
    writable: tuple[Path, str], tmp_path: Path
) -> None:
    """SQLite would give it new files, and everything acknowledged could only be saved to a separate file."""
    path, key = writable
    with serving(f"sqlite:///{path}") as server, server.client(key) as client:
        answers = [send(client, "before")]
        (worker,) = workers(server.process)
        os.kill(worker, signal.SIGSTOP)
        remove_both(path)
        refused = rowen("organizations", "create", "lisbon", f"--database=sqlite:///{path}", status=1)
        assert f"while other processes use it ({worker})" in refused.stderr
        os.kill(worker, signal.SIGCONT)
        wait_until_ready(client)
        answers.append(send(client, "after"))
        rowen("organizations", "create", "lisbon", f"--database=sqlite:///{path}")
        kill(server)
    require_all(path, tmp_path, answers)


def test_a_worker_that_starts_while_a_log_is_lost_waits_until_it_is_saved(
    writable: tuple[Path, str], tmp_path: Path
) -> None:
    path, key = writable
    with serving(f"sqlite:///{path}", ["--workers", "2"]) as server:
        with server.client(key) as client:
            answers = send_together(client, [f"before {number}" for number in range(TOGETHER)])
        while sum("Started worker-" in line for line in server.log) < 2:
            pass
        kept, killed = workers(server.process)
        while not has_opened(kept, path):
            pass
        os.kill(kept, signal.SIGSTOP)
        remove_both(path)
        os.kill(killed, signal.SIGKILL)
        while not any(f"while other processes use it ({kept})" in line for line in server.log):
            pass
        os.kill(kept, signal.SIGCONT)
        with server.client(key) as client:
            wait_until_ready(client)
            answers += send_until_stored(client, [f"after {number}" for number in range(TOGETHER)])
        kill(server)
    require_all(path, tmp_path, answers)
    assert not list(path.parent.glob(f"{path.name}-saved-*"))
