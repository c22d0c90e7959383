"""Webhooks over HTTP and on the command line, told by a real server (issue 3, "Telling")."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook as Verifier

from rowen.app.telling import Action
from rowen.telling.signing import harvest_signature
from tests.contract.schedule import HOME, import_records, make_key
from tests.support.command import rowen
from tests.support.receiver import Receiver, Reply, receiving
from tests.support.records import Record, record
from tests.support.server import Server, free_port, serving
from tests.support.storage import Storage

HOOKS = "/rowen/v1/webhooks"
ACTIONS = [str(action) for action in Action]
FUTURE = "2999-01-01T10:00:00.000Z"
LATER = "2999-01-01T11:00:00.000Z"


def open_record(number: int) -> Record:
    """Return an interview that can be changed."""
    (interviewer,) = record(number)["interviewers"]
    return record(
        number,
        start={"date_time": FUTURE},
        end={"date_time": LATER},
        status="scheduled",
        interviewers=[{**interviewer, "scorecard_id": None}],
    )


@dataclass(frozen=True)
class Told:
    """A server that may tell this machine, and a client of it."""

    server: Server
    database: str
    client: httpx.Client

    def add(self, url: str, **fields: Any) -> dict[str, Any]:
        """Add a webhook."""
        answer = self.client.post(HOOKS, json={"url": url, **fields})
        assert answer.status_code == 200, answer.text
        added: dict[str, Any] = answer.json()
        return added

    def move(self, interview: int, location: str) -> None:
        """Make a change that is told."""
        answer = self.client.patch(
            f"/v2/scheduled_interviews/{interview}", json={"location": location}, headers={"On-Behalf-Of": "2000"}
        )
        assert answer.status_code == 200, answer.text


@pytest.fixture(scope="module")
def told(storage: Storage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    folder = tmp_path_factory.mktemp("told")
    database = storage.new_database(folder)
    key = make_key(database, HOME, "all", rate_limit=0)
    records = [open_record(number) for number in range(1, 6)]
    import_records(database, HOME, folder, records, "--created-through-api")
    with serving(database, ["--webhook-allow", "127.0.0.1"]) as server, server.client(key) as client:
        yield Told(server, database, client)


@pytest.fixture
def receiver(told: Told) -> Iterator[Receiver]:
    """Return a receiver; all webhooks are gone afterwards."""
    with receiving() as opened:
        yield opened
        for each in told.client.get(HOOKS).json():
            assert told.client.delete(f"{HOOKS}/{each['id']}").status_code == 200


def test_a_webhook_is_added_found_changed_and_deleted(told: Told, receiver: Receiver) -> None:
    added = told.add(receiver.url)
    secret = added.pop("secret")
    assert secret.startswith("whsec_")
    assert list(added) == ["id", "url", "actions", "enabled", "reason", "created_at", "previous_secret_until"]
    assert (added["url"], added["actions"], added["enabled"]) == (receiver.url, ACTIONS, True)
    one = f"{HOOKS}/{added['id']}"
    found = told.client.get(one)
    assert found.json() == added, "without its secret"
    assert told.client.get(HOOKS).json() == [added]
    assert told.client.get(one, headers={"If-None-Match": found.headers["etag"]}).status_code == 304
    changed = told.client.patch(one, json={"actions": ["interview_deleted"], "url": receiver.url + "2"}).json()
    assert changed == {**added, "actions": ["interview_deleted"], "url": receiver.url + "2"}
    assert told.client.patch(one, json={"enabled": False}).json() == {**changed, "enabled": False}
    deleted = told.client.delete(one)
    assert deleted.json() == {"message": f"Webhook {added['id']} has been deleted."}
    for method, path in (("GET", one), ("DELETE", one), ("GET", one + "/deliveries"), ("POST", one + "/test")):
        assert told.client.request(method, path).status_code == 404
    assert told.client.post(one + "/rotate").status_code == 404
    assert told.client.patch(one, json={"enabled": True}).status_code == 404


REFUSED: dict[str, tuple[Any, set[str]]] = {
    "nothing": ({}, {"url"}),
    "no text": ({"url": 7}, {"url"}),
    "empty": ({"url": ""}, {"url"}),
    "private": ({"url": "http://10.0.0.1/"}, {"url"}),
    "this machine by another name": ({"url": "http://localhost/"}, {"url"}),
    "this machine by another address": ({"url": "http://127.0.0.2/"}, {"url"}),
    "metadata": ({"url": "http://169.254.169.254/latest/meta-data/"}, {"url"}),
    "not the web": ({"url": "ftp://127.0.0.1/"}, {"url"}),
    "credentials": ({"url": "https://a:b@hooks.example.com/"}, {"url"}),
    "control characters": ({"url": "https://hooks.example.com/\r\nX: y"}, {"url"}),
    "unknown field": ({"url": "https://hooks.example.com/", "secret": "whsec_x"}, {"secret"}),
    "mass assignment": (
        {"url": "https://hooks.example.com/", "organization_id": 2, "id": 9},
        {"organization_id", "id"},
    ),
    "no actions": ({"url": "https://hooks.example.com/", "actions": []}, {"actions"}),
    "unknown action": ({"url": "https://hooks.example.com/", "actions": ["ping"]}, {"actions[0]"}),
    "actions as text": ({"url": "https://hooks.example.com/", "actions": "interview_deleted"}, {"actions"}),
    "all at once": ({"url": "http://10.0.0.1/", "actions": [1], "more": 1}, {"url", "actions[0]", "more"}),
    "no object": ([], {"body"}),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_names_every_field(told: Told, receiver: Receiver, case: str) -> None:
    body, fields = REFUSED[case]
    answer = told.client.post(HOOKS, json=body)
    assert answer.status_code == 422
    assert answer.json()["message"] == "Validation error"
    assert {error["field"] for error in answer.json()["errors"]} == fields
    assert told.client.get(HOOKS).json() == []


def test_a_change_is_refused_alike(told: Told, receiver: Receiver) -> None:
    added = told.add(receiver.url)
    one = f"{HOOKS}/{added['id']}"
    bodies: dict[str, Any] = {"url": "http://10.0.0.1/", "enabled": "yes", "id": 1, "actions": None}
    for field, value in bodies.items():
        answer = told.client.patch(one, json={field: value})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    twice = told.client.patch(
        one, content='{"enabled":true,"enabled":false}', headers={"Content-Type": "application/json"}
    )
    assert twice.status_code == 422
    for action in ("test", "rotate"):
        assert told.client.post(f"{one}/{action}", json={"secret": "whsec_mine"}).status_code == 422
    added.pop("secret")
    assert told.client.get(one).json() == added


def test_a_test_is_sent_at_once_and_signed(told: Told, receiver: Receiver) -> None:
    added = told.add(receiver.url)
    one = f"{HOOKS}/{added['id']}"
    assert told.client.post(one + "/test").json() == {"delivered": True, "status": 204, "reason": None}
    (received,) = receiver.received
    assert received.json == {"action": "ping", "payload": {"webhook_id": added["id"]}}
    Verifier(added["secret"]).verify(received.body, dict(received.headers))
    receiver.replies.extend([Reply(302, {"Location": told.server.url}), Reply(410)])
    assert told.client.post(one + "/test").json() == {"delivered": False, "status": 302, "reason": "answered 302"}
    assert told.client.post(one + "/test").json()["status"] == 410
    assert told.client.get(one).json()["enabled"] is True
    assert told.client.get(one + "/deliveries").json() == [], "nothing of it is stored"
    told.client.patch(one, json={"url": f"http://127.0.0.1:{free_port()}/"})
    nobody = told.client.post(one + "/test").json()
    assert nobody == {"delivered": False, "status": None, "reason": "the connection was refused"}


def test_what_happens_is_told_with_the_whole_object(told: Told, receiver: Receiver) -> None:
    added = told.add(receiver.url)
    told.move(1, "Room 1")
    told.move(1, "Grüner Saal 面接 🌲")
    received = receiver.wait_for(2)
    assert received[1].body == b'{"action":"interview_updated","payload":{"interview":%b}}' % (
        told.client.get("/v1/scheduled_interviews/1").content
    )
    for each in received:
        Verifier(added["secret"]).verify(each.body, dict(each.headers))
        assert each.headers["signature"] == "sha256 " + harvest_signature(added["secret"], each.body)
        assert each.headers["greenhouse-event-id"] == each.event_id
    assert received[0].event_id != received[1].event_id
    deliveries = _settled(told, added["id"])
    assert [each["event_id"] for each in deliveries] == [each.event_id for each in reversed(received)]
    newest = deliveries[0]
    assert newest["revision"] == deliveries[1]["revision"] + 1
    assert list(newest) == [
        *("state", "action", "event_id", "revision", "attempts", "last_status", "last_error"),
        *("created_at", "next_attempt_at", "settled_at"),
    ]
    assert (newest["state"], newest["attempts"], newest["last_status"]) == ("delivered", 1, 204)
    assert (newest["last_error"], newest["next_attempt_at"]) == (None, None)
    one = f"{HOOKS}/{added['id']}/deliveries"
    assert told.client.get(one, params={"limit": 1}).json() == [newest]
    for bad in ("0", "501", "x", "", "\uff11", "1e1", "-1"):
        answer = told.client.get(one, params={"limit": bad})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "limit")


def _settled(told: Told, webhook: int) -> list[dict[str, Any]]:
    """Return the deliveries once the last has been recorded, which is right after it arrived."""
    while True:
        found: list[dict[str, Any]] = told.client.get(f"{HOOKS}/{webhook}/deliveries").json()
        if all(each["state"] == "delivered" for each in found):
            return found


def test_both_secrets_are_valid_after_a_rotation(told: Told, receiver: Receiver) -> None:
    added = told.add(receiver.url)
    rotated = told.client.post(f"{HOOKS}/{added['id']}/rotate").json()
    assert rotated["secret"] != added["secret"]
    assert rotated["previous_secret_until"] > added["created_at"]
    told.move(2, "Room 2")
    (received,) = receiver.wait_for(1)
    for each in (added, rotated):
        Verifier(each["secret"]).verify(received.body, dict(received.headers))
    assert received.headers["signature"] == "sha256 " + harvest_signature(rotated["secret"], received.body)
    assert "secret" not in told.client.get(HOOKS).json()[0]


def test_one_that_is_disabled_or_asks_for_something_else_is_not_told(told: Told, receiver: Receiver) -> None:
    disabled = told.add(receiver.url + "/disabled")
    told.client.patch(f"{HOOKS}/{disabled['id']}", json={"enabled": False})
    told.add(receiver.url + "/deleted", actions=["interview_deleted"])
    told.add(receiver.url + "/all")
    told.move(3, "Room 3")
    deleted = told.client.delete("/v1/scheduled_interviews/3", headers={"On-Behalf-Of": "2000"})
    assert deleted.status_code == 200, deleted.text
    received = sorted((each.path, each.json["action"]) for each in receiver.wait_for(3))
    assert received == [
        ("/hook/all", "interview_deleted"),
        ("/hook/all", "interview_updated"),
        ("/hook/deleted", "interview_deleted"),
    ]


def test_the_same_on_the_command_line(told: Told, receiver: Receiver) -> None:
    where = ("--organization", HOME, "--database", told.database)
    allow = ("--webhook-allow", "127.0.0.1")
    refused = rowen("webhooks", "add", receiver.url, *where, status=1).stderr
    assert refused.startswith("rowen: url must not lead to a private, local or reserved address")
    done = rowen("webhooks", "add", receiver.url, "--action", "interview_updated", *allow, *where)
    secret = done.stdout.strip()
    (listed,) = told.client.get(HOOKS).json()
    identifier = str(listed["id"])
    assert listed["actions"] == ["interview_updated"]
    assert done.stderr == f"Webhook {identifier} added. Next: rowen webhooks test {identifier}\n"
    assert rowen("webhooks", "test", identifier, *allow, *where).stderr == f"Webhook {identifier} answered 204.\n"
    (received,) = receiver.received
    Verifier(secret).verify(received.body, dict(received.headers))
    elsewhere = rowen("webhooks", "test", identifier, *where, status=1).stderr
    assert "the address is private, local or reserved" in elsewhere
    rotated = rowen("webhooks", "rotate", identifier, *where)
    assert "The secret before is valid until " in rotated.stderr
    told.move(4, "Room 4")
    received = receiver.wait_for(2)[1]
    for each in (secret, rotated.stdout.strip()):
        Verifier(each).verify(received.body, dict(received.headers))
    _settled(told, listed["id"])
    (head, row) = rowen("webhooks", "deliveries", identifier, *where).stdout.splitlines()
    assert dict(zip(head.split("\t"), row.split("\t"), strict=True))["state"] == "delivered"
    rowen("webhooks", "disable", identifier, *where)
    listing = rowen("webhooks", "list", *where).stdout
    assert dict(zip(*(line.split("\t") for line in listing.splitlines()), strict=True))["enabled"] == "no"
    for each in (secret, rotated.stdout.strip()):
        assert each not in listing
    rowen("webhooks", "enable", identifier, *where)
    assert told.client.get(HOOKS).json()[0]["enabled"] is True
    rowen("webhooks", "remove", identifier, *where)
    assert (
        rowen("webhooks", "remove", identifier, *where, status=1).stderr == f"rowen: there is no webhook {identifier}\n"
    )


def test_no_secret_and_no_address_is_logged(storage: Storage, tmp_path: Path) -> None:
    database = storage.new_database(tmp_path)
    key = make_key(database, HOME, "all", rate_limit=0)
    import_records(database, HOME, tmp_path, [open_record(1)], "--created-through-api")
    with receiving(otherwise=Reply(500, body=b"the receiver's own words")) as receiver:
        with serving(database, ["--access-log", "--webhook-allow", "127.0.0.1"]) as server:
            with server.client(key) as client:
                told = Told(server, database, client)
                added = told.add(f"{receiver.url}?token=hidden")
                rotated = client.post(f"{HOOKS}/{added['id']}/rotate").json()
                client.post(f"{HOOKS}/{added['id']}/test")
                told.move(1, "Room 1")
                receiver.wait_for(2)
                while client.get(f"{HOOKS}/{added['id']}/deliveries").json()[0]["attempts"] == 0:
                    pass
            server.stop()
        log = "".join(server.log)
    assert "webhook not delivered" in log
    for each in (added["secret"], rotated["secret"], "whsec_", "hidden", "own words", "Room 1"):
        assert each not in log
    assert json.loads(next(line for line in log.splitlines() if "not delivered" in line))["attempts"] == 1
