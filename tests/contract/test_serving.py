"""Starting, stopping and the demo, from the outside."""

import re
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import httpx
import pytest

from rowen.demo.key import DEMO_KEY
from tests.support.command import ROWEN, environment, rowen
from tests.support.programs import quiet_port
from tests.support.records import record
from tests.support.served_schedule import HOME, ServedSchedule, identifiers, import_records, make_key
from tests.support.server import Server, basic, has_killed_workers, is_open, serving

pytestmark = pytest.mark.slow

LIST = "/v1/scheduled_interviews"
KEY = re.compile(r"\browen_[0-9a-f]{40}\b")
LARGE = 40_000


def keys_in(server: Server) -> list[str]:
    """Return the API keys that a server printed."""
    return KEY.findall("".join(server.log))


def test_the_first_start_prints_a_key_once_and_it_works(database: str) -> None:
    with serving(database) as server:
        (key,) = keys_in(server)
        with server.client(key) as client:
            assert client.get(LIST).json() == []
        curl = next(line for line in server.log if line.lstrip().startswith("curl "))
        if shutil.which("curl"):
            done = subprocess.run(f"{curl.strip()} --silent", shell=True, capture_output=True, check=True)
            assert done.stdout == b"[]"
        assert server.stop() == 0
    with serving(database) as server:
        assert keys_in(server) == []
        with server.client(key) as client:
            assert client.get(LIST).status_code == 200
    listing = rowen("keys", "list", "--database", database).stdout.splitlines()
    assert len(listing) == 2
    assert listing[1].startswith("default\tfirst\t")


@pytest.mark.parametrize(("host", "shown"), [("0.0.0.0", "127.0.0.1"), ("127.0.0.1", "127.0.0.1")])
def test_the_printed_address_can_be_opened(tmp_path: Path, host: str, shown: str) -> None:
    with serving(f"sqlite:///{tmp_path / 'rowen.db'}", ["--host", host]) as server:
        printed = re.findall(r"http://[^/]+/", "".join(server.log))
        assert printed and set(printed) == {f"http://{shown}:{server.port}/"}


def test_where_a_key_exists_none_is_made(database: str) -> None:
    key = make_key(database, "mine", "own")
    with serving(database) as server:
        assert keys_in(server) == []
        with server.client(key) as client:
            assert client.get(LIST).json() == []


def test_the_first_key_opens_the_organization_that_there_is(database: str, tmp_path: Path) -> None:
    rowen("organizations", "create", "lisbon", "--database", database)
    import_records(database, "lisbon", tmp_path, [record(1)])
    with serving(database) as server:
        (key,) = keys_in(server)
        with server.client(key) as client:
            assert identifiers(client.get(LIST).json()) == [1]
    assert [line.split("\t")[0] for line in listed(database)] == ["lisbon"]


def test_none_of_several_organizations_gets_a_key_by_chance(database: str) -> None:
    for name in ("lisbon", "porto"):
        rowen("organizations", "create", name, "--database", database)
    with serving(database) as server:
        assert keys_in(server) == []
        assert any("There is no API key yet" in line and "'lisbon', 'porto'" in line for line in server.log)
    assert listed(database) == []


def listed(database: str) -> list[str]:
    """Return the keys of a database, as they are listed."""
    return rowen("keys", "list", "--database", database).stdout.splitlines()[1:]


def test_the_last_use_of_a_key_is_kept_when_a_server_stops(database: str) -> None:
    with serving(database) as server:
        (key,) = keys_in(server)
        assert "\tnever\t" in rowen("keys", "list", "--database", database).stdout
        with server.client(key) as client:
            client.get(LIST)
        server.stop()
    assert "\tnever\t" not in rowen("keys", "list", "--database", database).stdout


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_stop_lets_a_request_in_flight_finish(database: str, tmp_path: Path, workers: str) -> None:
    key = make_key(database, "mine", "own")
    import_records(database, "mine", tmp_path, [record(number, location="x" * LARGE) for number in range(1, 501)])
    with serving(database, ["--workers", workers]) as server, socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        connection.settimeout(60)
        connection.connect(("127.0.0.1", server.port))
        authorization = basic(key)["Authorization"]
        connection.sendall(
            f"GET {LIST}?per_page=500 HTTP/1.1\r\nHost: x\r\nAuthorization: {authorization}\r\n\r\n".encode()
        )
        received = bytearray(connection.recv(4_096))
        server.process.send_signal(signal.SIGTERM)
        head, _, body = received.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: ([0-9]+)", head, re.IGNORECASE)
        assert length is not None
        assert int(length[1]) > 500 * LARGE
        while len(body) < int(length[1]):
            part = connection.recv(2**20)
            assert part, "the connection broke in the middle of an answer"
            body += part
        assert body.endswith(b"]")
        assert server.process.wait(60) == 0


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_connection_does_not_hold_up_a_stop(schedule: ServedSchedule, signal_number: signal.Signals) -> None:
    with serving(schedule.database) as server, server.client(schedule.keys[HOME]) as client:
        assert client.get(LIST).status_code == 200
        assert server.stop(signal_number) == 0
        with pytest.raises(httpx.TransportError):
            client.get(LIST)


def test_several_workers_answer_alike_and_count_together(schedule: ServedSchedule) -> None:
    with serving(schedule.database, ["--workers", "2"]) as server:
        tags = set()
        for _ in range(30):
            # A new connection each time, so that both workers get some.
            with server.client(schedule.keys[HOME]) as client:
                answer = client.get(LIST)
                tags.add(answer.headers["etag"])
                assert identifiers(answer.json()) == identifiers(schedule.home)[:100]
        assert len(tags) == 1
        with server.client() as client:
            text = client.get("/metrics").text
        counted = re.search(r'_count\{method="GET",route="/v1/scheduled_interviews",status="200"\} ([0-9.]+)', text)
        assert counted is not None
        assert float(counted[1]) == 30
        assert server.stop() == 0


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])
def test_the_demo_listens_on_loopback_only(tmp_path: Path, host: str) -> None:
    done = rowen("serve", "--demo", "--host", host, cwd=tmp_path, status=2)
    assert "127.0.0.1" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_key_of_the_demo_opens_nothing_without_the_demo(database: str) -> None:
    with serving(database, ["--demo"]) as server, server.client(DEMO_KEY) as client:
        answer = client.get(LIST)
        assert identifiers(answer.json())[:2] == [9128481, 9128482]
        assert int(re.search(r"page=([0-9]+)", answer.links["last"]["url"])[1]) > 3  # type: ignore[index]
    with serving(database) as server, server.client(DEMO_KEY) as client:
        assert client.get(LIST).status_code == 401
        assert client.get(f"{LIST}/9128481").status_code == 401


def test_the_demo_leaves_nothing_behind(tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    port = quiet_port()
    with subprocess.Popen(
        [*ROWEN, "serve", "--demo", "--port", str(port)],
        cwd=tmp_path,
        env=environment({"TMPDIR": str(temporary)}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        while process.poll() is None and not is_open(port):
            pass
        assert httpx.get(f"http://127.0.0.1:{port}{LIST}", headers=basic(DEMO_KEY)).status_code == 200
        assert list(temporary.iterdir())
        process.send_signal(signal.SIGTERM)
        process.stdout.read()
        assert process.wait(60) == 0
    assert list(temporary.iterdir()) == []
    assert list(tmp_path.iterdir()) == [temporary]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--port", "0"], "--port"),
        (["--port", "65536"], "--port"),
        (["--workers", "0"], "--workers"),
        (["--workers", "100000"], "--workers"),
        (["--rate-limit", "-1"], "--rate-limit"),
        (["--public-url", "interviews.example.com"], "https://"),
        (["--public-url", "https://example.com/?a=b"], "https://"),
        (["--public-url", "https://example.com:99999"], "https://"),
        (["--public-url", "https://:443"], "https://"),
        (["--public-url", "https://[::1"], "https://"),
        (["--database", "mysql://localhost/x"], "--database"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(tmp_path: Path, options: list[str], named: str) -> None:
    done = rowen("serve", *options, cwd=tmp_path, status=2)
    assert named in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_server_listens_on_a_name_too(database: str) -> None:
    with serving(database, ["--host", "localhost"]) as server:
        assert httpx.get(f"{server.url}/healthz").json() == {"status": "ok"}
        assert server.stop() == 0


def test_a_server_listens_on_every_ipv6_address_too(tmp_path: Path) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    with serving(f"sqlite:///{tmp_path / 'rowen.db'}", ["--host", "::"]) as server:
        assert f"http://[::1]:{server.port}/" in "".join(server.log)
        assert httpx.get(f"http://[::1]:{server.port}/healthz").json() == {"status": "ok"}
        assert server.stop() == 0


def test_a_name_that_does_not_resolve_leaves_nothing_behind(tmp_path: Path) -> None:
    done = rowen("serve", "--host", "nosuch.invalid", cwd=tmp_path, status=1)
    assert done.stderr.startswith("rowen: cannot listen on nosuch.invalid:8000: ")
    assert list(tmp_path.iterdir()) == []


def test_a_port_in_use_is_a_clear_message(schedule: ServedSchedule) -> None:
    port = str(schedule.server.port)
    done = rowen("serve", "--database", schedule.database, "--port", port, status=1)
    assert f"127.0.0.1:{port}" in done.stderr


@pytest.mark.parametrize("workers", ["1", "4"])
def test_a_stop_right_after_the_start_is_not_lost(database: str, workers: str) -> None:
    """The first worker responds while the others are still being started."""
    for _ in range(3):
        with serving(database, ["--workers", workers]) as server:
            assert server.stop() == 0
        assert not has_killed_workers(server.log)
