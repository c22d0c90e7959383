"""Names in bodies: what only another organization has is as unknown as what nobody has, and nothing is written."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from tests.support.records import Record
from tests.support.server import basic
from tests.support.tenants import (
    NOBODY,
    NOWHERE,
    IsolatedTenant,
    TenantPair,
    ask,
    new_booking,
    new_candidate,
    new_question,
    new_scorecard,
    new_stage,
    new_user,
    new_v3_interview,
    visible,
)
from tests.support.tokens import bearer, new_token


@dataclass(frozen=True, slots=True)
class Naming:
    """A write whose body names something by `field`: how to make the body, and the values of both organizations."""

    method: str
    path: str
    field: str
    body: Any
    foreign: Any
    missing: Any

    def with_value(self, value: Any) -> Any:
        """Return the body that names `value`."""
        if self.field.startswith("sessions"):
            session = self.body["sessions"][0]
            name = self.field.removeprefix("sessions[0].")
            nested = {"seats": [{"users": [value]}], "interviewers": [{"user_id": value}]}
            place = name.partition("[")[0]
            changed = {place: nested.get(place, value)}
            return {**self.body, "sessions": [{**session, **changed}]}
        if self.field.startswith("user."):
            return {**self.body, "user": {self.field.split(".")[1]: value}}
        if self.field.startswith(("applications", "interviews[", "members")):
            array, _, inner = self.field.partition("[0].")
            name, _, place = inner.partition("[")
            return {**self.body, array: [{**self.body[array][0], name: [value] if place else value}]}
        if self.field.startswith("interviewers"):
            return {**self.body, "interviewers": [{self.field.split(".")[1]: value, "response_status": "accepted"}]}
        return {**self.body, self.field: value}


def namings(tenants: TenantPair) -> Iterator[Naming]:
    """Yield every field of every body that refers to something."""
    home, auckland = tenants.home, tenants.auckland
    create = home.new_interview("naming")
    addressed = ("interviewers[0].email", auckland.email, f"{NOBODY}@team.example")
    seats: list[tuple[str, Any, Any]] = [
        (f"interviewers[0].{name}", auckland.ids["user"], NOWHERE) for name in ("user_id", "id")
    ]
    seats.append(("interviewers[0].employee_id", auckland.employee_id, NOBODY))
    references = [(f"{what}_id", auckland.ids[what], NOWHERE) for what in ("application", "interview")]
    own = home.ids["scheduled"]
    of_application = f"/v1/applications/{home.ids['application']}/scheduled_interviews"
    for method, path, body, fields in (
        ("POST", "/v2/scheduled_interviews", create, [*references, *seats]),
        ("POST", "/v1/scheduled_interviews", create, [*references, *seats, addressed]),
        ("POST", of_application, create, [*references, *seats, addressed]),
        ("PATCH", f"/v2/scheduled_interviews/{own}", {}, seats),
        ("PATCH", f"/v1/scheduled_interviews/{own}", {}, [*seats, addressed]),
    ):
        for field, foreign, missing in fields:
            yield Naming(method, path, field, body, foreign, missing)
    applying = f"/v1/candidates/{home.ids['candidate']}/applications"
    yield Naming("POST", applying, "job_id", {}, auckland.ids["job"], NOWHERE)
    job = {"job_id": home.ids["job"]}
    yield Naming("POST", applying, "initial_stage_id", job, auckland.ids["stage"], NOWHERE)
    for field, what in (("job_id", "job"), ("initial_stage_id", "stage")):
        yield Naming(
            "POST", "/v1/candidates", f"applications[0].{field}", new_candidate(home), auckland.ids[what], NOWHERE
        )
    users = (
        ("recruiter.id", auckland.ids["user"], NOWHERE),
        ("coordinator.email", auckland.email, f"{NOBODY}@x.example"),
    )
    for field, theirs, nobodys in users:
        yield Naming("POST", "/v1/candidates", field, new_candidate(home), theirs, nobodys)
    yield Naming("POST", "/rowen/v1/job_stages", "job_id", new_stage(home), auckland.ids["job"], NOWHERE)
    seat = "interviews[0].default_interviewer_users[0]"
    yield Naming("POST", "/rowen/v1/job_stages", seat, new_stage(home), auckland.ids["user"], NOWHERE)
    pool = {"name": "Backend", "members": [{"user_id": home.ids["user"]}]}
    for method, path in (("POST", "/rowen/v1/pools"), ("PATCH", f"/rowen/v1/pools/{home.ids['pool']}")):
        yield Naming(method, path, "members[0].user_id", pool, auckland.ids["user"], NOWHERE)
        fills = {"name": "Backend", "interviews": [{"interview_id": home.ids["interview"]}]}
        yield Naming(method, path, "interviews[0].interview_id", fills, auckland.ids["interview"], NOWHERE)
    own_stage = f"/rowen/v1/job_stages/{home.ids['stage']}"
    planned = {"interviews": [{"name": "Flight"}]}
    yield Naming("PATCH", own_stage, seat, planned, auckland.ids["user"], NOWHERE)
    yield Naming("PATCH", own_stage, "interviews[0].id", planned, auckland.ids["interview"], NOWHERE)
    names = (
        ("user.user_id", auckland.ids["user"], NOWHERE),
        ("user.email", auckland.email, f"{NOBODY}@team.example"),
        ("user.employee_id", auckland.employee_id, NOBODY),
    )
    for path in ("/v2/users", "/v2/users/disable", "/v2/users/enable"):
        for field, foreign, missing in names:
            content: Record = {"payload": {}} if path == "/v2/users" else {}
            yield Naming("PATCH", path, field, content, foreign, missing)
    yield from planning_namings(tenants)
    for field, what in (("scheduled_interview_id", "scheduled"), ("interviewer_id", "user")):
        yield Naming("POST", "/rowen/v1/scorecards", field, new_scorecard(home), auckland.ids[what], NOWHERE)


def planning_namings(tenants: TenantPair) -> Iterator[Naming]:
    """Yield the fields of questions for slots, and of bookings."""
    home, auckland = tenants.home, tenants.auckland
    for field, what in (
        ("application_id", "application"),
        ("sessions[0].interview_id", "interview"),
        ("sessions[0].seats[0].users[0]", "user"),
    ):
        for path in ("/rowen/v1/slots", "/rowen/v1/booking_links"):
            yield Naming("POST", path, field, new_question(home), auckland.ids[what], NOWHERE)
    for field, what in (
        ("application_id", "application"),
        ("sessions[0].interview_id", "interview"),
        ("sessions[0].room_id", "room"),
        ("sessions[0].scheduled_interview_id", "scheduled"),
        ("sessions[0].interviewers[0].user_id", "user"),
    ):
        for path in ("/rowen/v1/bookings", "/rowen/v1/holds"):
            yield Naming("POST", path, field, new_booking(home), auckland.ids[what], NOWHERE)


def test_a_foreign_name_in_a_body_is_as_unknown_as_nobodys(tenants: TenantPair) -> None:
    named = 0
    with tenants.unchanged():
        for naming in namings(tenants):
            foreign, missing = (
                ask(tenants, naming.method, naming.path, basic(tenants.home.key), naming.with_value(value))
                for value in (naming.foreign, naming.missing)
            )
            assert foreign.status == 422, (naming, foreign.body)
            field = naming.field.replace("interviewers[0].id", "interviewers[0].user_id")
            assert [each["field"] for each in json.loads(foreign.body)["errors"]] == [field], naming
            assert visible(foreign) == visible(missing), naming
            named += 1
    assert named > 20


def test_a_foreign_name_in_a_body_of_v3_is_as_unknown_as_nobodys(tenants: TenantPair) -> None:
    home, auckland = tenants.home, tenants.auckland
    create, own = new_v3_interview(home, "naming v3"), f"/v3/interviews/{home.ids['scheduled']}"
    references = [
        (name, auckland.ids[what], NOWHERE)
        for name, what in (("application_id", "application"), ("job_interview_id", "interview"))
    ]
    seats: list[tuple[str, Any, Any]] = [
        ("interviewers[0].user_id", auckland.ids["user"], NOWHERE),
        ("interviewers[0].employee_id", auckland.employee_id, NOBODY),
    ]
    token = bearer(new_token(home))
    with tenants.unchanged():
        for method, path, body, fields in (
            ("POST", "/v3/interviews", create, [*references, *seats]),
            ("PATCH", own, {}, seats),
        ):
            for naming in (Naming(method, path, name, body, *values) for name, *values in fields):
                foreign, missing = (
                    ask(tenants, method, path, token, naming.with_value(value))
                    for value in (naming.foreign, naming.missing)
                )
                assert foreign.status == 422, (naming, foreign.body)
                assert [[*each] for each in json.loads(foreign.body)["errors"]] == [[naming.field]], naming
                assert foreign.body == missing.body, naming


def test_a_foreign_address_is_a_guest_as_any_other(new_tenants: TenantPair) -> None:
    home = new_tenants.home
    before = new_tenants.auckland.seen()
    seen = []
    for email in (new_tenants.auckland.email, f"{NOBODY}@team.example"):
        panel = [{"email": email, "response_status": "accepted"}]
        made = home.send("POST", "/v2/scheduled_interviews", home.new_interview(f"guest {email}", interviewers=panel))
        assert made.status_code == 200, made.text
        seen.append({name: value for name, value in made.json()["interviewers"][0].items() if name != "email"})
    assert seen[0] == seen[1]
    assert seen[0]["id"] is seen[0]["name"] is seen[0]["employee_id"] is None
    assert new_tenants.auckland.seen() == before


def test_an_address_of_another_organization_is_free(new_tenants: TenantPair) -> None:
    home, auckland = new_tenants.home, new_tenants.auckland
    before = auckland.seen()
    foreign = {**new_user(home), "email": auckland.email, "employee_id": auckland.employee_id}
    made = home.send("POST", "/v1/users", foreign)
    assert made.status_code == 200, made.text
    assert auckland.seen() == before


def test_an_event_of_another_organization_is_free(new_tenants: TenantPair) -> None:
    before = new_tenants.auckland.seen()
    event = new_tenants.auckland.event
    made = new_tenants.home.send("POST", "/v2/scheduled_interviews", new_tenants.home.new_interview(event))
    assert made.status_code == 200, made.text
    assert new_tenants.auckland.seen() == before
    # Only now is it in use here, and the reported id is from here.
    again = new_tenants.home.send("POST", "/v1/scheduled_interviews", new_tenants.home.new_interview(event))
    assert again.json()["errors"] == [
        {"message": f"Must be unique (interview {made.json()['id']} has it)", "field": "external_event_id"}
    ]


def test_an_idempotency_key_of_another_organization_means_nothing(new_tenants: TenantPair) -> None:
    def create(side: IsolatedTenant) -> httpx.Response:
        return side.send("POST", "/v2/scheduled_interviews", side.new_interview("once"), Idempotency_Key="the same")

    home, auckland = create(new_tenants.home), create(new_tenants.auckland)
    assert home.status_code == auckland.status_code == 200
    assert home.json()["application_id"] == new_tenants.home.ids["application"]
    assert auckland.json()["application_id"] == new_tenants.auckland.ids["application"]
    assert create(new_tenants.home).content == home.content
    assert create(new_tenants.auckland).content == auckland.content


def test_a_tag_of_another_organization_matches_nothing(tenants: TenantPair) -> None:
    foreign = tenants.auckland.client.get(f"/v1/scheduled_interviews/{tenants.auckland.ids['scheduled']}").headers[
        "etag"
    ]
    path = f"/v2/scheduled_interviews/{tenants.home.ids['scheduled']}"
    with tenants.unchanged():
        for tag in (foreign, '"none"'):
            answer = tenants.home.send("PATCH", path, {"location": "Here"}, If_Match=tag)
            assert answer.status_code == 412, answer.text
