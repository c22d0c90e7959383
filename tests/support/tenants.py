"""Two organizations on one server that must see nothing of each other.

Owns the records of each, with separate ids, and what is visible of them. Everything that only the other one has carries
its name, so that a leak shows in the bytes.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from typing import Any, Final

import httpx

from rowen.app.archive import ARCHIVED, KEPT
from tests.support.harness import Harness, Tenant
from tests.support.raw_http import RawAnswer, send_raw, written_request
from tests.support.records import Record
from tests.support.tokens import make_client, token_of

HOME: Final = "home"
AUCKLAND: Final = "auckland"
START: Final = "2049-03-26T22:15:00.000Z"
END: Final = "2049-03-26T23:00:00.000Z"
EARLIER: Final = "2020-01-15T12:00:00.000Z"
NOWHERE: Final = 987_654_321
"""An id that nothing in either organization has."""
AVAILABILITY: Final[Record] = {"time_zone": "UTC", "working_hours": {"monday": [{"from": "09:00", "to": "17:00"}]}}
BUSY: Final[Record] = {
    "window": {"from": "2031-02-01T00:00:00.000Z", "to": "2031-03-01T00:00:00.000Z"},
    "busy": [{"from": "2031-02-10T09:00:00.000Z", "to": "2031-02-10T10:00:00.000Z"}],
}
NOBODY: Final = "nobody"
"""A name that nobody has."""

_numbers = count(1)
_BASES: Final = {HOME: 1_000, AUCKLAND: 2_000_000}
_CLOSED: Final = "http://127.0.0.1:9/"  # the port of `discard`, where nobody listens
_LOGGED: Final = (
    "/rowen/v1/changes?limit=500",
    *(f"/rowen/v1/{name}" for name in ("webhooks", "calendars", "rooms", "pools")),  # which are not logged
)
_SEEN: Final = (
    *_LOGGED,
    "/rowen/v1/conflicts",
    *(f"/v1/{name}?per_page=500" for name in ("scheduled_interviews", "users", "applications", "scorecards")),
    *(f"/v1/{name}?per_page=500" for name in ("job_stages", "candidates", "jobs")),
)


@dataclass(frozen=True)
class IsolatedTenant(Tenant):
    """One of the tenants, an open client of its key, and the ids of what it has."""

    name: str
    client: httpx.Client
    ids: Mapping[str, int]

    @property
    def email(self) -> str:
        """The address of its user."""
        return f"ada@{self.name}.example"

    @property
    def employee_id(self) -> str:
        """The employee id of its user."""
        return f"E-{self.name}"

    @property
    def event(self) -> str:
        """The external event id of its interview."""
        return f"{self.name}-first"

    @cached_property
    def delivery(self) -> str:
        """The event id of its webhook's first delivery."""
        found = self.client.get(f"/rowen/v1/webhooks/{self.ids['webhook']}/deliveries").raise_for_status().json()
        event_id: str = found[-1]["event_id"]
        return event_id

    @cached_property
    def token(self) -> str:
        """A token of v3 for everything, on behalf of its user."""
        return token_of(self.harness.server, make_client(self), sub=str(self.ids["user"]))

    def new_interview(self, event: str, **changes: Any) -> Record:
        """Return the body of a POST that succeeds; `changes` replace its fields."""
        return {
            "application_id": self.ids["application"],
            "interview_id": self.ids["interview"],
            "interviewers": [{"user_id": self.ids["user"], "response_status": "accepted"}],
            "start": START,
            "end": END,
            "external_event_id": event,
            **changes,
        }

    def seen(self, paths: Sequence[str] = _SEEN) -> list[bytes]:
        """Return everything that is visible of it, or what some addresses show."""
        return [self.client.get(path).raise_for_status().content for path in paths]

    def send(self, method: str, path: str, content: Any = None, **headers: str) -> httpx.Response:
        """Send a JSON value on behalf of its user; in the names of headers `_` is a hyphen."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        body = {} if content is None else {"json": content}
        return self.client.request(method, path, headers={"On-Behalf-Of": str(self.ids["user"]), **named}, **body)


@dataclass(frozen=True)
class TenantPair:
    """Both tenants."""

    home: IsolatedTenant
    auckland: IsolatedTenant

    @contextmanager
    def unchanged(self, *, whole: bool = False) -> Iterator[None]:
        """Require that the block makes no change in either organization; with `whole`, compare all that is visible.

        Without, compare the log of changes and what is not in it: every write shows there.
        """
        paths = _SEEN if whole else _LOGGED
        before = [side.seen(paths) for side in (self.home, self.auckland)]
        yield
        assert [side.seen(paths) for side in (self.home, self.auckland)] == before


def ids(tenants: TenantPair, what: str) -> tuple[int, int, int]:
    """Return an id of the home organization's own, one that only the other has, and one that nobody has."""
    return tenants.home.ids[what], tenants.auckland.ids[what], NOWHERE


def new_v3_interview(home: IsolatedTenant, event: str) -> Record:
    """Return the body of an interview of Harvest v3 to add."""
    return {
        "application_id": home.ids["application"],
        "job_interview_id": home.ids["interview"],
        "interviewers": [{"user_id": home.ids["user"], "response_status": "accepted"}],
        "starts_at": START,
        "ends_at": END,
        "external_event_id": event,
    }


def new_scorecard(home: IsolatedTenant) -> Record:
    """Return the body of a scorecard that is owed."""
    return {"scheduled_interview_id": home.ids["overlapping"], "interviewer_id": home.ids["user"]}


def new_user(home: IsolatedTenant) -> Record:
    """Return the body of a user to add."""
    return {"first_name": "Ida", "last_name": "Rhodes", "email": f"ida@{home.name}.example"}


def new_candidate(home: IsolatedTenant) -> Record:
    """Return the body of a candidate to add."""
    return {
        "first_name": "Amelia",
        "last_name": "Earhart",
        "email_addresses": [{"value": f"amelia@{home.name}.example", "type": "personal"}],
        "employments": [{"company_name": "Lockheed", "title": "Pilot"}],
        "recruiter": {"id": home.ids["user"]},
        "applications": [{"job_id": home.ids["job"], "initial_stage_id": home.ids["stage"]}],
    }


def new_question(side: IsolatedTenant) -> Record:
    """Return a question for slots that names one of everything."""
    session = {"minutes": 60, "interview_id": side.ids["interview"], "seats": [{"users": [side.ids["user"]]}]}
    window = {"from": "2031-02-03T00:00:00Z", "to": "2031-02-04T00:00:00Z"}
    return {"window": window, "application_id": side.ids["application"], "sessions": [session]}


def new_booking(side: IsolatedTenant) -> Record:
    """Return a booking that names one of everything."""
    times = {"start": "2031-02-03T09:00:00Z", "end": "2031-02-03T10:00:00Z"}
    named = {"interview_id": side.ids["interview"], "room_id": side.ids["room"]}
    return booking_of(side, {**times, **named})


def booking_of(side: IsolatedTenant, session: Record, who: str = "user") -> Record:
    """Return a booking of a session with a user."""
    people = [{"user_id": side.ids[who]}]
    return {"application_id": side.ids["application"], "sessions": [{**session, "interviewers": people}]}


def new_stage(home: IsolatedTenant) -> Record:
    """Return the body of a job stage to add."""
    interview = {"name": "Landing", "estimated_minutes": 30, "default_interviewer_users": [home.ids["user"]]}
    return {"job_id": home.ids["job"], "name": "Ground", "interviews": [interview]}


def ask(tenants: TenantPair, method: str, target: str, headers: Mapping[str, str], body: Any = None) -> RawAnswer:
    """Send one request; a write is on behalf of a user of the home organization."""
    content = b"" if body is None else json.dumps(body).encode()
    sized = {} if body is None else {"Content-Length": str(len(content)), "Content-Type": "application/json"}
    acting = {} if method in ("GET", "HEAD") else {"On-Behalf-Of": str(tenants.home.ids["user"])}
    return send_raw(
        tenants.home.harness.server, written_request(method, target, {**acting, **headers, **sized}, content)
    )


def visible(answer: RawAnswer) -> tuple[int, list[tuple[str, str]], bytes]:
    """Return everything that a client sees, except the request id, the time of day, and the tag.

    The tag of a list depends on the requested address, and may differ.
    """
    passing = {"x-request-id", "date", "etag"}
    headers = [(name, value) for name, value in answer.headers.multi_items() if name not in passing]
    return answer.status, headers, answer.body


def _records(name: str, ids: Mapping[str, int]) -> dict[str, list[Record]]:
    times = {"created_at": EARLIER, "updated_at": EARLIER}
    users = [
        {
            "id": ids[who],
            "first_name": first,
            "last_name": name.title(),
            "primary_email_address": f"{first.lower()}@{name}.example",
            "employee_id": employee,
            "site_admin": False,
            **times,
        }
        for who, first, employee in (("user", "Ada", f"E-{name}"), ("other_user", "Grace", f"F-{name}"))
    ]
    application = {
        "id": ids["application"],
        "candidate_id": ids["candidate"],
        "applied_at": EARLIER,
        "last_activity_at": EARLIER,
        "prospect": False,
        "status": "active",
        "jobs": [{"id": ids["job"], "name": f"Pilot {name}"}],
        "current_stage": {"id": ids["stage"], "name": f"Stage {name}"},
    }
    stage = {
        "id": ids["stage"],
        "name": f"Stage {name}",
        "job_id": ids["job"],
        "priority": 0,
        "interviews": [
            {
                "id": ids["interview"],
                "name": f"Flight {name}",
                "default_interviewer_users": [{"id": ids["user"]}],
                "interview_kit": {"id": ids["interview"], "content": f"Ask {name}", "questions": []},
            }
        ],
        **times,
    }
    scorecard = {
        "id": ids["old_scorecard"],
        "application_id": ids["application"],
        "interview": f"Flight {name}",
        "submitted_at": EARLIER,
        "overall_recommendation": "yes",
        **times,
    }
    candidate = {
        "id": ids["candidate"],
        "first_name": "Amelia",
        "last_name": name.title(),
        "email_addresses": [{"value": f"amelia@{name}.example", "type": "personal"}],
        "application_ids": [ids["application"]],
        "applications": [application],
        **times,
    }
    job = {
        "id": ids["job"],
        "name": f"Pilot {name}",
        "requisition_id": f"R-{name}",
        "status": "open",
        "hiring_team": {"hiring_managers": [{"id": ids["user"], "name": f"Ada {name.title()}"}]},
        "openings": [{"id": ids["opening"], "opening_id": f"O-{name}", "status": "open"}],
        **times,
    }
    return {
        **{resource: [_archived(name, resource, ids)] for resource in KEPT},
        "users": users,
        "applications": [application],
        "job_stages": [stage],
        "scorecards": [scorecard],
        "candidates": [candidate],
        "jobs": [job],
    }


def _archived(name: str, resource: str, ids: Mapping[str, int]) -> Record:
    """Return a document of the archive, which names the parent that it is listed below."""
    archived = ARCHIVED[resource]
    key = archived.key.removesuffix("_id")
    parent = {} if archived.parent is None else {archived.parent.term: ids.get(archived.parent, ids["archived"])}
    terms = {term: {"token": name, "field_type": "job"}.get(term, "x") for term in archived.terms}
    return {"name": f"Archived {name}", **parent, archived.key: ids[key if key in ids else "archived"], **terms}


# The ledger assigns ids after the last of these.
_NAMES: Final = (
    *("user", "other_user", "application", "candidate", "job", "opening", "stage", "interview", "old_scorecard"),
    "archived",
)


def _made(side: IsolatedTenant, webhooks: int) -> dict[str, int]:
    """Create the records that are made through the API, and return their ids."""

    def post(path: str, content: Record) -> int:
        answer = side.send("POST", path, content)
        assert answer.status_code == 200, answer.text
        identifier: int = answer.json()["id"]
        return identifier

    hooks = [post("/rowen/v1/webhooks", {"url": _CLOSED + side.name}) for _ in range(webhooks)]
    feeds = [post("/rowen/v1/calendars", {"user_id": side.ids["user"]}) for _ in range(webhooks)]
    made = {"webhook": hooks[-1], "calendar": feeds[-1]}
    made["pool"] = post(
        "/rowen/v1/pools",
        {"name": f"Pool {side.name}", "members": [{"user_id": side.ids["user"], "tags": [side.name]}]},
    )
    own = {**AVAILABILITY, "time_zone": "Pacific/Auckland" if side.name == AUCKLAND else "Europe/Lisbon"}
    side.send("PUT", f"/rowen/v1/users/{side.ids['user']}/availability", own).raise_for_status()
    side.send("PUT", f"/rowen/v1/users/{side.ids['user']}/busy?source=calendar", BUSY).raise_for_status()
    made["room"] = post("/rowen/v1/rooms", {"name": f"Room {side.name}", "site": side.name})
    side.send("PUT", f"/rowen/v1/users/{side.ids['other_user']}/availability", AVAILABILITY).raise_for_status()
    made["booking_link"] = post("/rowen/v1/booking_links", new_question(side))
    times = {"start": "2031-02-03T13:00:00Z", "end": "2031-02-03T14:00:00Z"}
    made["hold"] = post("/rowen/v1/holds", {**booking_of(side, times, "other_user"), "minutes": 10_000})
    panel = [{"user_id": side.ids[who], "response_status": "accepted"} for who in ("user", "other_user")]
    made["scheduled"] = post("/v2/scheduled_interviews", side.new_interview(side.event, interviewers=panel))
    made["overlapping"] = post(
        "/v2/scheduled_interviews", side.new_interview(f"{side.name}-second", location=f"Room {side.name}")
    )
    for name, who, submit in (("scorecard", "user", True), ("draft", "other_user", False)):
        made[name] = post(
            "/rowen/v1/scorecards",
            {
                "scheduled_interview_id": made["scheduled"],
                "interviewer_id": side.ids[who],
                "overall_recommendation": "yes",
                "attributes": [{"name": f"Skill {side.name}", "rating": "yes"}],
                "questions": [{"question": f"Why {side.name}?", "answer": "Because"}],
                "submit": submit,
            },
        )
    return made


@contextmanager
def _tenant(harness: Harness, name: str, webhooks: int) -> Iterator[IsolatedTenant]:
    tenant = harness.tenant(f"{name}-{next(_numbers)}")
    ids = {what: _BASES[name] + number for number, what in enumerate(_NAMES, 1)}
    for resource, records in _records(name, ids).items():
        tenant.merge_records(resource, records)
    with tenant.open_client() as client:
        isolated = IsolatedTenant(harness, tenant.organization, tenant.key, name, client, ids)
        ids.update(_made(isolated, webhooks))
        yield isolated


@contextmanager
def two_tenants(harness: Harness) -> Iterator[TenantPair]:
    """Make two tenants, the same each time but for the names of their organizations."""
    with _tenant(harness, HOME, 1) as home, _tenant(harness, AUCKLAND, 3) as auckland:
        yield TenantPair(home, auckland)
