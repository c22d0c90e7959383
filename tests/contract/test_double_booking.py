"""Double bookings: people who would be in two interviews at once, and the effect of the organization's policy."""

from typing import Any

import pytest

from rowen.app.organizations import DoubleBooking
from tests.support.command import rowen
from tests.support.harness import Harness
from tests.support.hiring_teams import (
    ADA,
    CONFLICTS,
    GRACE,
    INTERVIEWS,
    KATE,
    LUKASZ,
    STRICT,
    HiringTeam,
    accepted,
    body,
    errors_of,
    guest,
    hiring_team,
    refused_fields,
    seat,
)
from tests.support.records import Record, record

STRANGER = "stranger@elsewhere.example"


def at(start: str, end: str, **others: Any) -> Record:
    """Return the times of an interview on the day of these tests."""
    return {"start": f"2049-03-26T{start}Z", "end": f"2049-03-26T{end}Z", **others}


def days(first: int, behind: int, **others: Any) -> Record:
    """Return the times of an interview that lasts from one day of that March until the day before another."""
    return {"start": {"date": f"2049-03-{first:02}"}, "end": {"date": f"2049-03-{behind:02}"}, **others}


TEN = at("10:00", "11:00")
OVERLAPPING = [
    at("10:00", "11:00"),
    at("09:00", "10:00:00.001"),
    at("10:59:59.999", "12:00"),
    at("10:15", "10:30"),
    at("09:00", "12:00"),
    days(26, 27),
    days(25, 28),
]
APART = [
    at("09:00", "10:00"),
    at("11:00", "12:00"),
    at("10:30", "10:30"),
    days(25, 26),
    days(27, 28),
    days(26, 26),
    {"start": "2050-03-26T10:00Z", "end": "2050-03-26T11:00Z"},
]


@pytest.fixture
def strict(team: HiringTeam) -> HiringTeam:
    """Return a team that rejects double bookings."""
    team.change_settings(DoubleBooking.REJECT)
    return team


# --- what overlaps


@pytest.mark.parametrize("times", OVERLAPPING)
def test_an_overlap_is_rejected_with_the_other_interviews(strict: HiringTeam, times: Record) -> None:
    made = strict.schedule(**TEN, interviewers=[seat(ADA), seat(GRACE)])
    with strict.unchanged():
        answer = strict.post(INTERVIEWS, body(**times, interviewers=[seat(KATE), seat(GRACE), seat(ADA)]))
        assert errors_of(answer, 409) == dict.fromkeys(
            ["interviewers[1]", "interviewers[2]"], f"Overlaps interview {made['id']}"
        )
        assert answer.json()["message"] == "Conflict"
    assert strict.schedule(**times, interviewers=[seat(KATE)])["interviewers"][0]["id"] == KATE


@pytest.mark.parametrize("times", APART)
def test_interviews_that_do_not_overlap_are_written(strict: HiringTeam, times: Record) -> None:
    strict.schedule(**TEN)
    answer = strict.post(INTERVIEWS, body(**times))
    accepted(answer)
    assert "warning" not in answer.headers


def test_all_that_overlap_are_named(strict: HiringTeam) -> None:
    strict.change_settings(DoubleBooking.ALLOW)
    ids = [strict.schedule(**TEN)["id"] for _ in range(3)]
    strict.change_settings(DoubleBooking.REJECT)
    with strict.unchanged():
        answer = strict.post(INTERVIEWS, body(**TEN))
        assert errors_of(answer, 409) == {"interviewers[0]": f"Overlaps interview {', '.join(map(str, ids))}"}


@pytest.mark.parametrize(
    ("time_zone", "hour", "overlaps"),
    [
        ("UTC", "2049-03-26T00:00Z", True),
        ("UTC", "2049-03-25T23:00Z", False),
        ("Pacific/Auckland", "2049-03-25T11:00Z", True),
        ("Pacific/Auckland", "2049-03-25T10:00Z", False),
        ("Pacific/Auckland", "2049-03-26T11:00Z", False),
        ("America/Los_Angeles", "2049-03-26T06:00Z", False),
        ("America/Los_Angeles", "2049-03-26T07:00Z", True),
        ("America/Los_Angeles", "2049-03-27T06:00Z", True),
    ],
)
def test_a_day_is_one_of_the_organizations(harness: Harness, time_zone: str, hour: str, *, overlaps: bool) -> None:
    with hiring_team(harness, time_zone) as team:
        team.change_settings(DoubleBooking.REJECT)
        team.schedule(**days(26, 27))
        answer = team.post(INTERVIEWS, body(start=hour, end=f"{hour[:13]}:59:59.999Z"))
        assert answer.status_code == (409 if overlaps else 200), answer.text


def test_guests_are_persons_too(strict: HiringTeam) -> None:
    strict.schedule(**TEN, interviewers=[guest(STRANGER)])
    with strict.unchanged():
        answer = strict.post(INTERVIEWS, body(**TEN, interviewers=[seat(ADA), guest(STRANGER.upper())]))
        assert refused_fields(answer, 409) == ["interviewers[1]"]
    strict.schedule(**TEN, interviewers=[guest("another@elsewhere.example")])


def test_a_user_is_one_person_by_any_name(strict: HiringTeam) -> None:
    strict.schedule(**TEN, interviewers=[seat(GRACE)])
    with strict.unchanged():
        assert refused_fields(strict.post(INTERVIEWS, body(**TEN, interviewers=[guest("hopper@navy.example")])), 409)


def test_imported_interviews_count(strict: HiringTeam) -> None:
    strict.merge([record(1, start={"date": "2049-03-26"}, end={"date": "2049-03-27"})])
    busy = 4080
    with strict.unchanged():
        answer = strict.post(INTERVIEWS, body(**TEN, interviewers=[seat(busy)]))
        assert errors_of(answer, 409) == {"interviewers[0]": "Overlaps interview 1"}


# --- answers


def test_a_person_who_declined_is_not_busy(strict: HiringTeam) -> None:
    made = strict.schedule(**TEN, interviewers=[seat(ADA, "declined"), seat(GRACE, "tentative")])
    strict.schedule(**TEN, interviewers=[seat(ADA)])
    with strict.unchanged():
        answer = strict.post(INTERVIEWS, body(**TEN, interviewers=[seat(ADA, "declined"), seat(GRACE)]))
        assert refused_fields(answer, 409) == ["interviewers[1]"]
    strict.schedule(**TEN, interviewers=[seat(GRACE, "declined")])
    with strict.unchanged():
        back = {"interviewers": [seat(ADA, "accepted"), seat(GRACE)]}
        answer = strict.patch(f"{INTERVIEWS}/{made['id']}", back)
        assert refused_fields(answer, 409) == ["interviewers[0]"]


def test_a_person_who_declines_is_free_at_once(strict: HiringTeam) -> None:
    made = strict.schedule(**TEN)
    strict.change(made["id"], interviewers=[seat(ADA, "declined")])
    strict.schedule(**TEN)


def test_a_deleted_interview_keeps_nobody_busy(strict: HiringTeam) -> None:
    made = strict.schedule(**TEN)
    accepted(strict.delete(f"{STRICT}/{made['id']}"))
    strict.schedule(**TEN)


# --- moving


def test_a_move_is_asked_as_a_new_interview_is(strict: HiringTeam) -> None:
    made = strict.schedule(**TEN)
    other = strict.schedule(**at("12:00", "13:00"))
    path = f"{INTERVIEWS}/{other['id']}"
    with strict.unchanged():
        for changes in ({"start": "2049-03-26T10:59Z"}, TEN, days(26, 27)):
            answer = strict.patch(path, changes)
            assert errors_of(answer, 409) == {"interviewers[0]": f"Overlaps interview {made['id']}"}
    strict.change(other["id"], **at("11:00", "12:30"))
    strict.change(made["id"], **at("13:00", "14:00"))
    strict.change(other["id"], **TEN)


def test_an_interview_does_not_overlap_itself(strict: HiringTeam) -> None:
    made = strict.schedule(**TEN)
    strict.change(made["id"], **at("10:30", "11:30"))


def test_new_members_are_checked_and_remaining_ones_are_not(strict: HiringTeam) -> None:
    strict.change_settings(DoubleBooking.ALLOW)
    made, _ = strict.schedule(**TEN), strict.schedule(**TEN, interviewers=[seat(ADA), seat(KATE)])
    strict.change_settings(DoubleBooking.REJECT)
    assert strict.change(made["id"], location="Here", interviewers=[seat(ADA, "accepted")])["location"] == "Here"
    with strict.unchanged():
        answer = strict.patch(f"{INTERVIEWS}/{made['id']}", {"interviewers": [seat(ADA), seat(KATE)]})
        assert refused_fields(answer, 409) == ["interviewers[1]"]
    strict.change(made["id"], interviewers=[seat(LUKASZ)])


# --- the policies


def test_double_bookings_are_allowed_at_first(team: HiringTeam) -> None:
    team.schedule(**TEN)
    answer = team.post(INTERVIEWS, body(**TEN))
    accepted(answer)
    assert "warning" not in answer.headers


def test_the_operator_sets_the_policy_while_the_server_runs(team: HiringTeam, harness: Harness) -> None:
    first = team.schedule(**TEN)
    options = ("--double-booking", "warn", "--database", harness.database)
    rowen("organizations", "change", team.organization.name, *options)
    answer = team.post(INTERVIEWS, body(**TEN))
    accepted(answer)
    assert answer.headers["warning"] == f'199 rowen "Double booking: overlaps interview {first["id"]}"'


def test_a_warning_names_every_interview_once(team: HiringTeam) -> None:
    first, second = (team.schedule(**TEN, interviewers=[seat(ADA), seat(GRACE)])["id"] for _ in range(2))
    third = team.schedule(**at("14:00", "15:00"), interviewers=[seat(GRACE)])["id"]
    team.change_settings(DoubleBooking.WARN)
    answer = team.patch(f"{INTERVIEWS}/{third}", TEN, Idempotency_Key="warned")
    assert accepted(answer)["id"] == third
    assert answer.headers["warning"] == f'199 rowen "Double booking: overlaps interview {first}, {second}"'
    again = team.patch(f"{INTERVIEWS}/{third}", TEN, Idempotency_Key="warned")
    assert again.headers["warning"] == answer.headers["warning"]
    assert "warning" not in team.patch(f"{INTERVIEWS}/{third}", {"location": "Here"}).headers


# --- the list of conflicts


def conflict(user: int | None, name: str | None, email: str, times: tuple[str, str], ids: list[int]) -> Record:
    """Return a conflict as it is served."""
    return {
        "person": {"user_id": user, "name": name, "email": email},
        "start": f"2049-03-26T{times[0]}.000Z",
        "end": f"2049-03-26T{times[1]}.000Z",
        "scheduled_interview_ids": ids,
    }


def test_overlaps_are_listed_by_person_and_range(team: HiringTeam) -> None:
    panel = [seat(GRACE), guest(STRANGER), seat(KATE, "declined")]
    first = team.schedule(**TEN, interviewers=panel)["id"]
    second = team.schedule(**at("10:30", "12:00"), interviewers=panel)["id"]
    third = team.schedule(**at("11:00", "11:30"), interviewers=[seat(GRACE), seat(KATE)])["id"]
    graces = ("grace@team.example", ("10:30:00", "11:00:00"), [first, second])
    early = conflict(GRACE, "Grace Hopper", *graces)
    late = conflict(GRACE, "Grace Hopper", "grace@team.example", ("11:00:00", "11:30:00"), [second, third])
    strangers = conflict(None, None, STRANGER, ("10:30:00", "11:00:00"), [first, second])
    asked: list[tuple[dict[str, Any], list[Record]]] = [
        ({}, [strangers, early, late]),
        ({"user_id": GRACE}, [early, late]),
        ({"email": STRANGER.upper()}, [strangers]),
        ({"user_id": KATE}, []),
        ({"user_id": 987_654_321}, []),
        ({"from": "2049-03-26T11:00:00Z"}, [late]),
        ({"to": "2049-03-26T11:00:00Z"}, [strangers, early]),
        ({"user_id": GRACE, "from": "2049-03-26T11:29Z", "to": "2049-03-27"}, [late]),
        ({"from": "2049-03-27"}, []),
        ({"to": "2049-03-26T10:30Z"}, []),
    ]
    for parameters, expected in asked:
        assert accepted(team.client.get(CONFLICTS, params=parameters)) == {"conflicts": expected, "more": False}
    page = accepted(team.client.get(CONFLICTS, params={"limit": 2}))
    assert page == {"conflicts": [strangers, early], "more": True}


def test_the_list_of_conflicts_is_tagged_and_follows_every_change(team: HiringTeam) -> None:
    made, _ = team.schedule(**TEN), team.schedule(**TEN)
    answer = team.client.get(CONFLICTS)
    assert len(accepted(answer)["conflicts"]) == 1
    headers = {"If-None-Match": answer.headers["etag"]}
    assert team.client.get(CONFLICTS, headers=headers).status_code == 304
    team.change(made["id"], **at("11:00", "12:00"))
    assert accepted(team.client.get(CONFLICTS, headers=headers))["conflicts"] == []


@pytest.mark.parametrize(
    ("parameters", "fields"),
    [
        ({"user_id": "x", "from": "soon", "to": "later", "limit": 0}, ["user_id", "from", "to", "limit"]),
        ({"limit": 501}, ["limit"]),
        ({"user_id": ADA, "email": STRANGER}, ["email"]),
    ],
)
def test_bad_parameters_are_named(refusing: HiringTeam, parameters: dict[str, Any], fields: list[str]) -> None:
    assert refused_fields(refusing.client.get(CONFLICTS, params=parameters)) == fields


def test_a_guest_who_became_a_user_is_one_person(team: HiringTeam) -> None:
    address = "grace@team.example"
    times = {"start": {"date_time": "2049-03-26T10:00:00.000Z"}, "end": {"date_time": "2049-03-26T11:00:00.000Z"}}
    imported = record(77_001, **times)
    imported["interviewers"] = [{**imported["interviewers"][0], "id": None, "email": address, "scorecard_id": None}]
    team.merge([imported])
    mine = team.schedule(**at("09:00", "09:30"), interviewers=[seat(GRACE)])["id"]
    team.change_settings(DoubleBooking.REJECT)
    with team.unchanged():
        answer = team.post(INTERVIEWS, body(**TEN, interviewers=[seat(GRACE)]))
        assert errors_of(answer, 409) == {"interviewers[0]": "Overlaps interview 77001"}
    team.change_settings(DoubleBooking.ALLOW)
    other = team.schedule(**at("09:15", "09:45"), interviewers=[seat(GRACE)])["id"]
    found = accepted(team.client.get(CONFLICTS, params={"email": address.upper()}))["conflicts"]
    assert [each["scheduled_interview_ids"] for each in found] == [[mine, other]]


def test_no_more_interviews_are_named_than_a_header_has_room_for(team: HiringTeam) -> None:
    for _ in range(25):
        team.schedule(**TEN, interviewers=[seat(GRACE)])
    team.change_settings(DoubleBooking.WARN)
    warning = team.post(INTERVIEWS, body(**TEN, interviewers=[seat(GRACE)])).headers["warning"]
    assert warning.count(",") == 19
    assert warning.endswith('and 5 more"')
