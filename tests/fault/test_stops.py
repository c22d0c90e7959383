"""Stopping on request: work in progress is finished, writes are complete, and nobody sees a traceback."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import closing
from pathlib import Path
from random import Random
from sqlite3 import connect

import pytest

from rowen.store.engines.sqlite.leader_lock import LeaderLock
from tests.support.command import environment, rowen
from tests.support.crash_clients import ON_BEHALF, CrashClient, new_interview
from tests.support.crash_runs import ALLOWED, Run, require_owed, with_webhooks, writing
from tests.support.events import following
from tests.support.imports import totals
from tests.support.processes import IMPATIENT_IMPORT, STOPPED_AT_ITS_START, examine, finish, script, start
from tests.support.programs import quiet_port
from tests.support.receiver import Reply, receiving
from tests.support.records import canonical, record, write_json_lines
from tests.support.server import has_killed_workers, is_open, serving
from tests.support.upstream import upstream_of


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_requests_in_flight_are_finished(writable: tuple[Path, str], tmp_path: Path, number: signal.Signals) -> None:
    path, key = writable
    body, headers = new_interview("slow"), {**ON_BEHALF, "Idempotency-Key": "slow"}
    with (
        serving(f"sqlite:///{path}", ["--rate-limit", "0"]) as server,
        server.client(key) as client,
        ThreadPoolExecutor(2) as pool,
    ):
        with closing(connect(path, isolation_level=None)) as writer:
            writer.execute("BEGIN IMMEDIATE")
            # When one of two requests with the same key is refused, the server is executing the other.
            both = [pool.submit(client.post, "/v2/scheduled_interviews", json=body, headers=headers) for _ in range(2)]
            (refused,), (answer,) = wait(both, return_when=FIRST_COMPLETED)
            assert refused.result().status_code == 409
            # As a terminal's Ctrl-C does: to the whole group.
            os.killpg(server.process.pid, number)
            writer.execute("ROLLBACK")
        assert answer.result(30).status_code == 200
        assert server.process.wait(30) == 0
    said = "".join(server.log)
    assert "Traceback" not in said
    assert "error" not in said.lower()
    written = answer.result().json()
    assert examine(path, tmp_path).documents[written["id"]] == answer.result().content


def test_a_worker_that_is_still_starting_gets_a_stop_signal(tmp_path: Path) -> None:
    port = quiet_port()
    options = ("--database", f"sqlite:///{tmp_path / 'rowen.db'}", "--port", str(port))
    done = subprocess.run(
        [*script(STOPPED_AT_ITS_START), "serve", *options],
        capture_output=True,
        text=True,
        env=environment(),
        check=True,
        timeout=60,
    )
    log = done.stderr.splitlines()
    assert any("Stopping worker-1" in line for line in log), done.stderr
    assert not has_killed_workers(log)
    assert not is_open(port)


def test_the_first_process_of_a_container_stops_while_it_starts() -> None:
    """Such a process ignores every signal without a handler: `docker stop` waited ten seconds, and killed it."""
    if shutil.which("unshare") is None or subprocess.run(["unshare", "--pid", "--fork", "true"]).returncode != 0:
        pytest.skip("a process may not begin a new set of processes here")
    begun = f"import os, signal, rowen.__main__; os.kill(1, {int(signal.SIGTERM)}); signal.pause()"
    done = subprocess.run(["unshare", "--pid", "--fork", sys.executable, "-c", begun], timeout=60, env=environment())
    assert done.returncode == 128 + signal.SIGTERM


def test_a_stopped_server_has_stored_the_use_of_keys(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'rowen.db'}"
    rowen("organizations", "create", "default", "--database", database)
    key = rowen("keys", "create", "poller", "--database", database).stdout.strip()
    with serving(database) as server:
        with server.client(key) as client:
            assert client.get("/v1/scheduled_interviews").status_code == 200
        assert server.stop() == 0
    assert "never" not in rowen("keys", "list", "--database", database).stdout


def interrupted(said: str) -> bool:
    return "Interrupted. Everything written is complete; run the same command again to continue." in said


def test_an_interrupted_import_from_a_slow_server(tmp_path: Path) -> None:
    pages = [[record(page * 20 + each) for each in range(1, 21)] for page in range(4)]
    database = f"sqlite:///{tmp_path / 'rowen.db'}"
    stalled, going_on = threading.Event(), threading.Event()

    def stall(number: int) -> None:
        if number == 3:
            stalled.set()
            going_on.wait()

    with upstream_of(pages) as upstream:
        upstream.before = stall
        process = start("import", upstream.address, "--database", database)
        try:
            assert stalled.wait(60)
            process.send_signal(signal.SIGINT)
            said = finish(process, status=130)
        finally:
            going_on.set()
        assert interrupted(said)
        assert len(examine(tmp_path / "rowen.db", tmp_path).documents) == 40
        assert rowen("import", upstream.address, "--database", database).stdout.endswith("40\t40\t0\t0\t0\t0\n")


def test_an_interrupted_import_that_waits_for_a_pipe(tmp_path: Path) -> None:
    path = tmp_path / "rowen.db"
    process = start(
        "10", "import", "-", "--database", f"sqlite:///{path}",
        command=script(IMPATIENT_IMPORT), stdin=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stderr is not None
    process.stdin.write("".join(canonical(record(each)).decode() + "\n" for each in range(1, 11)))
    process.stdin.flush()
    assert "10 records" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    said = finish(process, status=130)
    assert interrupted(said)
    assert len(examine(path, tmp_path).documents) == 10


def test_an_interrupted_import_in_the_middle_of_writing(tmp_path: Path) -> None:
    path = tmp_path / "rowen.db"
    records = [record(each) for each in range(1, 20_001)]
    source = write_json_lines(tmp_path / "records.jsonl", records)
    rowen("organizations", "create", "default", "--database", f"sqlite:///{path}")
    process = start("500", "import", source, "--database", f"sqlite:///{path}", command=script(IMPATIENT_IMPORT))
    assert process.stderr is not None
    while not process.stderr.readline().startswith("Writing"):
        pass
    process.send_signal(signal.SIGINT)
    assert interrupted(finish(process, status=130))
    found = examine(path, tmp_path)
    assert found.faults == []
    assert 0 < len(found.documents) < len(records)
    assert found.counted == len(found.documents)
    again = totals(rowen("import", source, "--database", f"sqlite:///{path}"))
    assert again[:4] == [20_000, 20_000 - len(found.documents), 0, len(found.documents)]


def test_a_server_stopped_in_the_middle_of_writes_deliveries_and_streams(tmp_path: Path) -> None:
    path = tmp_path / "rowen.db"
    clients = [CrashClient(f"s{number}", Random(number)) for number in range(4)]
    with receiving() as receiver:
        database, key = with_webhooks(tmp_path, receiver)
        for hanging in (False, True):
            with serving(database, ALLOWED) as server:
                run = Run(server, path, receiver)
                with server.client(key) as client, following(client, "/rowen/v1/changes") as stream:
                    with writing(run, clients, key):
                        run.acknowledged.wait_for(8)
                        if hanging:
                            receiver.replies.append(Reply(hangs=True))
                            receiver.wait_for(len(receiver.received) + 1)
                        server.process.send_signal(signal.SIGTERM)
                        assert server.process.wait(60) == 0
                    seen = [event["data"]["revision"] for event in stream.rest()]
                    assert seen == sorted(set(seen))
            said = "".join(server.log)
            assert "Traceback" not in said
            assert "error" not in said.lower()
            assert not has_killed_workers(server.log)
            require_owed(path, tmp_path, clients)
            lock = LeaderLock(path)
            assert lock.try_acquire(), "somebody leads who is gone"
            lock.release()
        with serving(database, ALLOWED) as server:
            with closing(connect(path)) as connection:
                while connection.execute("SELECT 1 FROM deliveries WHERE state = 'pending'").fetchone():
                    assert server.process.poll() is None
            assert server.stop() == 0
        delivered = {each.event_id for each in receiver.received}
    with closing(connect(path)) as connection:
        assert delivered == {event for (event,) in connection.execute("SELECT event_id FROM deliveries")}
    assert rowen("db", "check", "--database", database).stdout == "ok\n"
