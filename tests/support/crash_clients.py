"""Clients that write until their server dies, and know what the database must contain.

Owns their writes, how they continue after a kill, and the checks of a database: all acknowledged writes, and all or
nothing of each other one. Requests with an `Idempotency-Key` are repeated unchanged; for the rest each client checks
the result, as clients without such keys do.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final, NamedTuple

import httpx
import msgspec

from tests.support.records import Record, record

JACK: Final = 2000
KATE: Final = 4080
SEED_INTERVIEW: Final = record(1)
"""The first import, from which the organizer, the interviewer, the application and the stage are known."""

FUTURE: Final = ("2999-01-01T10:00:00Z", "2999-01-01T11:00:00Z")
PAST: Final = ("2019-01-01T10:00:00Z", "2019-01-01T11:00:00Z")
ON_BEHALF: Final = {"On-Behalf-Of": str(JACK)}


def new_interview(event: str, times: tuple[str, str] = FUTURE, **changes: Any) -> dict[str, Any]:
    """Return the body of a POST."""
    return {
        "application_id": SEED_INTERVIEW["application_id"],
        "interview_id": SEED_INTERVIEW["interview"]["id"],
        "interviewers": [{"user_id": KATE, "response_status": "accepted"}],
        "start": times[0],
        "end": times[1],
        "external_event_id": event,
        **changes,
    }


class Intent(NamedTuple):
    """A writing request: its kind, its interview, and the key with which it is repeated."""

    kind: str
    method: str
    path: str
    body: Mapping[str, Any]
    interview: int = 0
    key: str | None = None


@dataclass
class Known:
    """An interview as last acknowledged; without a document if only its scorecard was."""

    document: bytes | None
    location: str | None
    scorecard: int | None = None


@dataclass
class CrashClient:
    """One client: its acknowledged writes, its deletions, and its writes of unknown result."""

    name: str
    random: Random
    known: dict[int, Known] = field(default_factory=dict)
    deleted: set[int] = field(default_factory=set)
    scorecards: dict[int, bytes] = field(default_factory=dict)
    pending: Intent | None = None
    acknowledged: int = 0
    _count: int = 0

    def write(self, client: httpx.Client, acknowledge: Callable[[], None]) -> None:
        """Write without pause until the server is gone; `acknowledge` is called after each acknowledgement."""
        repeated = self.pending is not None
        while True:
            if self.pending is None:
                self.pending = self._next()
            try:
                self._send(client, self.pending, repeated=repeated)
            except httpx.TransportError:
                return
            self.pending, repeated = None, False
            self.acknowledged += 1
            acknowledge()

    def _next(self) -> Intent:
        self._count += 1
        key = f"{self.name} {self._count}" if self.random.random() < 0.5 else None
        open_ones = [each for each, known in self.known.items() if known.scorecard is None]
        kind = self.random.choice(("create", "patch", "patch", "delete", "score")) if len(open_ones) > 1 else "create"
        if kind == "create":
            body = new_interview(f"{self.name}-{self._count}", self.random.choice((FUTURE, PAST)))
            return Intent(kind, "POST", "/v2/scheduled_interviews", body, key=key)
        interview = self.random.choice(open_ones)
        if kind == "patch":
            body = {"location": f"Room {self.name}-{self._count}"}
            return Intent(kind, "PATCH", f"/v2/scheduled_interviews/{interview}", body, interview, key)
        if kind == "delete":
            return Intent(kind, "DELETE", f"/v1/scheduled_interviews/{interview}", {}, interview, key)
        scorecard = {"scheduled_interview_id": interview, "interviewer_id": KATE, "submit": True}
        return Intent(
            kind, "POST", "/rowen/v1/scorecards", {**scorecard, "overall_recommendation": "yes"}, interview, key
        )

    def _send(self, client: httpx.Client, intent: Intent, *, repeated: bool) -> None:
        headers = {**ON_BEHALF, **({"Idempotency-Key": intent.key} if intent.key else {})}
        body = None if intent.method == "DELETE" else intent.body
        answer = client.request(intent.method, intent.path, json=body, headers=headers)
        if answer.status_code != 200:
            assert repeated, answer.text
            assert intent.key is None, answer.text
            answer = _look(client, intent, answer)
        self._acknowledge(intent, answer)

    def _acknowledge(self, intent: Intent, answer: httpx.Response) -> None:
        if intent.kind == "delete":
            del self.known[intent.interview]
            self.deleted.add(intent.interview)
            return
        found = answer.json()
        if intent.kind == "score":
            self.known[intent.interview] = Known(None, self.known[intent.interview].location, found["id"])
            self.scorecards[found["id"]] = answer.content
            return
        if intent.kind == "create":
            assert found["id"] not in self.known
            assert found["id"] not in self.deleted
        self.known[found["id"]] = Known(answer.content, found["location"])

    def check(self, documents: Mapping[int, bytes], scorecards: Mapping[int, bytes]) -> set[int]:
        """Check a database for this client's writes; return the ids of its own interviews."""
        owned = set(self.known)
        for identifier, known in self.known.items():
            if self.pending is not None and identifier == self.pending.interview:
                self._check_pending(self.pending, known, documents.get(identifier))
            else:
                assert identifier in documents, f"{self.name}: interview {identifier} is lost"
                _require_same(known, documents[identifier])
        assert self.deleted.isdisjoint(documents)
        for identifier, document in self.scorecards.items():
            assert scorecards[identifier] == document
        if self.pending is not None and self.pending.kind == "create":
            event = self.pending.body["external_event_id"]
            made = {each for each, document in documents.items() if _read(document)["external_event_id"] == event}
            assert len(made) <= 1
            owned |= made
        return owned & set(documents)

    def _check_pending(self, intent: Intent, known: Known, document: bytes | None) -> None:
        """Require that an unacknowledged write was done completely or not at all."""
        if document is None:
            assert intent.kind == "delete", f"{self.name}: interview {intent.interview} is lost"
        elif document != known.document:
            found = _read(document)
            if intent.kind == "patch":
                assert found["location"] == intent.body["location"]
            else:
                assert intent.kind == "score"
                assert found["status"] == "complete"


def _look(client: httpx.Client, intent: Intent, answer: httpx.Response) -> httpx.Response:
    """Return the result of a request that is refused because it was executed already."""
    if intent.kind == "delete":
        assert answer.status_code == 404, answer.text
        return answer
    assert answer.status_code == 422, answer.text
    if intent.kind == "create":
        event = intent.body["external_event_id"]
        (found,) = client.get("/v1/scheduled_interviews", params={"external_event_id": event}).json()
        return client.get(f"/v1/scheduled_interviews/{found['id']}")
    assert intent.kind == "score", answer.text
    (interviewer,) = client.get(f"/v1/scheduled_interviews/{intent.interview}").json()["interviewers"]
    found = client.get(f"/v1/scorecards/{interviewer['scorecard_id']}")
    assert found.status_code == 200
    return found


def _require_same(known: Known, document: bytes) -> None:
    if known.document is not None:
        assert document == known.document
        return
    found = _read(document)
    assert found["location"] == known.location
    assert [each["scorecard_id"] for each in found["interviewers"]] == [known.scorecard]
    assert found["status"] == "complete"


def _read(document: bytes) -> Record:
    found: Record = msgspec.json.decode(document)
    return found
