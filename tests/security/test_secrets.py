"""Keys are in no log, no response and no file, whatever happens."""

import sqlite3
from base64 import b64encode
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from rowen.app.keys import digest
from rowen.store.engines.sqlite.location import SqliteFile
from tests.support.raw_http import send_raw, written_request
from tests.support.records import record
from tests.support.served_schedule import HOME, import_records, make_key
from tests.support.server import Server, basic, serving
from tests.support.storage import Storage

LIST = "/v1/scheduled_interviews"
DAMAGES = (
    # Damage to the server's own data, and to the database; and how each is repaired.
    ("UPDATE organizations SET last_updated_at = 'damaged'", "UPDATE organizations SET last_updated_at = 1", 500),
    ("ALTER TABLE scheduled_interviews RENAME TO lost", "ALTER TABLE lost RENAME TO scheduled_interviews", 503),
    ("ALTER TABLE api_keys RENAME TO lost", "ALTER TABLE lost RENAME TO api_keys", 503),
)
UNKNOWN = "rowen_" + "5ec2e7" * 6 + "0000"


def traces(key: str) -> set[str]:
    """Return the forms of a key that a log must not contain: itself, its digest, and headers made of it."""
    forms = {key, key[6:30], digest(key).hex(), sha256(f"{key}:".encode()).hexdigest(), repr(digest(key))}
    for credentials in (key, f"{key}:", f"{key}:password", f":{key}"):
        forms.add(b64encode(credentials.encode()).decode().rstrip("="))
    forms.add(b64encode(digest(key)).decode())
    return forms


def assert_untraced(log: str, *keys: str) -> None:
    """Check that a log contains no form of any key."""
    for key in keys:
        for trace in traces(key):
            assert trace not in log
    assert "Basic " not in log
    assert "authorization" not in log.lower()


def send_every_form(server: Server, key: str) -> set[int]:
    """Send a key in every form, right and wrong; return the statuses."""
    forms = [
        basic(key),
        basic(key, None),
        basic(key, "password"),
        basic("", key),
        {"Authorization": f"Basic {key}"},
        {"Authorization": f"Bearer {key}"},
        {"Authorization": key},
        {**basic(key), "Content-Length": "2"},
        {**basic(key), "X-Huge": "x" * 40_000},
    ]
    targets = [LIST, f"{LIST}/1", f"{LIST}?page=0", f"{LIST}?key={key}", f"http://{key}:@rowen.example{LIST}", "/none"]
    answers = [
        send_raw(server, written_request("GET", target, headers, b"")) for target in targets for headers in forms
    ]
    answers += [send_raw(server, written_request(method, LIST, basic(key))) for method in ("POST", "BREW", "HEAD")]
    for answer in answers:
        assert key.encode() not in answer.body
        assert key not in str(answer.headers.get("www-authenticate"))
    return {answer.status for answer in answers}


def test_no_request_leaves_a_key_in_the_log(database: str, tmp_path: Path) -> None:
    key = make_key(database, HOME, "own")
    import_records(database, HOME, tmp_path, [record(1)])
    with serving(database, ["--access-log"]) as server:
        assert send_every_form(server, key) >= {200, 401, 403, 404, 405, 422, 431}
        assert 200 not in send_every_form(server, UNKNOWN)
        assert server.stop() == 0
    log = "".join(server.log)
    assert log.count('"event": "request"') > 100
    assert_untraced(log, key, UNKNOWN)


def test_no_refusal_leaves_a_secret_address_in_the_log(database: str) -> None:
    secret, long = "5ec2e7" * 6, "x" * 9_000
    paths = [f"/book/{secret}", f"/book/{secret}/calendar", f"/rowen/Book//{secret}", f"/sign-in/{secret}/none"]
    paths += [f"/calendars/{secret}.ics", f"/calendars/{secret}", f"/calendars/{secret}.ics/none"]
    with serving(database, ["--access-log", "--require-https"]) as server:
        for path in paths:
            for target, headers in (
                (path, {}),
                (path, {"X-Forwarded-Proto": "http"}),
                (path, {"Sec-Fetch-Site": "cross-site"}),
                (path, {"X-Huge": "x" * 40_000}),
                (f"{path}?{long}", {}),
            ):
                for method in ("GET", "POST", "BREW"):
                    send_raw(server, written_request(method, target, headers, b""))
        send_raw(server, written_request("GET", "/rowen/v1/calendars/7", {}))
        assert server.stop() == 0
    log = "".join(server.log)
    assert secret not in log
    for shown in ("/book/{token}", "/rowen/Book/{token}", "/sign-in/{token}", "/calendars/{token}", "/calendars/7"):
        assert f'"path": "{shown.replace("/calendars/7", "/rowen/v1/calendars/7")}"' in log, shown
    for status in (403, 414, 431, 404):
        assert f'"status": {status}' in log, status


def test_no_fault_leaves_a_key_in_the_log_or_its_cause_in_the_answer(
    storage: Storage, database: str, tmp_path: Path
) -> None:
    if storage.name != "sqlite":
        pytest.skip("the damage is done to SQLite's file")
    key = make_key(database, HOME, "own")
    import_records(database, HOME, tmp_path, [record(1)])
    requests = []
    with serving(database, ["--access-log"]) as server:
        for number, (damage, repair, status) in enumerate(DAMAGES, start=1):
            assert send_raw(server, written_request("GET", LIST, basic(key))).status == 200
            execute(database, damage)
            # Requested for the first time, so that the response is not cached.
            for path in (f"{LIST}?per_page={number}", f"{LIST}?created_after=2020-01-0{number}", f"{LIST}/1"):
                with server.client(key) as client:
                    answer = client.get(path)
                assert answer.status_code == status
                assert answer.json().keys() == {"message", "request_id"}
                assert answer.json()["request_id"] == answer.headers["x-request-id"]
                assert ("retry-after" in answer.headers) == (status == 503)
                requests.append(answer.headers["x-request-id"])
                for word in ("sql", "table", "damaged", "traceback", ".py", "rowen.db"):
                    assert word not in answer.text.lower()
            execute(database, repair)
        assert send_raw(server, written_request("GET", LIST, basic(key))).status == 200
        server.stop()
    log = "".join(server.log)
    for request in requests:
        assert request in log
    assert_untraced(log, key)


def execute(database: str, statement: str) -> None:
    """Run a statement on the database file."""
    with closing(sqlite3.connect(SqliteFile.parse(database).path)) as connection, connection:
        connection.execute(statement)


def test_a_key_is_in_no_file(storage: Storage, tmp_path: Path) -> None:
    database = storage.new_database(tmp_path)
    with serving(database) as server:
        key = make_key(database, "default", "second")
        with server.client(key) as client:
            assert client.get(LIST).status_code == 200
        server.stop()
    for file in tmp_path.iterdir():
        content = file.read_bytes()
        assert key.encode() not in content
        assert key[12:].encode() not in content
