"""Webhooks over HTTP and on the command line, sent by a real server."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook as Verifier

from rowen.app.subscriptions import Action
from rowen.webhooks.sender import EXCESSIVE
from rowen.webhooks.signing import harvest_signature
from tests.support.command import rowen
from tests.support.hostile_receiver import attacking, for_ever
from tests.support.programs import quiet_port
from tests.support.receiver import Receiver, Reply, receiving
from tests.support.records import Record, record
from tests.support.served_schedule import HOME, import_records, make_key
from tests.support.server import Server, serving
from tests.support.storage import Storage

pytestmark = pytest.mark.slow

HOOKS = "/rowen/v1/webhooks"
ACTIONS = [str(action) for action in Action]
FUTURE = "2999-01-01T10:00:00.000Z"
LATER = "2999-01-01T11:00:00.000Z"
NOT_BEFORE_AN_HOUR = {"Retry-After": "3600"}
"""So that no delivery is attempted again while a test looks at it, however slow the machine is."""


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
class ServedWebhooks:
    """A server that may send to this machine, and a client of it."""

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
        """Make a change that is sent."""
        answer = self.client.patch(
            f"/v2/scheduled_interviews/{interview}", json={"location": location}, headers={"On-Behalf-Of": "2000"}
        )
        assert answer.status_code == 200, answer.text


@pytest.fixture(scope="module")
def served(storage: Storage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedWebhooks]:
    folder = tmp_path_factory.mktemp("served")
    database = storage.new_database(folder)
    key = make_key(database, HOME, "all", rate_limit=0)
    records = [open_record(number) for number in range(1, 6)]
    import_records(database, HOME, folder, records, "--created-through-api")
    with serving(database, ["--webhook-allow", "127.0.0.1"]) as server, server.client(key) as client:
        yield ServedWebhooks(server, database, client)


@pytest.fixture
def receiver(served: ServedWebhooks) -> Iterator[Receiver]:
    """Return a receiver; all webhooks are removed afterwards."""
    with receiving() as opened:
        yield opened
        for each in served.client.get(HOOKS).json():
            assert served.client.delete(f"{HOOKS}/{each['id']}").status_code == 200


def test_a_webhook_is_added_found_changed_and_deleted(served: ServedWebhooks, receiver: Receiver) -> None:
    added = served.add(receiver.url)
    secret = added.pop("secret")
    assert secret.startswith("whsec_")
    assert list(added) == ["id", "url", "actions", "enabled", "reason", "created_at", "previous_secret_until"]
    assert (added["url"], added["actions"], added["enabled"]) == (receiver.url, ACTIONS, True)
    one = f"{HOOKS}/{added['id']}"
    found = served.client.get(one)
    assert found.json() == added, "without its secret"
    assert served.client.get(HOOKS).json() == [added]
    assert served.client.get(one, headers={"If-None-Match": found.headers["etag"]}).status_code == 304
    changed = served.client.patch(one, json={"actions": ["interview_deleted"], "url": receiver.url + "2"}).json()
    assert changed == {**added, "actions": ["interview_deleted"], "url": receiver.url + "2"}
    assert served.client.patch(one, json={"enabled": False}).json() == {**changed, "enabled": False}
    deleted = served.client.delete(one)
    assert deleted.json() == {"message": f"Webhook {added['id']} has been deleted."}
    for method, path in (("GET", one), ("DELETE", one), ("GET", one + "/deliveries"), ("POST", one + "/test")):
        assert served.client.request(method, path).status_code == 404
    assert served.client.post(one + "/rotate").status_code == 404
    assert served.client.patch(one, json={"enabled": True}).status_code == 404


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
def test_a_refusal_names_every_field(served: ServedWebhooks, receiver: Receiver, case: str) -> None:
    body, fields = REFUSED[case]
    answer = served.client.post(HOOKS, json=body)
    assert answer.status_code == 422
    assert answer.json()["message"] == "Validation error"
    assert {error["field"] for error in answer.json()["errors"]} == fields
    assert served.client.get(HOOKS).json() == []


def test_a_change_is_refused_alike(served: ServedWebhooks, receiver: Receiver) -> None:
    added = served.add(receiver.url)
    one = f"{HOOKS}/{added['id']}"
    bodies: dict[str, Any] = {"url": "http://10.0.0.1/", "enabled": "yes", "id": 1, "actions": None}
    for field, value in bodies.items():
        answer = served.client.patch(one, json={field: value})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    twice = served.client.patch(
        one, content='{"enabled":true,"enabled":false}', headers={"Content-Type": "application/json"}
    )
    assert twice.status_code == 422
    for action in ("test", "rotate"):
        assert served.client.post(f"{one}/{action}", json={"secret": "whsec_mine"}).status_code == 422
    added.pop("secret")
    assert served.client.get(one).json() == added


def test_a_test_is_sent_at_once_and_signed(served: ServedWebhooks, receiver: Receiver) -> None:
    added = served.add(receiver.url)
    one = f"{HOOKS}/{added['id']}"
    assert served.client.post(one + "/test").json() == {"delivered": True, "status": 204, "reason": None}
    (received,) = receiver.received
    assert received.json == {"action": "ping", "payload": {"webhook_id": added["id"]}}
    Verifier(added["secret"]).verify(received.body, dict(received.headers))
    receiver.replies.extend([Reply(302, {"Location": served.server.url}), Reply(410)])
    assert served.client.post(one + "/test").json() == {"delivered": False, "status": 302, "reason": "answered 302"}
    assert served.client.post(one + "/test").json()["status"] == 410
    assert served.client.get(one).json()["enabled"] is True
    assert served.client.get(one + "/deliveries").json() == [], "nothing of it is stored"
    served.client.patch(one, json={"url": f"http://127.0.0.1:{quiet_port()}/"})
    nobody = served.client.post(one + "/test").json()
    assert nobody == {"delivered": False, "status": None, "reason": "the connection was refused"}


def test_changes_are_sent_with_the_whole_object(served: ServedWebhooks, receiver: Receiver) -> None:
    added = served.add(receiver.url)
    served.move(1, "Room 1")
    served.move(1, "Grüner Saal 面接 🌲")
    received = receiver.wait_for(2)
    assert received[1].body == b'{"action":"interview_updated","payload":{"interview":%b}}' % (
        served.client.get("/v1/scheduled_interviews/1").content
    )
    for each in received:
        Verifier(added["secret"]).verify(each.body, dict(each.headers))
        assert each.headers["signature"] == "sha256 " + harvest_signature(added["secret"], each.body)
        assert each.headers["greenhouse-event-id"] == each.event_id
    assert received[0].event_id != received[1].event_id
    deliveries = _settled(served, added["id"])
    assert [each["event_id"] for each in deliveries] == [each.event_id for each in reversed(received)]
    newest = deliveries[0]
    assert newest["revision"] == deliveries[1]["revision"] + 1
    assert list(newest) == [
        *("state", "action", "event_id", "revision", "attempts", "last_status", "last_error"),
        *("created_at", "next_attempt_at", "settled_at", "interview_id", "last_attempt_at"),
    ]
    assert (newest["interview_id"], newest["last_attempt_at"] is None) == (1, False)
    assert (newest["state"], newest["attempts"], newest["last_status"]) == ("delivered", 1, 204)
    assert (newest["last_error"], newest["next_attempt_at"]) == (None, None)
    one = f"{HOOKS}/{added['id']}/deliveries"
    assert served.client.get(one, params={"limit": 1}).json() == [newest]
    for bad in ("0", "501", "x", "", "\uff11", "1e1", "-1"):
        answer = served.client.get(one, params={"limit": bad})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "limit")


def _settled(served: ServedWebhooks, webhook: int) -> list[dict[str, Any]]:
    """Return the deliveries once the last has been recorded, which is right after it arrived."""
    while True:
        found: list[dict[str, Any]] = served.client.get(f"{HOOKS}/{webhook}/deliveries").json()
        if all(each["state"] == "delivered" for each in found):
            return found


def test_both_secrets_are_valid_after_a_rotation(served: ServedWebhooks, receiver: Receiver) -> None:
    added = served.add(receiver.url)
    rotated = served.client.post(f"{HOOKS}/{added['id']}/rotate").json()
    assert rotated["secret"] != added["secret"]
    assert rotated["previous_secret_until"] > added["created_at"]
    served.move(2, "Room 2")
    (received,) = receiver.wait_for(1)
    for each in (added, rotated):
        Verifier(each["secret"]).verify(received.body, dict(received.headers))
    assert received.headers["signature"] == "sha256 " + harvest_signature(rotated["secret"], received.body)
    assert "secret" not in served.client.get(HOOKS).json()[0]


def test_disabled_webhooks_and_those_for_other_actions_get_nothing(served: ServedWebhooks, receiver: Receiver) -> None:
    disabled = served.add(receiver.url + "/disabled")
    served.client.patch(f"{HOOKS}/{disabled['id']}", json={"enabled": False})
    served.add(receiver.url + "/deleted", actions=["interview_deleted"])
    served.add(receiver.url + "/all")
    served.move(3, "Room 3")
    deleted = served.client.delete("/v1/scheduled_interviews/3", headers={"On-Behalf-Of": "2000"})
    assert deleted.status_code == 200, deleted.text
    received = sorted((each.path, each.json["action"]) for each in receiver.wait_for(3))
    assert received == [
        ("/hook/all", "interview_deleted"),
        ("/hook/all", "interview_updated"),
        ("/hook/deleted", "interview_deleted"),
    ]


def test_the_same_on_the_command_line(served: ServedWebhooks, receiver: Receiver) -> None:
    where = ("--organization", HOME, "--database", served.database)
    allow = ("--webhook-allow", "127.0.0.1")
    refused = rowen("webhooks", "add", receiver.url, *where, status=1).stderr
    assert refused.startswith("rowen: URL must not lead to a private, local or reserved address")
    assert refused.endswith("; if the host is your own, allow it with --webhook-allow 127.0.0.1\n")
    other = ("--webhook-allow", "localhost")
    assert rowen("webhooks", "add", receiver.url, *other, *where, status=1).stderr == refused
    done = rowen("webhooks", "add", receiver.url, "--action", "interview_updated", *allow, *where)
    secret = done.stdout.strip()
    (listed,) = served.client.get(HOOKS).json()
    identifier = str(listed["id"])
    assert listed["actions"] == ["interview_updated"]
    assert done.stderr == f"Webhook {identifier} added. Next: rowen webhooks test {identifier}\n"
    tested = rowen("webhooks", "test", identifier, *where)
    assert tested.stderr == f"Webhook {identifier} answered 204.\n", "what `add` allowed is allowed"
    (received,) = receiver.received
    Verifier(secret).verify(received.body, dict(received.headers))
    rotated = rowen("webhooks", "rotate", identifier, *where)
    assert "The previous secret is valid until " in rotated.stderr
    served.move(4, "Room 4")
    received = receiver.wait_for(2)[1]
    for each in (secret, rotated.stdout.strip()):
        Verifier(each).verify(received.body, dict(received.headers))
    _settled(served, listed["id"])
    (head, row) = rowen("webhooks", "deliveries", identifier, *where).stdout.splitlines()
    assert dict(zip(head.split("\t"), row.split("\t"), strict=True))["state"] == "delivered"
    rowen("webhooks", "disable", identifier, *where)
    listing = rowen("webhooks", "list", *where).stdout
    assert dict(zip(*(line.split("\t") for line in listing.splitlines()), strict=True))["enabled"] == "no"
    for each in (secret, rotated.stdout.strip()):
        assert each not in listing
    rowen("webhooks", "enable", identifier, *where)
    assert served.client.get(HOOKS).json()[0]["enabled"] is True
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
                served = ServedWebhooks(server, database, client)
                added = served.add(f"{receiver.url}?token=hidden")
                rotated = client.post(f"{HOOKS}/{added['id']}/rotate").json()
                client.post(f"{HOOKS}/{added['id']}/test")
                served.move(1, "Room 1")
                receiver.wait_for(2)
                while client.get(f"{HOOKS}/{added['id']}/deliveries").json()[0]["attempts"] == 0:
                    pass
            server.stop()
        log = "".join(server.log)
    assert "webhook not delivered" in log
    for each in (added["secret"], rotated["secret"], "whsec_", "hidden", "own words", "Room 1"):
        assert each not in log
    assert json.loads(next(line for line in log.splitlines() if "not delivered" in line))["attempts"] == 1


def test_a_host_that_was_allowed_is_allowed_for_that_url_only(served: ServedWebhooks, receiver: Receiver) -> None:
    where = ("--organization", HOME, "--database", served.database)
    rowen("webhooks", "add", receiver.url, "--webhook-allow", "127.0.0.1", *where)
    identifier = str(served.client.get(HOOKS).json()[0]["id"])
    listing = rowen("webhooks", "list", *where).stdout
    assert dict(zip(*(line.split("\t") for line in listing.splitlines()), strict=True))["allowed host"] == "127.0.0.1"
    changed = served.client.patch(f"{HOOKS}/{identifier}", json={"url": receiver.url + "?2"})
    assert changed.status_code == 200, "this server allows the host itself"
    refused = rowen("webhooks", "test", identifier, *where, status=1).stderr
    assert "the address is private, local or reserved" in refused
    assert "--webhook-allow" in refused
    assert receiver.received == []
    rowen("webhooks", "test", identifier, "--webhook-allow", "127.0.0.1", *where)
    assert len(receiver.received) == 1


def test_a_server_sends_to_a_host_that_the_command_line_allowed(storage: Storage, tmp_path: Path) -> None:
    database = storage.new_database(tmp_path)
    where = ("--organization", HOME, "--database", database)
    key = make_key(database, HOME, "all", rate_limit=0)
    import_records(database, HOME, tmp_path, [open_record(1)], "--created-through-api")
    with receiving() as receiver, serving(database, []) as server, server.client(key) as client:
        refused = client.post(HOOKS, json={"url": receiver.url})
        assert refused.status_code == 422
        rowen("webhooks", "add", receiver.url, "--webhook-allow", "127.0.0.1", *where)
        served = ServedWebhooks(server, database, client)
        served.move(1, "Room 1")
        receiver.wait_for(1)
        (hook,) = client.get(HOOKS).json()
        assert client.post(f"{HOOKS}/{hook['id']}/test").json()["delivered"] is True
        elsewhere = client.patch(f"{HOOKS}/{hook['id']}", json={"url": receiver.url + "2"})
        assert elsewhere.status_code == 422, "the same host, but another URL"
        assert client.patch(f"{HOOKS}/{hook['id']}", json={"url": receiver.url}).status_code == 200


def test_a_delivery_is_shown_sent_again_and_skipped(served: ServedWebhooks, receiver: Receiver) -> None:
    receiver.replies.append(Reply(503, NOT_BEFORE_AN_HOUR, b"tired"))
    hook = served.add(receiver.url)["id"]
    one = f"{HOOKS}/{hook}"
    served.move(5, "Room 5")
    (received,) = receiver.wait_for(1)
    while (first := served.client.get(one + "/deliveries").json()[0])["attempts"] == 0:
        pass
    shown = served.client.get(f"{one}/deliveries/{first['event_id']}")
    detail = shown.json()
    assert detail == {**first, "headers": detail["headers"], "body": received.json}
    assert received.body in shown.content
    assert detail["headers"]["webhook-id"] == received.event_id
    for secret in ("signature", "tired", "whsec_"):
        assert secret not in shown.text.lower(), "nor what the receiver answered"
    served.move(5, "Room 6")
    assert served.client.post(one + "/skip", json={"event_id": first["event_id"]}).json() == {"count": 1}
    receiver.wait_for(2)
    second, skipped = _after(served, hook, "delivered")
    assert (skipped["state"], skipped["event_id"]) == ("skipped", first["event_id"])
    assert served.client.post(one + "/skip", json={"pending": True}).json() == {"count": 0}
    assert served.client.post(one + "/skip", json={"revision": first["revision"]}).status_code == 404
    assert served.client.post(one + "/resend", json={"revision": first["revision"]}).json() == {"count": 1}
    assert receiver.wait_for(3)[2].event_id == first["event_id"]
    assert served.client.post(one + "/resend", json={"event_id": second["event_id"]}).json() == {"count": 1}
    assert receiver.wait_for(4)[3].event_id == second["event_id"]
    assert served.client.post(one + "/resend", json={"failed_since": "2020-01-01T00:00:00Z"}).json() == {"count": 0}
    for path in ("resend", "skip"):
        assert served.client.post(f"{one}/{path}", json={"event_id": "msg_unknown"}).status_code == 404
        assert served.client.post(f"{one}/{path}", json={"revision": 99_999_999}).status_code == 404
    assert served.client.get(f"{one}/deliveries/msg_unknown").status_code == 404
    served.client.patch(one, json={"enabled": False})
    disabled = served.client.post(one + "/resend", json={"event_id": second["event_id"]})
    assert (disabled.status_code, disabled.json()["errors"][0]["field"]) == (409, "webhook")


def _after(served: ServedWebhooks, webhook: int, state: str) -> list[dict[str, Any]]:
    """Return the deliveries once the newest is in a state."""
    while True:
        found: list[dict[str, Any]] = served.client.get(f"{HOOKS}/{webhook}/deliveries").json()
        if found[0]["state"] == state:
            return found


CHOICES: dict[str, tuple[str, Any, set[str]]] = {
    "nothing": ("resend", {}, {"body"}),
    "two at once": ("resend", {"revision": 1, "event_id": "msg_1"}, {"body"}),
    "no time": ("resend", {"failed_since": "yesterday"}, {"failed_since"}),
    "a number as time": ("resend", {"failed_since": 7}, {"failed_since"}),
    "no revision": ("resend", {"revision": 0}, {"revision"}),
    "an empty event id": ("resend", {"event_id": ""}, {"event_id"}),
    "what is for skipping": ("resend", {"pending": True}, {"pending"}),
    "not pending": ("skip", {"pending": False}, {"pending"}),
    "what is for sending again": ("skip", {"failed_since": "2020-01-01T00:00:00Z"}, {"failed_since"}),
    "mass assignment": (
        "skip",
        {"pending": True, "organization_id": 2, "state": "delivered"},
        {"organization_id", "state"},
    ),
    "no object": ("skip", [], {"body"}),
}


@pytest.mark.parametrize("case", CHOICES)
def test_deliveries_are_chosen_by_exactly_one_valid_field(
    served: ServedWebhooks, receiver: Receiver, case: str
) -> None:
    action, body, fields = CHOICES[case]
    hook = served.add(receiver.url)["id"]
    answer = served.client.post(f"{HOOKS}/{hook}/{action}", json=body)
    assert answer.status_code == 422
    assert {error["field"] for error in answer.json()["errors"]} == fields


def test_deliveries_on_the_command_line(served: ServedWebhooks, receiver: Receiver) -> None:
    where = ("--organization", HOME, "--database", served.database)
    receiver.replies.append(Reply(503, NOT_BEFORE_AN_HOUR, b"tired \x1b[2J\x07 of \xff this\r\n"))
    hook = str(served.add(receiver.url)["id"])
    served.move(2, "Room 7")
    (received,) = receiver.wait_for(1)
    while served.client.get(f"{HOOKS}/{hook}/deliveries").json()[0]["attempts"] == 0:
        pass
    event = received.event_id
    (head, row) = rowen("webhooks", "deliveries", hook, *where).stdout.splitlines()
    cells = dict(zip(head.split("\t"), row.split("\t"), strict=True))
    assert (cells["event id"], cells["interview"], cells["last status"], cells["state"]) == (
        event,
        "2",
        "503",
        "pending",
    )
    (listed,) = json.loads(rowen("webhooks", "deliveries", hook, "--json", *where).stdout)
    assert listed == served.client.get(f"{HOOKS}/{hook}/deliveries").json()[0]
    shown = rowen("webhooks", "delivery", hook, event, *where).stdout
    assert f"webhook-id: {event}\n" in shown
    assert '"location": "Room 7"' in shown
    assert "tired \N{REPLACEMENT CHARACTER}[2J\N{REPLACEMENT CHARACTER} of \N{REPLACEMENT CHARACTER} this\n" in shown
    assert "signature:" not in shown.lower()
    detail = json.loads(rowen("webhooks", "delivery", hook, event, "--json", *where).stdout)
    assert detail["body"] == received.json
    assert detail["last_answer"].startswith("tired ")
    unknown = rowen("webhooks", "delivery", hook, "msg_unknown", *where, status=1).stderr
    assert unknown == f"rowen: webhook {hook} has no delivery msg_unknown\n"
    for wrong in ((), ("--event", event, "--revision", "1")):
        said = rowen("webhooks", "resend", hook, *wrong, *where, status=2).stderr
        assert "--failed-since" in said
    skipped = rowen("webhooks", "skip", hook, "--event", event, *where)
    assert skipped.stderr == f"1 delivery to webhook {hook} skipped.\n"
    again = rowen("webhooks", "resend", hook, "--event", event, *where)
    assert again.stderr == f"1 delivery to webhook {hook} will be sent again.\n"
    assert receiver.wait_for(2)[1].event_id == event, "the server noticed"
    none = rowen("webhooks", "resend", hook, "--failed-since", "2020-01-01T00:00:00Z", *where)
    assert none.stderr == f"0 deliveries to webhook {hook} will be sent again.\n"
    rowen("webhooks", "resend", hook, "--failed-since", "yesterday", *where, status=2)
    rowen("webhooks", "disable", hook, *where)
    refused = rowen("webhooks", "resend", hook, "--event", event, *where, status=1).stderr
    assert refused == f"rowen: webhook {hook} is disabled: enable it first\n"


def test_tests_of_a_webhook_are_sent_one_at_a_time(served: ServedWebhooks, receiver: Receiver) -> None:
    hook = served.add(receiver.url)["id"]
    receiver.otherwise = Reply(hangs=True)
    path = f"{HOOKS}/{hook}/test"
    with ThreadPoolExecutor() as threads:
        first = threads.submit(served.client.post, path, timeout=60)
        receiver.wait_for(1)
        second = served.client.post(path)
        assert (second.status_code, second.json()["message"]) == (429, "Rate limit exceeded")
        assert served.client.get(f"{HOOKS}/{hook}").status_code == 200
        receiver.release()
        assert first.result().status_code == 200
    receiver.otherwise = Reply()
    assert served.client.post(path).json()["delivered"] is True


def test_hostile_receivers_do_not_keep_a_server_from_answering(served: ServedWebhooks, receiver: Receiver) -> None:
    """Twenty of them send `100 Continue` without end: each is cut off, while changes are accepted and sent on."""
    served.add(receiver.url)
    with attacking(for_ever(b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000)) as hostile:
        hooks = [served.add(hostile.url)["id"] for _ in range(20)]
        for number in range(10):
            served.move(1, f"Hall {number}")
        taken = hostile.wait_until_cut(20)
        received = receiver.wait_for(10)
    assert [each.json["payload"]["interview"]["location"] for each in received] == [
        f"Hall {each}" for each in range(10)
    ]
    assert max(taken) < 8 * 1024 * 1024
    for hook in hooks:
        while (first := served.client.get(f"{HOOKS}/{hook}/deliveries").json()[-1])["attempts"] == 0:
            pass
        assert first["last_error"] == EXCESSIVE
