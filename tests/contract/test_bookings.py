"""Booking the sessions of a slot: `POST /rowen/v1/bookings` (contract section 17)."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from rowen.app.organizations import DoubleBooking
from tests.support.hiring_teams import (
    ACTIVE,
    ADA,
    GRACE,
    KATE,
    NOBODY,
    OTHER_ACTIVE,
    REJECTED,
    STAGE_INTERVIEW,
    UNKNOWN,
    HiringTeam,
    accepted,
    body,
    errors_of,
    guest,
    refused_fields,
    seat,
)
from tests.support.planning_people import ALWAYS, WINDOW, at, make_available
from tests.support.records import Record

BOOKINGS: Final = "/rowen/v1/bookings"


def session(start: str, end: str, *users: int, **given: Any) -> Record:
    return {"start": at(start), "end": at(end), "interviewers": [{"user_id": each} for each in users], **given}


def booking(*sessions: Record, **given: Any) -> Record:
    return {"application_id": ACTIVE, "sessions": sessions, **given}


def test_a_slot_is_booked_as_it_was_returned(team: HiringTeam) -> None:
    make_available(team, ADA, GRACE)
    room = accepted(team.post("/rowen/v1/rooms", {"name": "Attic", "capacity": 4}))["id"]
    asked = {
        "window": WINDOW,
        "application_id": ACTIVE,
        "sessions": [
            {"name": "Talk", "minutes": 60, "interview_id": STAGE_INTERVIEW, "seats": [{"users": [ADA]}], "room": {}},
            {"minutes": 45, "seats": [{"users": [GRACE]}]},
        ],
    }
    slot = accepted(team.post("/rowen/v1/slots", asked, user=None))["slots"][0]
    made = accepted(team.post(BOOKINGS, {"application_id": ACTIVE, **slot}))
    assert list(made) == ["scheduled_interviews"]
    first, second = made["scheduled_interviews"]
    assert team.get(first["id"]) == first
    assert (first["application_id"], first["interview"]["id"], first["location"]) == (ACTIVE, STAGE_INTERVIEW, "Attic")
    assert (first["start"], first["end"]) == ({"date_time": at("09:00")}, {"date_time": at("10:00")})
    assert [(each["id"], each["response_status"]) for each in first["interviewers"]] == [(ADA, "needs_action")]
    assert (second["interview"], second["location"], second["organizer"]["id"]) == (None, None, ADA)
    assert slot["sessions"][0]["room_id"] == room
    assert accepted(team.post("/rowen/v1/slots", asked, user=None))["slots"][0]["start"] == at("10:45")


def test_a_booking_is_made_completely_or_not_at_all(team: HiringTeam) -> None:
    make_available(team, ADA, GRACE)
    taken = booking(session("09:00", "10:00", ADA))
    accepted(team.post(BOOKINGS, {**taken, "application_id": OTHER_ACTIVE}))
    with team.unchanged():
        both = booking(session("10:00", "11:00", GRACE), session("09:30", "10:30", GRACE, ADA))
        assert errors_of(team.post(BOOKINGS, both), 409) == {
            "sessions[1]": "The candidate has another interview at this time",
            "sessions[1].interviewers[0]": "Has another interview at this time",
            "sessions[1].interviewers[1]": "Has another interview at this time",
        }


def test_what_slots_obey_bookings_obey(team: HiringTeam) -> None:
    make_available(team, ADA, buffer_minutes={"before": 7, "after": 10}, limits={"per_day": 2})
    accepted(team.post(BOOKINGS, booking(session("10:00", "11:00", ADA))))
    for times, message in (
        (("08:30", "09:30"), "Does not work at this time"),
        (("11:09", "12:00"), "Needs 10 minutes between two interviews"),
        (("10:59", "12:00"), "Has another interview at this time"),
    ):
        asked = {**booking(session(*times, ADA)), "application_id": OTHER_ACTIVE}
        assert errors_of(team.post(BOOKINGS, asked), 409) == {"sessions[0].interviewers[0]": message}
    asked = {**booking(session("11:10", "12:00", ADA), session("14:00", "15:00", ADA)), "application_id": OTHER_ACTIVE}
    assert errors_of(team.post(BOOKINGS, asked), 409) == {
        "sessions[1].interviewers[0]": "Has as many interviews as allowed in that day or week"
    }
    without = booking(session("14:00", "15:00", GRACE))
    assert errors_of(team.post(BOOKINGS, without), 409) == {
        "sessions[0].interviewers[0]": "Is not offered at this time: Has no availability"
    }


def test_the_limit_of_a_week_counts_interviews_on_days_far_from_the_booking(team: HiringTeam) -> None:
    make_available(team, ADA, limits={"per_week": 1})
    monday, friday, following = "2031-02-03", "2031-02-07", "2031-02-10"

    def on(day: str) -> Record:
        return {"start": at("10:00", day), "end": at("11:00", day), "interviewers": [{"user_id": ADA}]}

    accepted(team.post(BOOKINGS, booking(on(friday))))
    asked = {**booking(on(monday)), "application_id": OTHER_ACTIVE}
    message = "Has as many interviews as allowed in that day or week"
    assert errors_of(team.post(BOOKINGS, asked), 409) == {"sessions[0].interviewers[0]": message}
    accepted(team.post(BOOKINGS, {**booking(on(following)), "application_id": OTHER_ACTIVE}))


def test_a_week_of_limits_begins_on_monday_in_the_zone_of_the_person(team: HiringTeam) -> None:
    make_available(team, ADA, time_zone="Asia/Tokyo", working_hours=ALWAYS, limits={"per_week": 1})
    accepted(team.post(BOOKINGS, booking(session("10:00", "11:00", ADA))))
    sunday = "2031-02-02"  # in Tokyo Monday begins at 15:00 of it

    def on_sunday(start: str, end: str) -> Record:
        held = {"start": at(start, sunday), "end": at(end, sunday), "interviewers": [{"user_id": ADA}]}
        return {**booking(held), "application_id": OTHER_ACTIVE}

    assert refused_fields(team.post(BOOKINGS, on_sunday("15:00", "16:00")), 409) == ["sessions[0].interviewers[0]"]
    accepted(team.post(BOOKINGS, on_sunday("14:00", "15:00")))


def test_notice_is_kept_to_the_minute(team: HiringTeam) -> None:
    make_available(team, ADA, working_hours=ALWAYS, minimum_notice_minutes=24 * 60)
    now = datetime.now(UTC).replace(second=0, microsecond=0)

    def starting(minutes: int) -> Record:
        start = now + timedelta(days=1, minutes=minutes)
        times = {"start": start.isoformat(), "end": (start + timedelta(hours=1)).isoformat()}
        return booking({**times, "interviewers": [{"user_id": ADA}]})

    for asked in (starting(-1), starting(0)):  # a minute that has begun is too late
        assert refused_fields(team.post(BOOKINGS, asked), 409) == ["sessions[0].interviewers[0]"]
    accepted(team.post(BOOKINGS, starting(2)))


def test_limits_hours_buffers_and_notice_stop_no_write_of_harvest(team: HiringTeam) -> None:
    rules = {"limits": {"per_day": 1}, "buffer_minutes": {"before": 30, "after": 30}, "working_hours": {}}
    make_available(team, ADA, minimum_notice_minutes=366 * 24 * 60, **rules)
    day = f"{datetime.now(UTC) + timedelta(days=2):%Y-%m-%d}"
    team.schedule(start=at("10:00", day), end=at("11:00", day))
    second = team.schedule(start=at("11:00", day), end=at("12:00", day), application_id=OTHER_ACTIVE)
    team.change(second["id"], start=at("11:15", day), end=at("12:00", day))
    of_application = f"/v1/applications/{OTHER_ACTIVE}/scheduled_interviews"
    third = accepted(team.post(of_application, body(start=at("12:00", day), end=at("13:00", day), application_id=...)))
    asked = booking({"start": at("15:00", day), "end": at("16:00", day), "interviewers": [{"user_id": ADA}]})
    assert refused_fields(team.post(BOOKINGS, asked), 409) == ["sessions[0].interviewers[0]"]
    assert third["interviewers"][0]["id"] == ADA


def test_force_goes_against_hours_limits_and_buffers_but_never_against_interviews(team: HiringTeam) -> None:
    make_available(team, ADA, buffer_minutes={"before": 30, "after": 30}, limits={"per_day": 1})
    accepted(team.post(BOOKINGS, booking(session("10:00", "11:00", ADA))))
    late = booking(session("18:00", "19:00", ADA, GRACE), force=True)
    accepted(team.post(BOOKINGS, late))
    again = {**booking(session("10:30", "11:30", ADA), force=True), "application_id": OTHER_ACTIVE}
    assert refused_fields(team.post(BOOKINGS, again), 409) == ["sessions[0].interviewers[0]"]
    limited = team.new_key("bookings:create")
    with team.harness.server.client(limited) as client:
        refused = client.post(BOOKINGS, json=late, headers={"On-Behalf-Of": str(ADA)})
    assert refused.status_code == 403


def test_rooms_and_the_candidate_are_checked(team: HiringTeam) -> None:
    make_available(team, ADA, GRACE)
    room = accepted(team.post("/rowen/v1/rooms", {"name": "Attic"}))["id"]
    team.schedule(interviewers=[seat(GRACE)], start=at("09:00"), end=at("10:00"), location="Attic")
    asked = booking(session("09:30", "10:30", ADA, room_id=room))
    assert refused_fields(team.post(BOOKINGS, asked), 409) == ["sessions[0]", "sessions[0].room_id"]


def test_every_bad_field_is_named(team: HiringTeam) -> None:
    make_available(team, ADA)
    good = session("09:00", "10:00", ADA)
    for asked, fields in (
        ({}, ["application_id", "sessions"]),
        (booking(), ["sessions"]),
        (booking(good, session("11:00", "10:00", ADA)), ["sessions[1].end"]),
        (
            booking({**good, "start": "9999-12-31T22:00:00Z", "end": "9999-12-31T23:00:00Z"}),
            ["sessions[0].end"],
        ),
        (
            booking(session("09:00", "10:00", NOBODY, ADA, ADA)),
            [f"sessions[0].interviewers[{n}].user_id" for n in (0, 2)],
        ),
        (
            booking({**good, "room_id": UNKNOWN, "interview_id": UNKNOWN}),
            ["sessions[0].interview_id", "sessions[0].room_id"],
        ),
        ({**booking(good), "application_id": REJECTED}, ["application_id"]),
        ({**booking(good), "application_id": UNKNOWN, "extra": 1}, ["extra", "application_id"]),
    ):
        assert refused_fields(team.post(BOOKINGS, asked)) == fields
    assert refused_fields(team.post(BOOKINGS, booking(good), user=None)) == ["On-Behalf-Of"]
    assert refused_fields(team.post(BOOKINGS, booking(good), user=NOBODY), 404) == ["On-Behalf-Of"]


def test_a_repeated_booking_with_a_key_is_made_once(team: HiringTeam) -> None:
    make_available(team, ADA)
    asked = booking(session("09:00", "10:00", ADA))
    first, second = (team.post(BOOKINGS, asked, Idempotency_Key="booking 1") for _ in range(2))
    assert accepted(first) == accepted(second)


def test_a_loop_is_rescheduled_as_a_whole_and_keeps_its_people(team: HiringTeam) -> None:
    make_available(team, ADA, GRACE, KATE)
    booked = accepted(team.post(BOOKINGS, booking(session("09:00", "10:00", GRACE), session("10:00", "11:00", KATE))))
    ids = [each["id"] for each in booked["scheduled_interviews"]]
    anyone = {"minutes": 60, "seats": [{"users": [ADA, GRACE, KATE]}]}
    window = {"from": at("09:00"), "to": at("15:00")}
    asked = {"window": window, "application_id": ACTIVE, "sessions": [anyone, anyone], "reschedule": ids}
    slots = accepted(team.post("/rowen/v1/slots", asked, user=None))["slots"]
    assert slots[0]["start"] == at("09:00")  # the interviews that are moved take no time
    for slot in slots:
        people = {each["user_id"] for held in slot["sessions"] for each in held["interviewers"]}
        assert people == {GRACE, KATE}
    sessions = [{**held, "scheduled_interview_id": each} for held, each in zip(slots[-1]["sessions"], ids, strict=True)]
    moved = accepted(team.post(BOOKINGS, booking(*sessions)))["scheduled_interviews"]
    assert [each["id"] for each in moved] == ids
    assert moved[0]["start"]["date_time"] == slots[-1]["start"]
    foreign = {**booking(*sessions), "application_id": OTHER_ACTIVE}
    assert refused_fields(team.post(BOOKINGS, foreign)) == [
        f"sessions[{place}].scheduled_interview_id" for place in (0, 1)
    ]
    assert refused_fields(team.post("/rowen/v1/slots", {**asked, "application_id": OTHER_ACTIVE})) == [
        "reschedule[0]",
        "reschedule[1]",
    ]


def test_an_interview_that_is_moved_without_naming_a_room_keeps_its_room_or_the_409_names_it(team: HiringTeam) -> None:
    make_available(team, ADA, GRACE)
    attic = accepted(team.post("/rowen/v1/rooms", {"name": "Attic"}))["id"]
    accepted(team.post("/rowen/v1/rooms", {"name": "Cellar"}))
    booked = accepted(team.post(BOOKINGS, booking(session("09:00", "10:00", ADA, room_id=attic))))
    one = booked["scheduled_interviews"][0]["id"]
    team.schedule(
        application_id=OTHER_ACTIVE, interviewers=[seat(GRACE)], start=at("11:00"), end=at("12:00"), location="Attic"
    )
    taken = booking(session("11:30", "12:30", ADA, scheduled_interview_id=one, room_id=None))
    for path in (BOOKINGS, "/rowen/v1/holds"):
        assert errors_of(team.post(path, taken), 409) == {"sessions[0].room_id": "Attic is taken at this time"}
    sessions = [{"minutes": 60, "seats": [{"users": [ADA]}]}]
    asked = {"window": WINDOW, "application_id": ACTIVE, "sessions": sessions, "reschedule": [one]}
    slots = accepted(team.post("/rowen/v1/slots", asked, user=None))["slots"]
    assert {each["sessions"][0]["room_id"] for each in slots} == {attic}
    starts = [each["start"] for each in slots]
    assert at("10:00") in starts
    assert not {at("10:15"), at("11:30"), at("11:45")} & {*starts}
    moved = accepted(team.post(BOOKINGS, booking(session("10:00", "11:00", ADA, scheduled_interview_id=one))))
    assert moved["scheduled_interviews"][0]["location"] == "Attic"
    team.change(one, location="Lobby")
    moved = accepted(team.post(BOOKINGS, booking(session("11:30", "12:30", ADA, scheduled_interview_id=one))))
    assert moved["scheduled_interviews"][0]["location"] == "Lobby"  # which is no room


def test_a_loop_moves_by_half_an_hour_where_double_bookings_are_rejected(team: HiringTeam) -> None:
    """Its interviews overlap with where the others were before."""
    team.change_settings(DoubleBooking.REJECT)
    make_available(team, ADA)
    room = accepted(team.post("/rowen/v1/rooms", {"name": "Attic"}))["id"]
    booked = accepted(
        team.post(
            BOOKINGS,
            booking(session("09:00", "10:00", ADA, room_id=room), session("10:00", "11:00", ADA, room_id=room)),
        )
    )
    one, other = (each["id"] for each in booked["scheduled_interviews"])
    later = booking(
        session("09:30", "10:30", ADA, scheduled_interview_id=one),
        session("10:30", "11:30", ADA, scheduled_interview_id=other),
    )
    moved = accepted(team.post(BOOKINGS, later))["scheduled_interviews"]
    assert [(each["id"], each["start"]["date_time"]) for each in moved] == [(one, at("09:30")), (other, at("10:30"))]


def new_user(team: HiringTeam, email: str) -> int:
    made = {"first_name": "New", "last_name": "Comer", "email": email}
    return int(accepted(team.post("/v1/users", made))["id"])


def test_a_guest_whose_address_became_a_users_is_checked_as_that_user(team: HiringTeam) -> None:
    team.change_settings(DoubleBooking.ALLOW)
    make_available(team, ADA, GRACE)
    address = "Later@example.com"
    one = team.schedule(start=at("09:00"), end=at("10:00"), interviewers=[seat(ADA), guest(address)])["id"]
    user = new_user(team, address)
    team.schedule(
        application_id=OTHER_ACTIVE, interviewers=[seat(GRACE), seat(user)], start=at("14:00"), end=at("15:00")
    )

    def refusal(start: str, end: str) -> dict[str, str]:
        return errors_of(team.post(BOOKINGS, booking(session(start, end, ADA, scheduled_interview_id=one))), 409)

    busy = {"sessions[0]": f"The guest {address} has another interview at this time"}
    assert refusal("14:30", "15:30") == busy
    moved = accepted(team.post(BOOKINGS, booking(session("13:00", "14:00", ADA, scheduled_interview_id=one))))
    assert [each["id"] for each in moved["scheduled_interviews"][0]["interviewers"]] == [ADA, user]


def test_a_guest_who_became_a_user_with_availability_obeys_it(team: HiringTeam) -> None:
    make_available(team, ADA)
    address = "later@example.com"
    one = team.schedule(start=at("09:00"), end=at("10:00"), interviewers=[seat(ADA), guest(address)])["id"]
    user = new_user(team, address)
    make_available(team, user, working_hours={"monday": [{"from": "09:00", "to": "12:00"}]})
    asked = booking(session("14:00", "15:00", ADA, scheduled_interview_id=one))
    with team.unchanged():
        refused = errors_of(team.post(BOOKINGS, asked), 409)
    assert refused == {"sessions[0]": f"The guest {address} does not work at this time"}
    both = booking(session("10:00", "11:00", user, ADA, scheduled_interview_id=one))
    (moved,) = accepted(team.post(BOOKINGS, both))["scheduled_interviews"]
    assert [each["id"] for each in moved["interviewers"]] == [user, ADA], "who has a seat is no guest"


def test_an_interview_that_is_moved_keeps_its_guests_and_the_answers_of_those_who_stay(team: HiringTeam) -> None:
    make_available(team, ADA, GRACE, KATE)
    panel = [seat(ADA, "accepted"), seat(GRACE, "declined"), guest("guest@example.com", "accepted", name="Guest")]
    one = team.schedule(start=at("09:00"), end=at("10:00"), interviewers=panel)["id"]

    def answers(start: str, end: str, *users: int) -> list[tuple[int | None, str]]:
        asked = booking(session(start, end, *users, scheduled_interview_id=one))
        (moved,) = accepted(team.post(BOOKINGS, asked))["scheduled_interviews"]
        assert moved["interviewers"][-1]["email"] == "guest@example.com"
        return [(each["id"], each["response_status"]) for each in moved["interviewers"]]

    assert answers("09:00", "10:00", ADA, KATE) == [(ADA, "accepted"), (KATE, "needs_action"), (None, "accepted")]
    assert answers("09:00", "10:00", ADA, GRACE)[1] == (GRACE, "needs_action")
    assert answers("11:00", "12:00", ADA, KATE) == [(each, "needs_action") for each in (ADA, KATE, None)]


@pytest.mark.parametrize("policy", DoubleBooking)
def test_a_move_books_no_guest_twice_but_a_loop_may_move_with_its_guest(
    team: HiringTeam, policy: DoubleBooking
) -> None:
    team.change_settings(policy)
    make_available(team, ADA, GRACE)
    shared = guest("Guest@example.com", name="Guest")
    other = {"application_id": OTHER_ACTIVE, "interviewers": [seat(GRACE), shared]}
    team.schedule(start=at("14:00"), end=at("15:00"), **other)
    panel = [seat(ADA), shared]
    one, two = (
        team.schedule(start=at(start), end=at(end), interviewers=panel)["id"]
        for start, end in (("09:00", "10:00"), ("10:00", "11:00"))
    )
    taken = booking(session("14:30", "15:30", ADA, scheduled_interview_id=one))
    message = "The guest Guest@example.com has another interview at this time"
    with team.unchanged():
        for path in (BOOKINGS, "/rowen/v1/holds"):
            assert errors_of(team.post(path, taken), 409) == {"sessions[0]": message}
    later = booking(
        session("09:30", "10:30", ADA, scheduled_interview_id=one),
        session("10:30", "11:30", ADA, scheduled_interview_id=two),
    )
    moved = accepted(team.post(BOOKINGS, later))["scheduled_interviews"]
    assert [each["start"]["date_time"] for each in moved] == [at("09:30"), at("10:30")]
