"""Busy times of users: what is pushed, and what is known of it afterwards (contract section 16)."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import pytest

from tests.support.hiring_teams import (
    ADA,
    GRACE,
    NOBODY,
    OTHER_ACTIVE,
    UNKNOWN,
    HiringTeam,
    accepted,
    errors_of,
    refused_fields,
)
from tests.support.planning_people import WINDOW, make_available
from tests.support.records import Record
from tests.support.sql import fetch


def day(number: int, clock: str = "00:00") -> str:
    """Return a time in February 2031."""
    return f"2031-02-{number:02}T{clock}:00.000Z"


def span(start: str, end: str) -> Record:
    """Return a stretch of time."""
    return {"from": start, "to": end}


READ: Final = "2026-01-05T08:00:00.000Z"
LATER: Final = "2026-01-06T08:00:00.000Z"
WEEK: Final = span(day(3), day(10))
MEETING: Final = span(day(3, "09:00"), day(3, "10:30"))
LUNCH: Final = span(day(4, "12:00"), day(4, "13:00"))
PUSH: Final[Record] = {"window": WEEK, "read_at": READ, "busy": [MEETING, LUNCH]}


def path_of(user: int, source: str | None = "script") -> str:
    """Return the address of a source."""
    return f"/rowen/v1/users/{user}/busy" + ("" if source is None else f"?source={source}")


def put(
    team: HiringTeam, content: Any, source: str | None = "script", user: int = ADA, by: int | None = ADA, **named: str
) -> httpx.Response:
    """Put a source."""
    return team.send("PUT", path_of(user, source), content, by, **named)


def get(team: HiringTeam, source: str = "script", user: int = ADA) -> Record:
    """Return a source."""
    return accepted(team.client.get(path_of(user, source)))


def test_what_was_pushed_is_returned(team: HiringTeam) -> None:
    expected = {
        "user_id": ADA,
        "source": "script",
        "url": None,
        "read_at": READ,
        "error": None,
        "window": WEEK,
        "windows": [{**WEEK, "read_at": READ}],
        "busy": [MEETING, LUNCH],
    }
    assert accepted(put(team, PUSH)) == expected
    assert get(team) == expected
    assert team.client.get(path_of(GRACE)).status_code == 404
    assert team.client.get(path_of(ADA, "other")).status_code == 404


def test_a_push_replaces_its_window_and_nothing_else(team: HiringTeam) -> None:
    put(team, PUSH)
    put(team, {"window": span(day(3, "10:00"), day(4)), "read_at": LATER, "busy": []})
    found = get(team)
    assert found["busy"] == [span(day(3, "09:00"), day(3, "10:00")), LUNCH]
    assert found["windows"] == [
        {**span(day(3), day(3, "10:00")), "read_at": READ},
        {**span(day(3, "10:00"), day(4)), "read_at": LATER},
        {**span(day(4), day(10)), "read_at": READ},
    ]
    assert (found["read_at"], found["window"]) == (LATER, WEEK)


def test_windows_that_were_pushed_one_after_the_other_cover_all(team: HiringTeam) -> None:
    put(team, PUSH)
    over = span(day(9, "22:00"), day(10, "02:00"))
    put(team, {"window": span(day(10), day(17)), "read_at": READ, "busy": [over]})
    found = get(team)
    assert found["windows"] == [{**span(day(3), day(17)), "read_at": READ}]
    assert found["busy"] == [MEETING, LUNCH, span(day(10), day(10, "02:00"))]


def test_busy_times_are_kept_in_order_and_once(team: HiringTeam) -> None:
    long = span(day(3, "09:00"), day(3, "12:00"))
    assert accepted(put(team, {**PUSH, "busy": [LUNCH, long, MEETING, LUNCH]}))["busy"] == [MEETING, long, LUNCH]


def test_without_a_time_of_reading_it_was_read_now(team: HiringTeam) -> None:
    before = datetime.now(UTC) - timedelta(seconds=5)
    content = {"window": WEEK, "busy": []}
    read_at = datetime.fromisoformat(accepted(put(team, content))["read_at"])
    assert before <= read_at <= datetime.now(UTC) + timedelta(seconds=5)


@pytest.mark.parametrize(("url", "minutes"), [(None, 24 * 60), ("https://calendar.example/ada.ics", 60)])
def test_a_push_is_trusted_for_a_day_and_an_address_for_an_hour(
    team: HiringTeam, url: str | None, minutes: int
) -> None:
    make_available(team, ADA, GRACE)
    for user, age in ((ADA, minutes - 1), (GRACE, minutes + 1)):
        read_at = (datetime.now(UTC) - timedelta(minutes=age)).isoformat()
        accepted(put(team, {"window": WEEK, "busy": [], "read_at": read_at}, user=user))
    becomes = "UPDATE busy_sources SET url = ? WHERE organization_id = ?"
    fetch(team.harness.database, becomes, url, team.organization.id)
    sessions = [{"minutes": 60, "seats": [{"users": [ADA, GRACE]}]}]
    answer = accepted(team.post("/rowen/v1/slots", {"window": WINDOW, "sessions": sessions}))
    assert {each["user_id"] for slot in answer["slots"] for each in slot["sessions"][0]["interviewers"]} == {ADA}
    assert [each["user_id"] for each in answer["not_offered"]] == [GRACE]
    for user, status in ((ADA, 200), (GRACE, 409)):
        interviewers = [{"user_id": user}]
        session = {"start": day(3, "11:00"), "end": day(3, "12:00"), "interviewers": interviewers}
        booked = team.post("/rowen/v1/bookings", {"application_id": OTHER_ACTIVE, "sessions": [session]})
        assert booked.status_code == status, booked.text


def test_sources_are_apart(team: HiringTeam) -> None:
    put(team, PUSH)
    put(team, {**PUSH, "busy": []}, source="other")
    assert get(team)["busy"] == [MEETING, LUNCH]
    assert get(team, "other")["busy"] == []
    listed = team.client.get(f"/rowen/v1/users/{ADA}/busy_sources").json()
    assert [each["source"] for each in listed] == ["other", "script"]
    assert "busy" not in listed[0]
    gone = accepted(team.delete(path_of(ADA)))
    assert gone == {"message": f"Source script of user {ADA} has been deleted."}
    assert team.client.get(path_of(ADA)).status_code == 404
    assert team.delete(path_of(ADA)).status_code == 404
    assert [each["source"] for each in team.client.get(f"/rowen/v1/users/{ADA}/busy_sources").json()] == ["other"]


def test_an_address_is_unread_at_first(team: HiringTeam) -> None:
    put(team, PUSH)
    url = "https://calendar.example.com/ada.ics"
    found = accepted(put(team, {"url": url}))
    assert (found["url"], found["read_at"], found["windows"], found["busy"]) == (url, None, [], [])
    assert accepted(put(team, PUSH))["url"] is None


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/a.ics", "http://169.254.169.254/", "https://localhost/a", "ftp://x.example/"]
)
def test_an_address_must_be_public(refusing: HiringTeam, url: str) -> None:
    with refusing.unchanged():
        assert refused_fields(put(refusing, {"url": url})) == ["url"]


@pytest.mark.parametrize(
    ("content", "fields"),
    [
        ({}, ["window", "busy"]),
        ({"window": WEEK}, ["busy"]),
        ({"busy": []}, ["window"]),
        ({**PUSH, "window": span(day(10), day(3))}, ["window.to"]),
        ({**PUSH, "window": {"from": day(3)}}, ["window.to"]),
        ({**PUSH, "window": span("2031-01-01", "2034-01-01")}, ["window.to"]),
        ({**PUSH, "busy": [MEETING, span(day(3, "11:00"), day(3, "11:00"))]}, ["busy[1].to"]),
        ({**PUSH, "busy": [span(day(11), day(12))]}, ["busy[0]"]),
        ({**PUSH, "busy": [{**MEETING, "title": "Secret"}]}, ["busy[0].title"]),
        ({**PUSH, "busy": 4}, ["busy"]),
        ({**PUSH, "read_at": "yesterday"}, ["read_at"]),
        ({**PUSH, "read_at": "2090-01-01T00:00:00Z"}, ["read_at"]),
        ({"url": "https://calendar.example.com/", "busy": []}, ["busy"]),
        ({**PUSH, "user_id": 3}, ["user_id"]),
    ],
)
def test_every_bad_field_is_named(refusing: HiringTeam, content: Record, fields: list[str]) -> None:
    with refusing.unchanged():
        assert refused_fields(put(refusing, content)) == fields


def test_a_write_names_its_source_and_who_acts(refusing: HiringTeam) -> None:
    with refusing.unchanged():
        assert refused_fields(put(refusing, PUSH, source=None)) == ["source"]
        assert refused_fields(put(refusing, PUSH, source="")) == ["source"]
        assert refused_fields(put(refusing, PUSH, by=None)) == ["On-Behalf-Of"]
        assert refused_fields(put(refusing, PUSH, by=NOBODY), 404) == ["On-Behalf-Of"]
        assert put(refusing, PUSH, user=UNKNOWN).status_code == 404
        assert refused_fields(refusing.delete(path_of(ADA), user=None)) == ["On-Behalf-Of"]
        assert refused_fields(refusing.client.get(path_of(ADA, None))) == ["source"]


def test_what_is_kept_is_bounded(team: HiringTeam) -> None:
    minutes = [
        span(f"2031-02-03T{m // 60:02}:{m % 60:02}:00Z", f"2031-02-03T{m // 60:02}:{m % 60:02}:30Z")
        for m in range(1000)
    ]
    for number in range(20):
        accepted(put(team, {**PUSH, "busy": []}, source=f"source {number}"))
    assert list(errors_of(put(team, PUSH, source="another"))) == ["source"]
    accepted(put(team, {**PUSH, "busy": minutes}, source="source 1"))
    assert errors_of(put(team, {**PUSH, "busy": 6 * minutes})) == {
        "busy": "Must have 0 to 5000 elements",
        "source": "Must be one of at most 20 sources of a user",
    }


def test_a_key_repeats_only_the_same_source(team: HiringTeam) -> None:
    first = put(team, PUSH, Idempotency_Key="once")
    assert put(team, PUSH, Idempotency_Key="once").content == first.content
    assert refused_fields(put(team, PUSH, source="other", Idempotency_Key="once")) == ["Idempotency-Key"]
