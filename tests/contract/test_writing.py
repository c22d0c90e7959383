"""Scheduling, changing and deleting interviews: what is accepted, and the bytes of responses (contract section 4)."""

import json
import re
from typing import Any

import httpx
import pytest

from rowen.app.keys import PERMISSIONS
from tests.support.harness import Harness
from tests.support.hiring_teams import (
    ACTIVE,
    ADA,
    CHANGES,
    END,
    GRACE,
    HIRED,
    INTERVIEWS,
    KATE,
    LONG_AGO,
    LUKASZ,
    NOBODY,
    OTHER_ACTIVE,
    OTHER_STAGE_INTERVIEW,
    REJECTED,
    STAGE_INTERVIEW,
    START,
    STRICT,
    UNKNOWN,
    HiringTeam,
    accepted,
    body,
    errors_of,
    new_event,
    refused_fields,
    seat,
    written,
)
from tests.support.records import Record, record

OF_APPLICATION = f"/v1/applications/{ACTIVE}/scheduled_interviews"
FORMS = [INTERVIEWS, STRICT, OF_APPLICATION]
EVENT = re.compile("rowen-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")


def interviewer(identifier: int | None, employee_id: str | None, name: str | None, email: str, answer: str) -> Record:
    """Return an interviewer as served, without a scorecard."""
    return {
        "id": identifier,
        "employee_id": employee_id,
        "name": name,
        "email": email,
        "response_status": answer,
        "scorecard_id": None,
    }


# --- POST


@pytest.mark.parametrize("path", FORMS)
def test_the_whole_interview_is_answered_byte_for_byte(team: HiringTeam, path: str) -> None:
    event = new_event()
    panel = [seat(GRACE, "accepted"), {"email": "lukasz@team.example", "response_status": "tentative"}]
    answer = team.post(
        path,
        body(
            interviewers=panel,
            external_event_id=event,
            location='Grüner "Saal" \\ 3',
            video_conferencing_url="https://video.example.com/1?a=b&c=d",
        ),
        KATE,
    )
    made = accepted(answer)
    assert answer.content == written(
        {
            "id": made["id"],
            "application_id": ACTIVE,
            "external_event_id": event,
            "start": {"date_time": START},
            "end": {"date_time": END},
            "location": 'Grüner "Saal" \\ 3',
            "video_conferencing_url": "https://video.example.com/1?a=b&c=d",
            "status": "scheduled",
            "created_at": made["created_at"],
            "updated_at": made["created_at"],
            "interview": {"id": STAGE_INTERVIEW, "name": "Culture Fit"},
            "organizer": {
                "id": KATE,
                "first_name": "Kate",
                "last_name": "Austen",
                "name": "Kate Austen",
                "employee_id": None,
            },
            "interviewers": [
                interviewer(GRACE, "E2", "Grace Hopper", "grace@team.example", "accepted"),
                interviewer(LUKASZ, "E4", "Łukasz Żółć", "lukasz@team.example", "tentative"),
            ],
        }
    )
    assert TIME.fullmatch(made["created_at"])
    retrieved = team.client.get(f"{STRICT}/{made['id']}")
    assert retrieved.content == answer.content
    assert retrieved.headers["etag"] == answer.headers["etag"]
    assert team.client.get(STRICT).content == b"[" + answer.content + b"]"


def test_missing_fields_are_null(team: HiringTeam) -> None:
    made = team.schedule()
    assert (made["location"], made["video_conferencing_url"]) == (None, None)
    assert list(made) == list(record(1))
    made = team.schedule(location=None, video_conferencing_url=None)
    assert (made["location"], made["video_conferencing_url"]) == (None, None)


def test_ids_grow_and_are_never_drawn_twice(team: HiringTeam) -> None:
    first, second = team.schedule()["id"], team.schedule()["id"]
    assert first < second
    accepted(team.delete(f"{STRICT}/{second}"))
    assert team.schedule()["id"] > second


def test_times_of_change_are_strictly_increasing(team: HiringTeam) -> None:
    times = [team.schedule()["updated_at"] for _ in range(20)]
    assert times == sorted(set(times))


def test_every_change_is_in_the_feed_with_its_actor(team: HiringTeam) -> None:
    made = team.schedule()
    moved = team.change(made["id"], start="2049-03-26T22:00:00Z")
    accepted(team.delete(f"{STRICT}/{made['id']}", GRACE))
    created, rescheduled, cancelled = team.changes()
    assert [each["kind"] for each in (created, rescheduled, cancelled)] == ["created", "rescheduled", "cancelled"]
    assert (created["document"], rescheduled["document"], cancelled["document"]) == (made, moved, moved)
    assert [each["revision"] for each in (rescheduled, cancelled)] == [
        created["revision"] + 1,
        created["revision"] + 2,
    ]
    assert created["time"] == made["updated_at"] < rescheduled["time"] == moved["updated_at"] < cancelled["time"]
    assert created["actor"]["id"] == rescheduled["actor"]["id"] == ADA
    assert (cancelled["actor"]["kind"], cancelled["actor"]["id"], cancelled["actor"]["name"]) == (
        "user",
        GRACE,
        "Grace Hopper",
    )


@pytest.mark.parametrize(
    ("given", "served"),
    [
        ("2049-03-26T22:15:00Z", START),
        ("2049-03-26T22:15:00.000000Z", START),
        ("2049-03-26T22:15:00.1239Z", "2049-03-26T22:15:00.123Z"),
        ("2049-03-27T00:15:00+02:00", START),
        ("2049-03-26T22:15", START),
        ("20490326T221500Z", START),
        ("2049-03-26", "2049-03-26T00:00:00.000Z"),
        ({"date_time": "2049-03-26T22:15:00Z"}, START),
    ],
)
def test_a_start_is_flat_text_or_an_object(team: HiringTeam, given: Any, served: str) -> None:
    assert team.schedule(start=given)["start"] == {"date_time": served}


def test_an_interview_may_last_all_day(team: HiringTeam) -> None:
    made = team.schedule(start={"date": "2049-03-26"}, end={"date": "2049-03-28"})
    assert (made["start"], made["end"]) == ({"date": "2049-03-26"}, {"date": "2049-03-28"})


def test_an_interview_may_take_no_time(team: HiringTeam) -> None:
    assert team.schedule(end=START)["end"] == {"date_time": START}


def test_an_interview_that_ended_awaits_feedback_at_once(team: HiringTeam) -> None:
    assert team.schedule(**LONG_AGO)["status"] == "awaiting_feedback"
    assert team.kinds() == ["created"], "one change, made whole"


def test_ids_may_be_written_as_text(team: HiringTeam) -> None:
    made = team.schedule(
        application_id=str(OTHER_ACTIVE),
        interview_id=str(OTHER_STAGE_INTERVIEW),
        interviewers=[seat(0, user_id="4003")],
    )
    assert (made["application_id"], made["interview"]["name"]) == (OTHER_ACTIVE, "Technical")
    assert made["interviewers"][0]["id"] == KATE


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"application_id": UNKNOWN}, ["application_id"]),
        ({"application_id": REJECTED}, ["application_id"]),
        ({"application_id": HIRED}, ["application_id"]),
        ({"interview_id": UNKNOWN}, ["interview_id"]),
        ({"interview_id": 6001}, ["interview_id"]),
        ({"end": "2049-03-26T22:14:59.999Z"}, ["end"]),
        ({"start": {"date": "2049-03-26"}}, ["end"]),
        ({"start": {"date": "2049-03-26"}, "end": {"date": "2049-03-25"}}, ["end"]),
        (
            {"application_id": UNKNOWN, "interview_id": UNKNOWN, "end": "soon", "interviewers": [seat(NOBODY)]},
            ["end", "application_id", "interview_id", "interviewers[0].user_id"],
        ),
    ],
)
def test_unknown_references_are_named(team: HiringTeam, changes: Record, fields: list[str]) -> None:
    with team.unchanged():
        assert refused_fields(team.post(INTERVIEWS, body(**changes))) == fields


def test_all_that_is_required_is_named_at_once(team: HiringTeam) -> None:
    with team.unchanged():
        for path in (INTERVIEWS, STRICT):
            assert errors_of(team.post(path, {}, None)) == {
                **dict.fromkeys(
                    ["application_id", "interview_id", "interviewers", "start", "end"],
                    "Is required",
                ),
                "On-Behalf-Of": "Is required: the id of the user who does this",
            }


@pytest.mark.parametrize("path", FORMS)
def test_an_interview_without_an_event_id_gets_one_of_its_own(team: HiringTeam, path: str) -> None:
    """Clients in the wild send none (contract section 4)."""
    content = body(external_event_id=...)
    first, second = accepted(team.post(path, content)), accepted(team.post(path, content))
    for made in (first, second):
        assert EVENT.fullmatch(made["external_event_id"])
    assert first["external_event_id"] != second["external_event_id"]
    once = [team.post(path, content, Idempotency_Key="no event").content for _ in range(2)]
    assert once[0] == once[1]
    with team.unchanged():
        assert refused_fields(team.post(path, {**content, "external_event_id": None})) == ["external_event_id"]


# --- per application


def test_the_path_may_name_the_application(team: HiringTeam) -> None:
    made = accepted(team.post(OF_APPLICATION, body(application_id=...)))
    assert made["application_id"] == ACTIVE
    assert accepted(team.post(OF_APPLICATION, body(application_id=str(ACTIVE))))["application_id"] == ACTIVE


@pytest.mark.parametrize("application", [OTHER_ACTIVE, UNKNOWN, True, None, [], "x", 5001.5])
def test_the_body_must_not_name_another_application_than_the_path(team: HiringTeam, application: Any) -> None:
    with team.unchanged():
        assert refused_fields(team.post(OF_APPLICATION, body(application_id=application))) == ["application_id"]


def test_an_unknown_application_in_the_path_is_not_found(team: HiringTeam) -> None:
    with team.unchanged():
        for identifier in (UNKNOWN, "x", 0):
            answer = team.post(f"/v1/applications/{identifier}/scheduled_interviews", body(application_id=...))
            assert (answer.status_code, answer.json()) == (404, {"message": "Resource not found"})
        rejected = f"/v1/applications/{REJECTED}/scheduled_interviews"
        assert refused_fields(team.post(rejected, body(application_id=...))) == ["application_id"]


# --- On-Behalf-Of


@pytest.mark.parametrize("user", ["", "ada", "-1", "0", "4001.0", "\uff19", "9007199254740992", "4001, 4002", "1e3"])
def test_on_behalf_of_must_be_the_id_of_a_user(team: HiringTeam, user: str) -> None:
    made = team.schedule()
    path = f"{INTERVIEWS}/{made['id']}"
    headers = {b"On-Behalf-Of": user.encode(), b"Content-Type": b"application/json"}
    with team.unchanged():
        for method, target, content in (
            ("POST", INTERVIEWS, body(location=1)),
            ("PATCH", path, {"location": 1}),
            ("DELETE", path.replace("v2", "v1"), {}),
        ):
            sent = b"" if method == "DELETE" else json.dumps(content).encode()
            answer = team.client.request(method, target, content=sent, headers=headers)
            expected = ["On-Behalf-Of"] if method == "DELETE" else ["location", "On-Behalf-Of"]
            assert refused_fields(answer) == expected


UNKNOWN_USER = {
    "message": "Resource not found",
    "errors": [{"message": "Must be the id of a user of this organization", "field": "On-Behalf-Of"}],
}


def test_an_unknown_user_is_not_found_and_the_header_is_named(team: HiringTeam) -> None:
    made = team.schedule()
    with team.unchanged():
        for answer in (
            team.post(INTERVIEWS, body(), NOBODY),
            team.patch(f"{INTERVIEWS}/{made['id']}", {"location": "Here"}, NOBODY),
            team.delete(f"{STRICT}/{made['id']}", NOBODY),
        ):
            assert (answer.status_code, answer.json()) == (404, UNKNOWN_USER)


def test_the_user_who_changes_an_interview_becomes_its_organizer(team: HiringTeam) -> None:
    made = team.schedule()
    changed = accepted(team.patch(f"{INTERVIEWS}/{made['id']}", {}, GRACE))
    assert changed["organizer"]["name"] == "Grace Hopper"
    assert {**changed, "organizer": made["organizer"], "updated_at": made["updated_at"]} == made
    assert team.kinds() == ["created", "updated"]


# --- permissions


@pytest.mark.parametrize(
    ("method", "path", "permission"),
    [
        ("POST", INTERVIEWS, "scheduled_interviews:create"),
        ("POST", STRICT, "scheduled_interviews:create"),
        ("POST", OF_APPLICATION, "scheduled_interviews:create"),
        ("PATCH", f"{INTERVIEWS}/1", "scheduled_interviews:update"),
        ("PATCH", f"{STRICT}/1", "scheduled_interviews:update"),
        ("DELETE", f"{STRICT}/1", "scheduled_interviews:delete"),
    ],
)
def test_each_call_needs_its_permission(
    team: HiringTeam, harness: Harness, method: str, path: str, permission: str
) -> None:
    others = set(PERMISSIONS) - {permission}
    headers = {"On-Behalf-Of": str(ADA), "Content-Type": "application/json"}
    for granted, status in ((others, 403), ({permission}, 404 if path.endswith("1") else 422)):
        with harness.server.client(team.new_key(*granted)) as client, team.unchanged():
            answer = client.request(method, path, content=b"{}", headers=headers)
            assert answer.status_code == status, answer.text


def test_without_a_key_nothing_is_written(team: HiringTeam, harness: Harness) -> None:
    with harness.server.client() as client, team.unchanged():
        answer = client.post(INTERVIEWS, json=body(), headers={"On-Behalf-Of": str(ADA)})
        assert answer.status_code == 401


# --- media types


@pytest.mark.parametrize(
    "kind", [None, "application/json", "application/json;charset=UTF-8", "Application/JSON; charset=utf-8", "a/b+json"]
)
def test_json_is_read_by_any_of_its_names(team: HiringTeam, kind: str | None) -> None:
    assert _post_as(team, kind).status_code == 200


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "application/json;charset=utf-16", "json", ""]
)
def test_other_media_types_are_not_read(team: HiringTeam, kind: str) -> None:
    with team.unchanged():
        assert _post_as(team, kind).status_code == 415


def test_a_compressed_body_is_not_read(team: HiringTeam) -> None:
    with team.unchanged():
        assert _post_as(team, "application/json", {"Content-Encoding": "gzip"}).status_code == 415


def _post_as(team: HiringTeam, kind: str | None, headers: dict[str, str] | None = None) -> httpx.Response:
    content = json.dumps(body()).encode()
    kinds = {} if kind is None else {"Content-Type": kind}
    return team.client.post(INTERVIEWS, content=content, headers={"On-Behalf-Of": str(ADA), **kinds, **(headers or {})})


def test_other_methods_are_refused(team: HiringTeam) -> None:
    for method, path, allow in (
        ("POST", f"{INTERVIEWS}/1", "PATCH"),
        ("DELETE", f"{INTERVIEWS}/1", "PATCH"),
        ("GET", INTERVIEWS, "POST"),
        ("PUT", f"{STRICT}/1", "DELETE, GET, HEAD, PATCH"),
        ("POST", CHANGES, "GET, HEAD"),
    ):
        answer = team.client.request(method, path)
        assert (answer.status_code, answer.headers["allow"]) == (405, allow)
