"""Teams that schedule: for each test an organization of its own on a server that the tests share.

Owns what is known of such a team (users, applications, stages) and how its calls are made. Must not know an engine.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final
from zoneinfo import ZoneInfo

import httpx

from rowen import wiring
from rowen.app.ports import DoubleBooking, Organization
from rowen.harvest import documents, resources
from rowen.store.record_merging import RecordTableMerger
from tests.support.changes import Chronicler, chronicling
from tests.support.records import Record, canonical
from tests.support.server import Server, serving

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
"""The id of nothing."""

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
    """Return an interviewer as a client names one."""
    return {"user_id": user, "response_status": response_status, **others}


def guest(email: str, response_status: str = "needs_action", **others: Any) -> Record:
    """Return an interviewer named by an e-mail address."""
    return {"email": email, "response_status": response_status, **others}


def new_event() -> str:
    """Return an external event id that nobody has."""
    return f"event-{next(_numbers)}"


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
    """Write JSON as it is served."""
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
    """Require success, and return what was answered."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json;charset=utf-8"
    found: Record = answer.json()
    return found


@dataclass(frozen=True)
class Team:
    """An organization of one test's own, and the client of a key that may do everything."""

    organization: Organization
    client: httpx.Client
    office: "Office"

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
        """Make an interview and return it."""
        return accepted(self.post(INTERVIEWS, body(**changes)))

    def change(self, interview: int, **changes: Any) -> Record:
        """Change an interview and return it."""
        return accepted(self.patch(f"{INTERVIEWS}/{interview}", changes))

    def score(self, interview: int, interviewer: int, **others: Any) -> Record:
        """Hand in a scorecard and return it."""
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
        """Return all that happened since the team was made."""
        page = accepted(self.client.get(CHANGES, params={"limit": 500}))
        assert not page["more"]
        return [each for each in page["changes"] if each["kind"] != "imported"]

    def kinds(self) -> list[str]:
        """Return the kinds of all that happened."""
        return [each["kind"] for each in self.changes()]

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Require that the block changes nothing that can be seen."""
        before = self._state()
        yield
        assert self._state() == before

    def _state(self) -> Sequence[bytes]:
        """Return what happened, and the interviews, with the tag that any change of the organization changes."""
        pages = [self.client.get(path, params={"limit": 500, "per_page": 500}) for path in (CHANGES, STRICT)]
        return [*(each.content for each in pages), *(each.headers["etag"].encode() for each in pages)]

    def bring(self, records: list[Record], *, created_through_api: bool = False) -> None:
        """Import interviews."""
        self.office.bring(self.organization, records, created_through_api=created_through_api)

    def settings(self, double_booking: DoubleBooking | None = None, grace: int | None = None) -> None:
        """Change the organization's settings; `grace` in milliseconds."""
        self.office.run_change(self.organization.name, double_booking, grace)


@dataclass
class Office:
    """A server, and the database that it serves, from within."""

    server: Server
    chronicler: Chronicler
    database: str
    _merger: RecordTableMerger = field(init=False)

    def __post_init__(self) -> None:
        self._merger = RecordTableMerger(self.chronicler.store.engine, documents, resources)

    @contextmanager
    def team(self, time_zone: str = "UTC") -> Iterator[Team]:
        """Make an organization with users, applications, stages and a key."""
        store = self.chronicler.store
        made = self.chronicler.run(store.organizations.create(f"team-{next(_numbers)}", time_zone, wiring.now()))
        drafts = [
            *(resources.draft("users", canonical(each)) for each in USERS),
            *(resources.draft("applications", canonical(each)) for each in APPLICATIONS),
            resources.draft("job_stages", canonical(STAGE)),
        ]
        self.chronicler.run(self._merger.merge(made, drafts, now=wiring.now()))
        # Without certificates, which take longer to load than most tests take.
        with self.server.client(self.new_key(made), verify=False) as client:
            yield Team(made, client, self)

    def new_key(self, organization: Organization, *permissions: str) -> str:
        """Make a key, with every permission where none is named."""
        return self.chronicler.new_key(organization, f"key-{next(_numbers)}", *permissions)

    def bring(self, organization: Organization, records: list[Record], *, created_through_api: bool) -> None:
        """Import interviews."""
        zone = ZoneInfo(organization.time_zone)
        drafts = [documents.draft(documents.decode(canonical(each)), zone) for each in records]
        merger = self.chronicler.store.merger
        self.chronicler.run(
            merger.merge(organization, drafts, now=wiring.now(), created_through_api=created_through_api)
        )

    def bring_record(self, organization: Organization, resource: str, found: Record) -> None:
        """Import a user, application, job stage or scorecard."""
        drafts = [resources.draft(resource, canonical(found))]
        self.chronicler.run(self._merger.merge(organization, drafts, now=wiring.now()))

    def run_change(self, name: str, double_booking: DoubleBooking | None, grace: int | None) -> None:
        """Change the settings of an organization."""
        self.chronicler.run(self.chronicler.store.organizations.change(name, double_booking, grace))


@contextmanager
def opened(database: str, *options: str) -> Iterator[Office]:
    """Serve a database, made if it is missing, until the end of the block."""
    with chronicling(database) as chronicler, serving(database, ["--rate-limit", "0", *options]) as server:
        yield Office(server, chronicler, database)


def _named(user: int | None, headers: Mapping[str, str]) -> dict[str, str]:
    """Return headers by their names on the wire."""
    named = {} if user is None else {"On-Behalf-Of": str(user)}
    return {**named, **{name.replace("_", "-"): value for name, value in headers.items()}}
