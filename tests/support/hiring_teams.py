"""Hiring teams: organizations with users, applications and stages, and how their calls are made.

Owns what is known of such a team. Must not know an engine.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

import httpx

from tests.support.harness import Harness, Tenant
from tests.support.records import Record

INTERVIEWS: Final = "/v2/scheduled_interviews"
STRICT: Final = "/v1/scheduled_interviews"
SCORECARDS: Final = "/rowen/v1/scorecards"
CHANGES: Final = "/rowen/v1/changes"
CONFLICTS: Final = "/rowen/v1/conflicts"

ADA: Final = 4001
GRACE: Final = 4002
KATE: Final = 4003
LUKASZ: Final = 40_387_397_003
TWIN: Final = 4005
OTHER_TWIN: Final = 4006
NOBODY: Final = 4999
"""The id of no user."""

ACTIVE: Final = 5001
OTHER_ACTIVE: Final = 5002
REJECTED: Final = 5003
HIRED: Final = 5004
UNKNOWN: Final = 987_654_321
"""An id that nothing has."""

STAGE_INTERVIEW: Final = 7001
OTHER_STAGE_INTERVIEW: Final = 7002

START: Final = "2049-03-26T22:15:00.000Z"
END: Final = "2049-03-26T23:00:00.000Z"
LONG_AGO: Final = {"start": "2020-02-01T10:00:00.000Z", "end": "2020-02-01T11:00:00.000Z"}
EARLIER: Final = "2020-01-15T12:00:00.000Z"

_numbers = count(1)


def _user(identifier: int, name: str, employee_id: str | None, *emails: str) -> Record:
    first_name, last_name = name.split()
    return {
        "id": identifier,
        "name": name,
        "first_name": first_name,
        "last_name": last_name,
        "primary_email_address": emails[0],
        "updated_at": EARLIER,
        "created_at": EARLIER,
        "disabled": False,
        "site_admin": False,
        "emails": list(emails),
        "employee_id": employee_id,
    }


def _application(identifier: int, status: str) -> Record:
    return {
        "id": identifier,
        "candidate_id": 10 * identifier,
        "applied_at": EARLIER,
        "last_activity_at": EARLIER,
        "prospect": False,
        "status": status,
    }


USERS: Final = (
    _user(ADA, "Ada Lovelace", "E1", "ada@team.example"),
    _user(GRACE, "Grace Hopper", "E2", "grace@team.example", "Hopper@Navy.example"),
    _user(KATE, "Kate Austen", None, "kate@team.example"),
    _user(LUKASZ, "Łukasz Żółć", "E4", "lukasz@team.example"),
    _user(TWIN, "Tweedle Dee", "TWIN", "dee@team.example", "twins@team.example"),
    _user(OTHER_TWIN, "Tweedle Dum", "TWIN", "dum@team.example", "twins@team.example"),
)
APPLICATIONS: Final = (
    _application(ACTIVE, "active"),
    _application(OTHER_ACTIVE, "active"),
    _application(REJECTED, "rejected"),
    _application(HIRED, "hired"),
)
STAGE: Final[Record] = {
    "id": 6001,
    "name": "Face to Face",
    "created_at": EARLIER,
    "updated_at": EARLIER,
    "job_id": 8001,
    "priority": 0,
    "interviews": [
        {"id": STAGE_INTERVIEW, "name": "Culture Fit"},
        {"id": OTHER_STAGE_INTERVIEW, "name": "Technical"},
    ],
}


def seat(user: int, response_status: str = "needs_action", **others: Any) -> Record:
    """Return an interviewer in the form that a client sends."""
    return {"user_id": user, "response_status": response_status, **others}


def guest(email: str, response_status: str = "needs_action", **others: Any) -> Record:
    """Return an interviewer named by an e-mail address."""
    return {"email": email, "response_status": response_status, **others}


def new_event() -> str:
    """Return an external event id that is not in use."""
    return f"new-event-{next(_numbers)}"


def body(**changes: Any) -> Record:
    """Return the body of a POST; `changes` replace its fields, `...` leaves one out."""
    whole = {
        "application_id": ACTIVE,
        "interview_id": STAGE_INTERVIEW,
        "interviewers": [seat(ADA)],
        "start": START,
        "end": END,
        "external_event_id": new_event(),
        **changes,
    }
    return {name: value for name, value in whole.items() if value is not ...}


def written(value: Any) -> bytes:
    """Return JSON as it is served."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def errors_of(answer: httpx.Response, status: int = 422) -> dict[str, str]:
    """Require a refusal, and return its messages by field, in their order."""
    assert answer.status_code == status, answer.text
    found = answer.json()
    assert list(found) == ["message", "errors"], answer.text
    errors = {each["field"]: each["message"] for each in found["errors"]}
    assert len(errors) == len(found["errors"]), "each field once"
    assert all(errors.values())
    return errors


def refused_fields(answer: httpx.Response, status: int = 422) -> list[str]:
    """Require a refusal, and return the fields that it names."""
    return list(errors_of(answer, status))


def accepted(answer: httpx.Response) -> Record:
    """Require success, and return the body."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json;charset=utf-8"
    found: Record = answer.json()
    return found


@dataclass(frozen=True)
class HiringTeam(Tenant):
    """A tenant with users, applications and stages, and an open client of its key."""

    client: httpx.Client

    def post(self, path: str, content: Any, user: int | None = ADA, **headers: str) -> httpx.Response:
        """POST a JSON value, or bytes as they are, for a user."""
        return self.send("POST", path, content, user, **headers)

    def patch(self, path: str, content: Any, user: int | None = ADA, **headers: str) -> httpx.Response:
        """PATCH as `post` does."""
        return self.send("PATCH", path, content, user, **headers)

    def delete(self, path: str, user: int | None = ADA, **headers: str) -> httpx.Response:
        """DELETE for a user."""
        return self.client.delete(path, headers=_named(user, headers))

    def send(self, method: str, path: str, content: Any, user: int | None = ADA, **headers: str) -> httpx.Response:
        """Send a JSON value, or bytes as they are, for a user; in the names of headers `_` is a hyphen."""
        sent = content if isinstance(content, bytes) else json.dumps(content).encode()
        return self.client.request(
            method, path, content=sent, headers={"Content-Type": "application/json", **_named(user, headers)}
        )

    def schedule(self, **changes: Any) -> Record:
        """Schedule an interview and return it."""
        return accepted(self.post(INTERVIEWS, body(**changes)))

    def change(self, interview: int, **changes: Any) -> Record:
        """Change an interview and return it."""
        return accepted(self.patch(f"{INTERVIEWS}/{interview}", changes))

    def score(self, interview: int, interviewer: int, **others: Any) -> Record:
        """Submit a scorecard and return it."""
        whole = {
            "scheduled_interview_id": interview,
            "interviewer_id": interviewer,
            "overall_recommendation": "yes",
            "submit": True,
            **others,
        }
        return accepted(self.post(SCORECARDS, whole, interviewer))

    def get(self, interview: int) -> Record:
        """Retrieve an interview."""
        return accepted(self.client.get(f"{STRICT}/{interview}"))

    def changes(self) -> list[Record]:
        """Return all changes since the team was created."""
        page = accepted(self.client.get(CHANGES, params={"limit": 500}))
        assert not page["more"]
        return [each for each in page["changes"] if each["kind"] != "imported"]

    def kinds(self) -> list[str]:
        """Return the kinds of all changes."""
        return [each["kind"] for each in self.changes()]

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Require that the block makes no visible change."""
        before = self._state()
        yield
        assert self._state() == before

    def _state(self) -> Sequence[bytes]:
        """Return the changes, the interviews, and the tag that any change of the organization changes."""
        pages = [self.client.get(path, params={"limit": 500, "per_page": 500}) for path in (CHANGES, STRICT)]
        return [*(each.content for each in pages), *(each.headers["etag"].encode() for each in pages)]


@contextmanager
def hiring_team(harness: Harness, time_zone: str = "UTC", name: str | None = None) -> Iterator[HiringTeam]:
    """Make an organization with users, applications and stages; its client is open until the end of the block."""
    tenant = harness.tenant(name, time_zone)
    tenant.merge_records("users", USERS)
    tenant.merge_records("applications", APPLICATIONS)
    tenant.merge_records("job_stages", [STAGE])
    with tenant.open_client() as client:
        yield HiringTeam(harness, tenant.organization, tenant.key, client)


def _named(user: int | None, headers: Mapping[str, str]) -> dict[str, str]:
    """Return headers by their names on the wire."""
    named = {} if user is None else {"On-Behalf-Of": str(user)}
    return {**named, **{name.replace("_", "-"): value for name, value in headers.items()}}
