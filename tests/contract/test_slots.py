"""Finding times: `POST /rowen/v1/slots` (contract section 17)."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from tests.support.hiring_teams import (
    ACTIVE,
    ADA,
    GRACE,
    KATE,
    NOBODY,
    OTHER_ACTIVE,
    STAGE_INTERVIEW,
    UNKNOWN,
    HiringTeam,
    accepted,
    errors_of,
    guest,
    refused_fields,
    seat,
)
from tests.support.planning_people import ALWAYS, MONDAY, WINDOW, at, make_available, make_pool
from tests.support.records import Record

SLOTS: Final = "/rowen/v1/slots"


def ask(team: HiringTeam, *sessions: Record, **given: Any) -> Record:
    """Ask for slots, on nobody's behalf."""
    body = {"window": WINDOW, "sessions": sessions, **given}
    return accepted(team.post(SLOTS, body, user=None))


def session(*users: int, minutes: int = 60, **given: Any) -> Record:
    return {"minutes": minutes, "seats": [{"users": [user]} for user in users], **given}


def starts(answer: Record) -> list[str]:
    return [slot["start"] for slot in answer["slots"]]


def test_a_single_session_needs_four_fields(team: HiringTeam) -> None:
    make_available(team, ADA)
    answer = ask(team, session(ADA))
    assert list(answer) == ["slots", "total", "not_offered", "why_none"]
    assert (answer["total"], answer["not_offered"], answer["why_none"]) == (29, [], [])
    assert answer["slots"][0] == {
        "start": at("09:00"),
        "end": at("10:00"),
        "local": {},
        "sessions": [
            {
                "name": None,
                "index": 0,
                "interview_id": None,
                "start": at("09:00"),
                "end": at("10:00"),
                "interviewers": [{"user_id": ADA, "seat": 0, "why": "Asked for by name"}],
                "room_id": None,
            }
        ],
    }
    assert starts(answer)[:2] == [at("09:00"), at("09:15")]


def test_the_limit_does_not_change_the_total(team: HiringTeam) -> None:
    make_available(team, ADA)
    answer = ask(team, session(ADA, minutes=30), limit=2, step_minutes=10)
    assert (len(answer["slots"]), answer["total"]) == (2, 46)
    assert ask(team, session(ADA), limit=5_000)["total"] == 29


def test_local_times_have_their_offset(team: HiringTeam) -> None:
    make_available(team, ADA, time_zone="America/New_York")
    answer = ask(team, session(ADA), time_zones=["America/New_York", "Asia/Kolkata"], limit=1)
    assert answer["slots"][0]["local"] == {
        "America/New_York": "2031-02-03T09:00:00-05:00",
        "Asia/Kolkata": "2031-02-03T19:30:00+05:30",
    }


def test_people_without_availability_are_not_offered_and_named(team: HiringTeam) -> None:
    make_available(team, ADA)
    answer = ask(team, session(ADA, GRACE))
    assert answer["slots"] == []
    assert answer["not_offered"] == [{"user_id": GRACE, "why": "Has no availability", "read_at": None}]
    assert answer["why_none"] == [
        {"without": "sessions[0].seats[1]", "slots": 29},
        {"without": f"missing busy times of Grace Hopper (user {GRACE})", "slots": 29},
    ]
    assert ask(team, session(GRACE), explain=False)["why_none"] == []


def test_interviews_keep_people_and_the_candidate_busy_until_they_are_cancelled(team: HiringTeam) -> None:
    make_available(team, ADA, GRACE, buffer_minutes={"before": 7, "after": 10})
    booked = team.schedule(interviewers=[seat(ADA)], start=at("10:00"), end=at("11:00"))
    assert starts(ask(team, session(ADA)))[:1] == [at("11:15")]  # an hour does not fit before the interview's buffer
    assert starts(ask(team, session(ADA, minutes=45)))[0] == at("09:00")
    assert at("10:00") in starts(ask(team, session(GRACE)))
    with_candidate = starts(ask(team, session(GRACE), application_id=ACTIVE))
    assert [at("09:00"), at("11:00")] == with_candidate[:2]
    team.change(booked["id"], interviewers=[seat(ADA, "declined")])
    assert starts(ask(team, session(ADA)))[0] == at("09:00")
    team.change(booked["id"], interviewers=[seat(ADA, "accepted")])
    assert starts(ask(team, session(ADA)))[0] == at("11:15")
    assert team.delete(f"/v1/scheduled_interviews/{booked['id']}").status_code == 200
    assert starts(ask(team, session(ADA)))[0] == at("09:00")


def test_limits_count_interviews_of_the_day(team: HiringTeam) -> None:
    make_available(team, ADA, limits={"per_day": 1})
    team.schedule(interviewers=[seat(ADA)], start=at("10:00"), end=at("11:00"))
    answer = ask(team, session(ADA))
    assert answer["total"] == 0
    assert answer["why_none"] == [
        {"without": f"interviews of Ada Lovelace (user {ADA})", "slots": 29},
        {"without": f"limits of Ada Lovelace (user {ADA})", "slots": 22},
    ]


def test_a_pool_fills_seats_with_different_people_of_all_tags(team: HiringTeam) -> None:
    make_available(team, ADA, GRACE, KATE)
    pool = make_pool(
        team,
        "Backend",
        {"user_id": ADA, "tags": ["senior"]},
        {"user_id": GRACE, "weight": 2, "tags": ["senior", "python"]},
        {"user_id": KATE},
    )
    wanted = {"minutes": 60, "seats": [{"pool": pool, "count": 2}, {"pool": pool, "tags": ["senior", "python"]}]}
    people = ask(team, wanted, limit=1)["slots"][0]["sessions"][0]["interviewers"]
    assert [(each["user_id"], each["seat"]) for each in people] == [(KATE, 0), (ADA, 0), (GRACE, 1)]


def test_rooms_are_taken_by_the_interviews_at_their_name(team: HiringTeam) -> None:
    make_available(team, ADA, GRACE)
    small = accepted(team.post("/rowen/v1/rooms", {"name": "Small", "capacity": 2}))["id"]
    large = accepted(team.post("/rowen/v1/rooms", {"name": "Large", "capacity": 9}))["id"]
    answer = ask(team, session(ADA, room={"capacity": 2}))
    assert {slot["sessions"][0]["room_id"] for slot in answer["slots"]} == {small}
    team.schedule(interviewers=[seat(GRACE)], start=at("09:00"), end=at("10:00"), location="Small")
    assert ask(team, session(ADA, room={}), limit=1)["slots"][0]["sessions"][0]["room_id"] == large
    assert ask(team, session(ADA, room={"capacity": 10}))["why_none"][0]["without"] == "the room of sessions[0]"


def test_an_interview_is_moved_only_to_where_its_guests_can_come(team: HiringTeam) -> None:
    make_available(team, ADA)
    observer = guest("observer@example.com")
    one = team.schedule(start=at("09:00"), end=at("10:00"), interviewers=[seat(ADA), observer])["id"]
    other = {"application_id": OTHER_ACTIVE, "interviewers": [seat(GRACE), observer]}
    team.schedule(start=at("09:00"), end=at("16:00"), **other)
    moving = {"application_id": ACTIVE, "reschedule": [one]}
    assert starts(ask(team, session(ADA), **moving)) == [at("16:00")]
    team.schedule(start=at("16:00"), end=at("17:00"), **other)
    answer = ask(team, session(ADA), **moving)
    assert answer["total"] == 0
    assert "the guests of sessions[0]" in [each["without"] for each in answer["why_none"]]


def test_an_onsite_has_its_sessions_in_order_with_different_people(team: HiringTeam) -> None:
    make_available(team, ADA, GRACE)
    both = {"users": [ADA, GRACE]}
    talk = {"name": "Talk", "minutes": 45, "interview_id": STAGE_INTERVIEW, "seats": [both]}
    code = {"name": "Code", "minutes": 60, "seats": [both]}
    answer = ask(team, talk, code, lunch={"from": "12:00", "to": "14:00", "minutes": 45}, limit=500)
    for slot in answer["slots"]:
        first, second = slot["sessions"]
        assert (first["name"], first["interview_id"], first["index"]) == ("Talk", STAGE_INTERVIEW, 0)
        assert (second["name"], second["index"]) == ("Code", 1)
        assert {each["user_id"] for held in slot["sessions"] for each in held["interviewers"]} == {ADA, GRACE}
        assert (slot["start"], slot["end"]) == (first["start"], second["end"])


def test_lunch_and_days_go_by_the_first_time_zone(team: HiringTeam) -> None:
    make_available(team, ADA, GRACE, working_hours=ALWAYS)
    both = (session(ADA), session(GRACE))
    noon: Record = {
        "window": {"from": at("02:00"), "to": at("05:00")},
        "gap_minutes": {"max": 0},
        "lunch": {"from": "12:00", "to": "13:00", "minutes": 60},
    }
    midnight = {"window": {"from": at("13:00"), "to": at("17:00")}, "step_minutes": 60}
    for zones, around_noon, around_midnight in (
        ([], ["02:00", "02:15", "02:30", "02:45", "03:00"], ["13:00", "14:00", "15:00"]),
        (["UTC", "Asia/Tokyo"], ["02:00", "02:15", "02:30", "02:45", "03:00"], ["13:00", "14:00", "15:00"]),
        (["Asia/Tokyo", "UTC"], ["02:00"], ["13:00", "15:00"]),  # where it is 11, 22 and 0 o'clock
    ):
        assert starts(ask(team, *both, time_zones=zones, **noon)) == [at(each) for each in around_noon], zones
        assert starts(ask(team, *both, time_zones=zones, **midnight)) == [at(each) for each in around_midnight], zones


BAD: Final[list[tuple[Record, list[str]]]] = [
    ({"window": {"from": at("10:00"), "to": at("09:00")}}, ["window.to"]),
    ({"window": {"from": "yesterday"}}, ["window.to", "window.from"]),
    ({"window": {"from": "2031-01-01", "to": "2032-01-01"}}, ["window.to"]),
    ({"step_minutes": 0}, ["step_minutes"]),
    ({"time_zones": ["UTC", "Mars/Base"]}, ["time_zones[1]"]),
    ({"application_id": UNKNOWN}, ["application_id"]),
    ({"candidate": {"free": [{"from": at("10:00"), "to": at("09:00")}]}}, ["candidate.free[0].to"]),
    ({"sessions": []}, ["sessions"]),
    ({"sessions": [{"minutes": 60, "seats": []}]}, ["sessions[0].seats"]),
    (
        {"sessions": [{"minutes": 0, "seats": [{"users": [ADA], "pool": 5}]}]},
        ["sessions[0].minutes", "sessions[0].seats[0].pool"],
    ),
    ({"sessions": [{"minutes": 60, "seats": [{}]}]}, ["sessions[0].seats[0]"]),
    ({"sessions": [{"minutes": 60, "seats": [{"users": [NOBODY, ADA]}]}]}, ["sessions[0].seats[0].users[0]"]),
    ({"sessions": [{"minutes": 60, "seats": [{"pool": UNKNOWN}]}]}, ["sessions[0].seats[0].pool"]),
    ({"sessions": [session(ADA, interview_id=UNKNOWN)]}, ["sessions[0].interview_id"]),
    ({"order": "random"}, ["order"]),
    ({"gap_minutes": {"min": 40, "max": 30}}, ["gap_minutes.max"]),
    ({"days": 0}, ["days"]),
    ({"lunch": {"from": "12:00", "to": "13:00", "minutes": 90}}, ["lunch.minutes"]),
    ({"choose": "anyone"}, ["choose"]),
    ({"limit": 5_001}, ["limit"]),
    ({"explain": 1, "repeat_people": "no", "unknown": 1}, ["explain", "repeat_people", "unknown"]),
]


@pytest.mark.parametrize(("change", "fields"), BAD, ids=[str(fields) for _, fields in BAD])
def test_every_bad_field_is_named(team: HiringTeam, change: Record, fields: list[str]) -> None:
    body = {"window": WINDOW, "sessions": [session(ADA)], **change}
    assert refused_fields(team.post(SLOTS, body, user=None)) == fields


def test_the_window_and_the_sessions_are_required(team: HiringTeam) -> None:
    assert errors_of(team.post(SLOTS, {}, user=None)) == {"window": "Is required", "sessions": "Is required"}


def test_a_slot_lies_whole_in_the_window(team: HiringTeam) -> None:
    make_available(team, ADA)
    window = {"from": f"{MONDAY}T10:00:30Z", "to": f"{MONDAY}T12:14:59Z"}
    assert starts(ask(team, session(ADA), window=window)) == [
        at(clock) for clock in ("10:15", "10:30", "10:45", "11:00")
    ]


BUSY: Final[Record] = {"window": WINDOW, "busy": [{"from": at("11:00"), "to": f"{MONDAY}T12:00:01Z"}]}


def push(team: HiringTeam, source: str = "script", **given: Any) -> None:
    path = f"/rowen/v1/users/{ADA}/busy?source={source}"
    accepted(team.send("PUT", path, {**BUSY, **given}))


def test_busy_times_keep_their_buffers_and_take_minutes_whole(team: HiringTeam) -> None:
    make_available(team, ADA, buffer_minutes={"before": 14, "after": 5})
    push(team)
    found = starts(ask(team, session(ADA, minutes=55)))
    assert found[:5] == [at(clock) for clock in ("09:00", "09:15", "09:30", "09:45", "10:00")]
    assert found[5] == at("12:15")


def test_a_person_whose_source_is_too_old_or_does_not_cover_the_window_is_named(team: HiringTeam) -> None:
    make_available(team, ADA)
    push(team, window={"from": at("00:00"), "to": at("10:00")}, busy=[])
    partly = ask(team, session(ADA))
    assert (starts(partly), [each["user_id"] for each in partly["not_offered"]]) == ([at("09:00")], [ADA])
    push(team, "other", window={"from": at("10:00"), "to": f"{MONDAY}T24:00:00Z"}, busy=[])
    whole = ask(team, session(ADA))
    assert (whole["total"], whole["not_offered"]) == (29, [])
    push(team, "other", busy=[], read_at="2026-01-01T00:00:00Z")
    assert starts(ask(team, session(ADA))) == [at("09:00")]
    push(team, read_at="2026-01-01T00:00:00Z", window={"from": at("00:00"), "to": at("10:00")}, busy=[])
    old = ask(team, session(ADA))
    assert old["total"] == 0
    assert "days ago" in old["not_offered"][0]["why"]
    assert old["not_offered"][0]["read_at"] == "2026-01-01T00:00:00.000Z"
    assert old["why_none"] == [{"without": f"missing busy times of Ada Lovelace (user {ADA})", "slots": 29}]


def test_an_address_that_was_not_read_yet_is_not_taken_for_free(team: HiringTeam) -> None:
    make_available(team, ADA)
    path = f"/rowen/v1/users/{ADA}/busy?source=calendar"
    accepted(team.send("PUT", path, {"url": "https://calendar.example/ada.ics"}))
    answer = ask(team, session(ADA))
    assert answer["total"] == 0
    assert answer["not_offered"] == [{"user_id": ADA, "why": "Source calendar has not been read yet", "read_at": None}]


def test_time_off_before_1970_harms_nobody(team: HiringTeam) -> None:
    make_available(team, ADA, time_off=[{"from": "0001-01-01", "to": "0001-01-02"}])
    assert ask(team, session(ADA))["total"] == 29


@pytest.mark.parametrize(
    "window",
    [
        {"from": f"{MONDAY}T09:00:30Z", "to": f"{MONDAY}T09:00:40Z"},
        {"from": f"{MONDAY}T09:00:00.001Z", "to": f"{MONDAY}T09:00:00.002Z"},
    ],
    ids=["seconds", "milliseconds"],
)
def test_a_window_within_a_minute_has_no_slot(team: HiringTeam, window: Record) -> None:
    make_available(team, ADA)
    assert ask(team, session(ADA), window=window)["total"] == 0


def test_nothing_is_planned_in_the_last_years_that_clocks_have(team: HiringTeam) -> None:
    make_available(team, ADA)
    window = {"from": "9999-12-01T00:00:00Z", "to": "9999-12-31T23:59:59Z"}
    answer = team.post(SLOTS, {"window": window, "sessions": [session(ADA)]}, user=None)
    assert refused_fields(answer) == ["window.to"]


def test_a_seat_for_more_than_there_are_is_answered_soon(team: HiringTeam) -> None:
    people = (ADA, GRACE, KATE)
    make_available(team, *people)
    seats = [{"users": [each for each in people if each != left], "count": 100} for left in people]
    answer = ask(team, *[{"minutes": 60, "seats": seats}] * 8)
    assert answer["total"] == 0


def test_a_question_with_too_many_starts_is_refused(team: HiringTeam) -> None:
    people = [
        accepted(
            team.post("/v1/users", {"first_name": "Ann", "last_name": str(number), "email": f"a{number}@example.com"})
        )["id"]
        for number in range(5)
    ]
    seats = [{"users": people}] * 20
    window = {"from": f"{MONDAY}T00:00:00Z", "to": "2031-08-01T00:00:00Z"}
    body = {"window": window, "sessions": [{"minutes": 60, "seats": seats}] * 8, "step_minutes": 1}
    assert refused_fields(team.post(SLOTS, body, user=None)) == ["window"]


def test_public_holidays_are_not_worked(team: HiringTeam) -> None:
    labour_day = {"window": {"from": "2031-05-01T00:00:00Z", "to": "2031-05-02T24:00:00Z"}}
    make_available(team, ADA, holidays="DE")
    assert {start[:10] for start in starts(ask(team, session(ADA), **labour_day))} == {"2031-05-02"}
    make_available(team, ADA)
    assert ask(team, session(ADA), **labour_day)["total"] == 58


def test_time_off_may_be_a_part_of_a_day(team: HiringTeam) -> None:
    make_available(team, ADA, time_off=[{"from": at("08:00"), "to": at("12:00")}])
    assert starts(ask(team, session(ADA)))[0] == at("12:00")


def test_nobody_is_asked_at_shorter_notice_than_they_need(team: HiringTeam) -> None:
    now = datetime.now(UTC)
    window = {"from": now.isoformat(), "to": (now + timedelta(days=3)).isoformat()}
    make_available(team, ADA, working_hours=ALWAYS)
    soon = starts(ask(team, session(ADA), window=window, limit=1))[0]
    make_available(team, ADA, working_hours=ALWAYS, minimum_notice_minutes=24 * 60)
    later = starts(ask(team, session(ADA), window=window, limit=1))[0]
    assert datetime.fromisoformat(soon) < now + timedelta(hours=1)
    assert now + timedelta(days=1) <= datetime.fromisoformat(later) < now + timedelta(days=1, hours=1)


def test_an_organization_may_offer_only_people_with_a_source_of_busy_times(team: HiringTeam) -> None:
    make_available(team, ADA)
    organizations = team.harness.store.organizations
    team.harness.run(organizations.change(team.organization.name, require_busy_source=True))
    answer = ask(team, session(ADA))
    assert answer["total"] == 0
    assert answer["not_offered"] == [{"user_id": ADA, "why": "Has no source of busy times", "read_at": None}]
    push(team, busy=[])
    assert ask(team, session(ADA))["total"] == 29


def test_slots_lie_in_the_times_of_the_candidate(team: HiringTeam) -> None:
    make_available(team, ADA)
    free = [{"from": at("10:00"), "to": at("11:30")}, {"from": at("15:00"), "to": at("16:00")}]
    found = starts(ask(team, session(ADA), candidate={"free": free}))
    assert found == [at(clock) for clock in ("10:00", "10:15", "10:30", "15:00")]


def test_a_room_has_the_site_and_the_features_asked_for(team: HiringTeam) -> None:
    make_available(team, ADA)
    rooms = [
        {"name": "Attic", "site": "Lisbon", "features": ["screen"]},
        {"name": "Cellar", "site": "Lisbon", "features": ["screen", "camera"]},
        {"name": "Hall", "site": "Porto", "features": ["screen", "camera"]},
    ]
    _, cellar, hall = (accepted(team.post("/rowen/v1/rooms", each))["id"] for each in rooms)
    asked = (({"site": "Porto"}, hall), ({"features": ["camera"], "site": "Lisbon"}, cellar))
    for wanted, room in asked:
        answer = ask(team, session(ADA, room=wanted), limit=1)
        assert answer["slots"][0]["sessions"][0]["room_id"] == room, wanted
    assert ask(team, session(ADA, room={"features": ["stage"]}))["total"] == 0


def test_an_optional_seat_stays_empty_if_nobody_can_come(team: HiringTeam) -> None:
    make_available(team, ADA)
    make_available(team, GRACE, time_off=[{"from": at("08:00"), "to": at("12:00")}])
    wanted = {"minutes": 60, "seats": [{"users": [ADA]}, {"users": [GRACE], "optional": True}]}
    slots = ask(team, wanted, step_minutes=60)["slots"]
    people = {slot["start"]: [each["user_id"] for each in slot["sessions"][0]["interviewers"]] for slot in slots}
    assert people[at("11:00")] == [ADA]
    assert people[at("12:00")] == [ADA, GRACE]


def test_fifty_slots_are_named_unless_more_are_asked_for(team: HiringTeam) -> None:
    make_available(team, ADA)
    answer = ask(team, session(ADA), step_minutes=5)
    assert (len(answer["slots"]), answer["total"]) == (50, 85)
    assert len(ask(team, session(ADA), step_minutes=5, limit=5_000)["slots"]) == 85
