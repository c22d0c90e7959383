"""Writes through the API while the database cannot take them: refused completely, and accepted again afterwards.

A group of writes that share a commit share its result; one that is refused for its own reason does not affect the
others.
"""

import resource
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import msgspec

from tests.support.command import Process
from tests.support.crash_clients import ON_BEHALF, SEED_INTERVIEW, new_interview
from tests.support.processes import IMPATIENT_STORE, examine, script, workers
from tests.support.server import Server, serving
from tests.support.single_writes import POST, TOGETHER, require_unavailable, send, send_together, send_until_stored

SHARED_MEMORY = 32_768
"""The size of the file that SQLite's connections share: it does not count for the full disk."""


def require_only(path: Path, folder: Path, answers: Sequence[httpx.Response]) -> None:
    """Require a sound database with the first record and the acknowledged writes, byte for byte, and nothing else."""
    found = examine(path, folder)
    assert found.faults == []
    acknowledged = {answer.json()["id"]: answer.content for answer in answers}
    assert len(acknowledged) == len(answers)
    del found.documents[SEED_INTERVIEW["id"]]
    assert found.documents == acknowledged
    with closing(sqlite3.connect(folder / "examined.db")) as connection:
        (changes,) = connection.execute("SELECT count(*) FROM changes WHERE kind = 'created'").fetchone()
        (kept,) = connection.execute("SELECT count(*) FROM idempotency_keys").fetchone()
    assert (changes, kept) == (len(answers), 0)


def reasons(server: Server) -> set[str]:
    """Return why a stopped server could not write."""
    said = [msgspec.json.decode(line) for line in server.log if "store unavailable" in line]
    return {each["reason"] for each in said}


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the database's write lock, as another writing process does."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@contextmanager
def failing_disk(server: Process) -> Iterator[None]:
    """Make the system refuse what the server's workers write to files, except the first pages of any."""
    before = {worker: resource.prlimit(worker, resource.RLIMIT_FSIZE) for worker in workers(server)}
    for worker, (_, most) in before.items():
        resource.prlimit(worker, resource.RLIMIT_FSIZE, (SHARED_MEMORY, most))
    try:
        yield
    finally:
        for worker, limits in before.items():
            resource.prlimit(worker, resource.RLIMIT_FSIZE, limits)


def test_writes_wait_for_another_writer_and_reads_do_not(writable: tuple[Path, str], tmp_path: Path) -> None:
    path, key = writable
    # One of those with the same event id succeeds; the others are refused and rolled back alone. All share few commits.
    events = [f"event {number % 12}" for number in range(TOGETHER)]
    with serving(f"sqlite:///{path}") as server, server.client(key) as client:
        with ThreadPoolExecutor(TOGETHER) as pool:
            with locked(path):
                writes = [pool.submit(send, client, event) for event in events]
                for _ in range(20):
                    assert client.get("/v1/scheduled_interviews").json() == [SEED_INTERVIEW]
                assert not any(write.done() for write in writes)
            answers = [write.result(30) for write in writes]
        assert server.stop() == 0
    made = [answer for answer in answers if answer.status_code == 200]
    refused = [answer for answer in answers if answer.status_code == 422]
    assert len(made) + len(refused) == TOGETHER
    assert {answer.json()["external_event_id"] for answer in made} == set(events)
    for answer in refused:
        assert [error["field"] for error in answer.json()["errors"]] == ["external_event_id"]
    require_only(path, tmp_path, made)


def test_a_writer_that_never_ends_has_writes_refused(writable: tuple[Path, str], tmp_path: Path) -> None:
    path, key = writable
    with (
        serving(f"sqlite:///{path}", command=script(IMPATIENT_STORE)) as server,
        server.client(key) as client,
    ):
        first = send(client, "before")
        with locked(path):
            for answer in send_together(client, [f"refused {number}" for number in range(TOGETHER)]):
                require_unavailable(answer)
            keyed = {**ON_BEHALF, "Idempotency-Key": "once"}
            require_unavailable(client.post(POST, json=new_interview("keyed"), headers=keyed))
            assert client.get(f"/v1/scheduled_interviews/{first.json()['id']}").content == first.content
            assert len(client.get("/v1/scheduled_interviews").json()) == 2
        made = [first, *send_together(client, [f"after {number}" for number in range(TOGETHER)])]
        assert server.stop() == 0
    assert reasons(server) == {f"database {path}: another process has been writing for too long"}
    require_only(path, tmp_path, made)


def test_a_disk_that_fails_has_writes_refused(writable: tuple[Path, str], tmp_path: Path) -> None:
    path, key = writable
    with serving(f"sqlite:///{path}") as server, server.client(key) as client:
        made = [send(client, "before")]
        with failing_disk(server.process):
            for answer in send_together(client, [f"refused {number}" for number in range(TOGETHER)]):
                require_unavailable(answer)
            one = f"/v2/scheduled_interviews/{made[0].json()['id']}"
            require_unavailable(client.patch(one, json={"location": "nowhere"}, headers=ON_BEHALF))
            require_unavailable(client.delete(one.replace("v2", "v1"), headers=ON_BEHALF))
            assert client.get(one.replace("v2", "v1")).content == made[0].content
            assert len(client.get("/v1/scheduled_interviews").json()) == 2
        made += send_together(client, [f"refused {number}" for number in range(TOGETHER)])
        assert server.stop() == 0
    assert reasons(server) == {f"database {path}: the disk reports an error"}
    require_only(path, tmp_path, made)


def test_a_full_disk_has_writes_refused_until_there_is_room(
    small_disk: Path, writable: tuple[Path, str], tmp_path: Path
) -> None:
    path = Path(shutil.copy(writable[0], small_disk / "rowen.db"))
    made: list[httpx.Response] = []
    with serving(f"sqlite:///{path}") as server, server.client(writable[1]) as client:
        while (answer := send(client, f"event {len(made)}", location="x" * 2_000)).status_code == 200:
            made.append(answer)
        require_unavailable(answer)
        assert made
        assert client.get(f"/v1/scheduled_interviews/{made[-1].json()['id']}").content == made[-1].content
        answers = list(made)
        while any(each.status_code == 200 for each in answers):  # a smaller one may still find room
            answers = send_together(client, [f"small {len(made)}-{number}" for number in range(TOGETHER)])
            made += [each for each in answers if each.status_code == 200]
        for each in answers:
            require_unavailable(each)
        subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
        made.append(send(client, "after"))
        assert made[-1].status_code == 200, made[-1].text
        assert server.stop() == 0
    assert reasons(server) == {f"database {path}: the disk is full"}
    require_only(path, tmp_path, made)


def test_a_file_that_was_replaced_is_written_and_not_the_one_that_is_gone(
    writable: tuple[Path, str], tmp_path: Path
) -> None:
    path, key = writable
    restored = Path(shutil.copy(path, tmp_path / "restored.db"))
    with serving(f"sqlite:///{path}") as server, server.client(key) as client:
        lost = send(client, "lost")
        for suffix in ("-wal", "-shm"):
            Path(f"{path}{suffix}").unlink()
        restored.rename(path)
        made = send_until_stored(client, [f"event {number}" for number in range(TOGETHER)])
        assert lost.json()["id"] in {answer.json()["id"] for answer in made}
        assert server.stop() == 0
    require_only(path, tmp_path, made)
