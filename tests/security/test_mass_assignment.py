"""Server-owned fields: at every level of every write they are refused by name, and nothing is written."""

from dataclasses import dataclass
from typing import Any, Final

import httpx
import pytest

from rowen.api.operations import OPERATIONS
from tests.support.records import Record
from tests.support.servers_fields import SERVERS_FIELDS, refused_fields
from tests.support.tenants import (
    AVAILABILITY,
    BUSY,
    START,
    IsolatedTenant,
    TenantPair,
    new_booking,
    new_candidate,
    new_question,
    new_stage,
    new_user,
)
from tests.support.tokens import bearer

ENDS: Final = ("start", "end")
FIRST: Final = tuple(SERVERS_FIELDS)[:3]
"""Enough for the ends of an interview, which accept only one key."""


@dataclass(frozen=True)
class Write:
    """A write that would succeed: its method, path and body, and where objects are in that body.

    `own` are the fields in the server's list that the client may set after all, by level.
    """

    method: str
    path: str
    body: Record
    levels: tuple[str, ...] = ("",)
    own: tuple[tuple[str, str], ...] = ()

    def with_field(self, level: str, name: str, value: Any) -> Record:
        """Return the body with an additional field at a level."""
        body: Any = {**self.body}
        if not level:
            return {**body, name: value}
        if level.endswith("[0]"):
            array = level.removesuffix("[0]")
            return {**body, array: [{**body[array][0], name: value}, *body[array][1:]]}
        return {**body, level: {**body[level], name: value}}

    def named(self, level: str, name: str) -> str:
        """Return the path of the field that must be named; an end of an interview is one value."""
        if level in ENDS:
            return level
        return f"{level}.{name}" if level else name


def writes(home: IsolatedTenant) -> dict[str, Write]:
    """Return every write, by name."""
    times = {"start": {"date_time": START}, "end": {"date_time": "2049-03-27T00:00:00Z"}}
    whole = home.new_interview("assigned", **times)
    for_application = {name: value for name, value in whole.items() if name != "application_id"}
    changes = {name: whole[name] for name in ("interviewers", "start", "end")}
    levels = ("", "interviewers[0]", "start", "end")
    alias = (("interviewers[0]", "id"),)  # an existing client names users in this way
    draft = {
        "overall_recommendation": "no",
        "attributes": [{"name": "Judgement", "rating": "no"}],
        "questions": [{"question": "Why?", "answer": "No"}],
    }
    scorecard = {"scheduled_interview_id": home.ids["overlapping"], "interviewer_id": home.ids["user"], **draft}
    parts = ("", "attributes[0]", "questions[0]")
    question = (("questions[0]", "id"),)  # which question it is
    revision = (("", "revision"),)  # which deliveries to resend or skip
    times_v3 = {"starts_at": START, "ends_at": "2049-03-27T00:00:00Z"}
    panel = {"interviewers": whole["interviewers"]}
    of_interview = {"application_id": home.ids["application"], "job_interview_id": home.ids["interview"]}
    in_v3 = {**of_interview, **panel, **times_v3, "external_event_id": "assigned"}
    ids = home.ids
    named, nested = {"user_id": ids["user"]}, ("", "user", "payload")
    return {
        "create": Write("POST", "/v2/scheduled_interviews", whole, levels, alias),
        "create strictly": Write("POST", "/v1/scheduled_interviews", whole, levels, alias),
        "create for application": Write(
            "POST", f"/v1/applications/{ids['application']}/scheduled_interviews", for_application, levels, alias
        ),
        "change": Write("PATCH", f"/v2/scheduled_interviews/{ids['overlapping']}", changes, levels, alias),
        "change strictly": Write("PATCH", f"/v1/scheduled_interviews/{ids['overlapping']}", changes, levels, alias),
        "create in v3": Write("POST", "/v3/interviews", in_v3, levels[:2], alias),
        "change in v3": Write(
            "PATCH", f"/v3/interviews/{ids['overlapping']}", {**panel, **times_v3}, levels[:2], alias
        ),
        "score": Write("POST", "/rowen/v1/scorecards", scorecard, parts, question),
        "change score": Write("PATCH", f"/rowen/v1/scorecards/{ids['draft']}", draft, parts, question),
        "add user": Write("POST", "/v1/users", new_user(home)),
        "change user": Write("PATCH", f"/v1/users/{ids['user']}", {"first_name": "Ida"}),
        "disable user by id": Write("PATCH", f"/v1/users/{ids['user']}/disable", {}),
        "enable user by id": Write("PATCH", f"/v1/users/{ids['user']}/enable", {}),
        "edit user": Write("PATCH", "/v2/users", {"user": named, "payload": {"first_name": "Ida"}}, nested),
        "disable user": Write("PATCH", "/v2/users/disable", {"user": named}, nested[:2]),
        "enable user": Write("PATCH", "/v2/users/enable", {"user": named}, nested[:2]),
        "add candidate": Write(
            "POST",
            "/v1/candidates",
            new_candidate(home),
            ("", "email_addresses[0]", "applications[0]", "recruiter", "employments[0]"),
            (("recruiter", "id"),),  # who it is
        ),
        "apply": Write("POST", f"/v1/candidates/{ids['candidate']}/applications", {"job_id": ids["job"]}),
        "add job": Write("POST", "/rowen/v1/jobs", {"name": "Pilot"}),
        "change job": Write("PATCH", f"/rowen/v1/jobs/{ids['job']}", {"name": "Pilot"}),
        "add room": Write("POST", "/rowen/v1/rooms", {"name": "Attic"}),
        "change room": Write("PATCH", f"/rowen/v1/rooms/{ids['room']}", {"capacity": 3}),
        "link": Write("POST", "/rowen/v1/booking_links", new_question(home), ("", "sessions[0]")),
        "hold": Write("POST", "/rowen/v1/holds", new_booking(home), ("", "sessions[0]")),
        "book": Write("POST", "/rowen/v1/bookings", new_booking(home), ("", "sessions[0]")),
        "add pool": Write(
            "POST",
            "/rowen/v1/pools",
            {
                "name": "Backend",
                "members": [{"user_id": ids["user"]}],
                "interviews": [{"interview_id": ids["interview"]}],
            },
            ("", "members[0]", "interviews[0]"),
        ),
        "change pool": Write(
            "PATCH", f"/rowen/v1/pools/{ids['pool']}", {"members": [{"user_id": ids["user"]}]}, ("", "members[0]")
        ),
        "replace availability": Write(
            "PUT",
            f"/rowen/v1/users/{ids['user']}/availability",
            {
                **AVAILABILITY,
                "buffer_minutes": {"before": 5},
                "limits": {"per_day": 3},
                "time_off": [{"from": "2031-02-03", "to": "2031-02-05"}],
            },
            ("", "working_hours", "buffer_minutes", "limits", "time_off[0]"),
        ),
        "replace busy times": Write(
            "PUT", f"/rowen/v1/users/{ids['user']}/busy?source=calendar", BUSY, ("", "window", "busy[0]")
        ),
        "add stage": Write("POST", "/rowen/v1/job_stages", new_stage(home), ("", "interviews[0]")),
        "change stage": Write(
            "PATCH",
            f"/rowen/v1/job_stages/{ids['stage']}",
            {"interviews": [{"id": ids["interview"], "name": "Flight"}]},
            ("", "interviews[0]"),
            (("interviews[0]", "id"),),  # which interview it is
        ),
        "add calendar": Write("POST", "/rowen/v1/calendars", {"user_id": ids["user"]}),
        "add webhook": Write("POST", "/rowen/v1/webhooks", {"url": "http://127.0.0.1:9/"}),
        "change webhook": Write("PATCH", f"/rowen/v1/webhooks/{ids['webhook']}", {"enabled": True}),
        "test webhook": Write("POST", f"/rowen/v1/webhooks/{ids['webhook']}/test", {}),
        "rotate webhook": Write("POST", f"/rowen/v1/webhooks/{ids['webhook']}/rotate", {}),
        "resend": Write("POST", f"/rowen/v1/webhooks/{ids['webhook']}/resend", {"failed_since": START}, own=revision),
        "skip": Write("POST", f"/rowen/v1/webhooks/{ids['webhook']}/skip", {"pending": True}, own=revision),
    }


NAMES: Final = (
    *("create", "create strictly", "create for application", "change", "change strictly"),
    *("create in v3", "change in v3", "score", "change score"),
    *("add user", "change user", "disable user by id", "enable user by id", "edit user", "disable user", "enable user"),
    *("add candidate", "apply", "add job", "change job", "add room", "change room"),
    *("link", "hold", "book", "add pool", "change pool", "replace availability", "replace busy times"),
    *("add stage", "change stage"),
    "add calendar",
    *("add webhook", "change webhook", "test webhook", "rotate webhook", "resend", "skip"),
)
ELSEWHERE: Final = {
    ("POST", "/rowen/v1/slots"),
    ("POST", "/rowen/v1/scheduled_interviews/{id}/restore"),
    ("POST", "/book/{token}"),
}
"""A question, which writes nothing; a write without a body; and one with a single field, which test_links sends."""
FIXED: Final = {
    "change": ("application_id", "interview_id"),
    "change strictly": ("application_id", "interview_id"),
    "create in v3": ("job_id", "interview_id", "start", "scheduled_at"),
    "change in v3": ("application_id", "job_interview_id", "status"),
    "change score": ("scheduled_interview_id", "interviewer_id", "application_id"),
    "score": ("application_id",),
    "add user": ("disabled", "name"),
    "change user": ("disabled", "emails"),
    "edit user": ("disabled", "email"),
    "disable user by id": ("disabled", "user"),
    "disable user": ("payload",),
    "add candidate": ("photo_url", "application_ids"),
    "apply": ("candidate_id", "current_stage"),
    "add job": ("opened_at", "hiring_team"),
    "link": ("digest", "expires_at"),
    "hold": ("expires_at", "created_at"),
    "book": ("status", "organizer"),
    "add room": ("person", "bookings"),
    "replace availability": ("user_id", "busy"),
    "replace busy times": ("user_id", "title"),
    "change stage": ("job_id",),
    "add calendar": ("kind", "subject_id"),
    "add webhook": ("enabled",),
    "resend": ("pending", "url"),
    "skip": ("failed_since", "url"),
}
"""Fields that may be given at most once, and belong to another call or to the path."""


def sent(home: IsolatedTenant, write: Write, content: Any) -> httpx.Response:
    """Send a write with other content, on behalf of the tenant's user: with a token if it is one of v3."""
    if not write.path.startswith("/v3"):
        return home.send(write.method, write.path, content)
    return home.client.request(write.method, write.path, json=content, auth=None, headers=bearer(home.token))


@pytest.mark.parametrize("name", NAMES)
def test_server_owned_fields_are_refused_by_name_at_every_level(tenants: TenantPair, name: str) -> None:
    home = tenants.home
    write = writes(home)[name]
    with tenants.unchanged():
        for level in write.levels:
            for field, value in SERVERS_FIELDS.items():
                if (level, field) in write.own or (level in ENDS and field not in FIRST):
                    continue
                answer = sent(home, write, write.with_field(level, field, value))
                assert refused_fields(answer) == [write.named(level, field)], answer.text


@pytest.mark.parametrize("name", NAMES)
def test_all_of_it_at_once_is_all_named(tenants: TenantPair, name: str) -> None:
    home = tenants.home
    write = writes(home)[name]
    levels = [level for level in write.levels if level not in ENDS]
    content = write.body
    for level in levels:
        for field, value in SERVERS_FIELDS.items():
            if (level, field) not in write.own:
                content = Write(write.method, write.path, content).with_field(level, field, value)
    with tenants.unchanged():
        answer = sent(home, write, content)
    expected = {
        write.named(level, field) for level in levels for field in SERVERS_FIELDS if (level, field) not in write.own
    }
    assert set(refused_fields(answer)) == expected


@pytest.mark.parametrize("name", FIXED)
def test_fields_of_another_call_are_refused_by_name(tenants: TenantPair, name: str) -> None:
    home = tenants.home
    write = writes(home)[name]
    with tenants.unchanged():
        for field in FIXED[name]:
            answer = sent(home, write, write.with_field("", field, home.ids.get("application")))
            assert refused_fields(answer) == [field]


def test_the_body_of_a_delete_is_ignored(tenants: TenantPair) -> None:
    """Its content is ignored: the id in the path counts."""
    home = tenants.home
    body = {"id": home.ids["scheduled"], "status": "scheduled"}
    with tenants.unchanged():
        missing = home.send("DELETE", f"/v1/scheduled_interviews/{home.ids['scheduled'] + 500}", body)
    assert missing.status_code == 404


def test_every_write_is_tried_and_would_be_accepted_without_them(new_tenants: TenantPair) -> None:
    home = new_tenants.home
    every = writes(home)
    assert tuple(every) == NAMES
    tried = {(write.method, write.path) for write in every.values()}
    assert len(tried) == len(every)
    described = {
        (operation.method, operation.path)
        for operation in OPERATIONS
        if operation.method not in ("GET", "DELETE") and (operation.method, operation.path) not in ELSEWHERE
    }
    assert len(described) == len(every)
    for number, (name, write) in enumerate(every.items()):
        content = write.body
        if "external_event_id" in content:
            content = {**content, "external_event_id": f"assigned-{number}"}
        answer = sent(home, write, content)
        assert answer.is_success, (name, answer.text)
