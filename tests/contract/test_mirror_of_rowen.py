"""Rowen's own v3 as the account: the mirror of a mirror, and a mirror that follows what clients write."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support import v3_account
from tests.support.command import begin, environment, rowen
from tests.support.mirroring import mirror_command
from tests.support.server import Server, serving
from tests.support.storage import Storage
from tests.support.v3_account import ALL_DAY, ANN, BOB, TIMED
from tests.support.v3_upstream import v3_upstream

pytestmark = pytest.mark.slow

NEW: Final = {
    "application_id": 70,
    "interview_id": 61,
    "interviewers": [{"user_id": BOB, "response_status": "tentative"}],
    "start": "2030-01-01T09:00:00Z",
    "end": "2030-01-01T10:00:00Z",
}


@dataclass
class Chain:
    """Two databases: the first is served, and the second mirrors it."""

    server: Server
    first: str
    second: str
    credentials: tuple[str | Path, ...]

    def follow(self) -> None:
        """Bring the second up to date."""
        address = f"{self.server.url}/v3"
        rowen("mirror", "--from", address, *self.credentials, "--database", self.second, "--once")


@pytest.fixture
def chain(storage: Storage, tmp_path: Path) -> Iterator[Chain]:
    first, second = storage.new_database(tmp_path / "first"), storage.new_database(tmp_path / "second")
    with v3_upstream() as upstream:
        v3_account.fill(upstream)
        rowen(*mirror_command(upstream, tmp_path, first), "--once")
    printed = rowen("clients", "create", "mirror", "--database", first).stdout
    made = dict(line.split(": ", 1) for line in printed.splitlines() if ": " in line)
    ours = tmp_path / "ours"
    ours.write_text(made["secret"])
    credentials = ("--client-id", made["client_id"], "--client-secret-file", ours)
    with serving(first, ["--rate-limit", "0"]) as server:
        yield Chain(server, first, second, credentials)


def exported(database: str) -> list[str]:
    """Return the interviews of a database as they are exported."""
    return rowen("export", "--database", database).stdout.splitlines()


def scorecards(database: str) -> list[dict[str, Any]]:
    """Return the scorecards that a server of a database shows, without the time at which each was last written."""
    key = rowen("keys", "create", "reader", "--database", database).stdout.strip()
    with serving(database, ["--rate-limit", "0"]) as server, server.client(key) as client:
        found: list[dict[str, Any]] = client.get("/v1/scorecards").raise_for_status().json()
    rowen("keys", "revoke", "reader", "--database", database)
    return [{**each, "updated_at": None} for each in found]


def undated(lines: list[str]) -> list[dict[str, Any]]:
    """Return interviews without the time at which each was last written."""
    return [{**json.loads(line), "updated_at": None} for line in lines]


def test_the_mirror_of_a_mirror_equals_it_byte_for_byte(chain: Chain) -> None:
    chain.follow()
    assert len(exported(chain.first)) == 2
    assert exported(chain.second) == exported(chain.first)
    chain.follow()
    assert exported(chain.second) == exported(chain.first)
    assert scorecards(chain.second) == scorecards(chain.first) != []


def test_what_clients_write_is_followed(chain: Chain) -> None:
    chain.follow()
    rowen("mirror", "end", "--database", chain.first)
    key = rowen("keys", "create", "writer", "--database", chain.first).stdout.strip()
    rowen("interviews", "adopt", "--all", "--database", chain.first)
    body = {
        "application_id": 70,
        "interview_id": 61,
        "interviewers": [{"user_id": BOB, "response_status": "tentative"}],
        "start": "2030-01-01T09:00:00Z",
        "end": "2030-01-01T10:00:00Z",
        "external_event_id": "ours",
    }
    scorecard = {
        "interviewer_id": ANN,
        "scheduled_interview_id": ALL_DAY,
        "overall_recommendation": "definitely_not",
        "attributes": [
            {"name": "Poise", "rating": "mixed"},
            {"name": "Bakes", "type": "Skills", "note": "Rye\n", "rating": "definitely_not"},
        ],
        "questions": [{"question": "Key Take-Aways", "answer": "No"}, {"id": 7, "question": "Why?", "answer": None}],
    }
    with chain.server.client(key) as client:
        headers = {"On-Behalf-Of": str(ANN)}
        made = client.post("/v2/scheduled_interviews", json=body, headers=headers)
        assert made.status_code == 200, made.text
        changed = client.patch(f"/v2/scheduled_interviews/{TIMED}", json={"location": "Garden"}, headers=headers)
        assert changed.status_code == 200, changed.text
        guest = {"email": "guest@example.com", "response_status": "tentative"}  # who leaves is seen by a sweep only
        panel = {"interviewers": [guest, *({"user_id": each, "response_status": "accepted"} for each in (ANN, BOB))]}
        client.patch(f"/v2/scheduled_interviews/{ALL_DAY}", json=panel, headers=headers).raise_for_status()
        for changes in ({"submit": True}, {"interviewer_id": BOB}):
            body = {**scorecard, **changes}
            client.post("/rowen/v1/scorecards", json=body, headers=headers).raise_for_status()
    chain.follow()
    assert undated(exported(chain.second)) == undated(exported(chain.first))
    copied = scorecards(chain.second)
    assert copied == scorecards(chain.first)
    assert [len(each["questions"]) for each in copied] == [5, 2]
    assert made.json()["id"] in [each["id"] for each in undated(exported(chain.second))]


@contextmanager
def passing(chain: Chain) -> Iterator[None]:
    """Run a mirror of the first that passes writes through, until the end of the block."""
    address = f"{chain.server.url}/v3"
    options = ("--database", chain.second, "--every", "1", "--write-through")
    process, output = begin("mirror", "--from", address, *map(str, chain.credentials), *options, known=environment())
    with output:
        try:
            yield
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def test_what_clients_of_the_mirror_write_is_made_in_the_first(chain: Chain) -> None:
    rowen("mirror", "end", "--database", chain.first)
    rowen("interviews", "adopt", "--all", "--database", chain.first)
    chain.follow()
    key = rowen("keys", "create", "writer", "--database", chain.second).stdout.strip()
    with passing(chain), serving(chain.second, ["--rate-limit", "0"]) as server, server.client(key) as client:
        while "following\n" not in rowen("mirror", "status", "--database", chain.second).stdout:
            pass
        acting = {"On-Behalf-Of": str(ANN)}
        made = client.post("/v2/scheduled_interviews", json=NEW, headers={**acting, "Idempotency-Key": "one"})
        again = client.post("/v2/scheduled_interviews", json=NEW, headers={**acting, "Idempotency-Key": "one"})
        assert (made.status_code, again.content) == (200, made.content), made.text
        identifier = made.json()["id"]
        changed = client.patch(f"/v2/scheduled_interviews/{identifier}", json={"location": "Attic"}, headers=acting)
        assert changed.json()["location"] == "Attic", changed.text
        refused = client.patch(f"/v2/scheduled_interviews/{identifier}", json={"location": "x" * 3_000}, headers=acting)
        assert refused.status_code == 422
        token = client.post("/auth/token", json={"sub": str(BOB)}, auth=(key, "")).json()["access_token"]
        bearer = {"Authorization": f"Bearer {token}"}
        fields = {"starts_at": "2030-02-01T09:00:00Z", "ends_at": "2030-02-01T10:00:00Z"}
        moved = client.patch(f"/v3/interviews/{identifier}", json=fields, headers=bearer)
        assert (moved.status_code, moved.json()["organizer_id"]) == (200, BOB), moved.text
        days = {"start": {"date": "2030-03-01"}, "end": {"date": "2030-03-02"}}
        all_day = client.post("/v2/scheduled_interviews", json={**NEW, **days}, headers=acting)
        assert (all_day.status_code, all_day.json()["start"]) == (200, days["start"]), all_day.text
        gone = client.delete(f"/v1/scheduled_interviews/{TIMED}", headers=acting)
        assert gone.status_code == 200, gone.text
        assert undated(exported(chain.second)) == undated(exported(chain.first))
        kinds = [each["kind"] for each in client.get("/rowen/v1/changes").json()["changes"]]
        assert [each for each in kinds if each not in ("imported", "recorded")] == [
            *("created", "updated", "rescheduled", "created", "cancelled")
        ]
