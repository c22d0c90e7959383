"""Rowen's own v3 as the account: the mirror of a mirror, and a mirror that follows what clients write."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support import v3_account
from tests.support.command import rowen
from tests.support.server import Server, serving
from tests.support.storage import Storage
from tests.support.v3_account import ALL_DAY, ANN, BOB, TIMED
from tests.support.v3_upstream import CLIENT_ID, CLIENT_SECRET, v3_upstream

pytestmark = pytest.mark.slow


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
        secret = tmp_path / "secret"
        secret.write_text(CLIENT_SECRET)
        client = ("--client-id", CLIENT_ID, "--client-secret-file", secret)
        rowen("mirror", "--from", upstream.base, *client, "--database", first, "--once")
    printed = rowen("clients", "create", "mirror", "--read-only", "--database", first).stdout
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
