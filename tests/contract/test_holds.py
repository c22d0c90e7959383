"""Holding slots: `/rowen/v1/holds` (contract section 17)."""

from typing import Any, Final

from tests.support.hiring_teams import (
    ACTIVE,
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
from tests.support.planning_people import WINDOW, at, make_available
from tests.support.records import Record

HOLDS: Final = "/rowen/v1/holds"
BOOKINGS: Final = "/rowen/v1/bookings"


def wanted(*users: int, start: str = "09:00", end: str = "10:00", **given: Any) -> Record:
    people = [{"user_id": each} for each in users]
    return {
        "application_id": ACTIVE,
        "sessions": [{"start": at(start), "end": at(end), "interviewers": people}],
        **given,
    }


def first_start(team: HiringTeam, **given: Any) -> str:
    """Return the first start of an hour with Ada."""
    asked = {"window": WINDOW, "sessions": [{"minutes": 60, "seats": [{"users": [ADA]}]}], **given}
    start: str = accepted(team.post("/rowen/v1/slots", asked, user=None))["slots"][0]["start"]
    return start


def test_a_hold_is_made_listed_and_removed(team: HiringTeam) -> None:
    make_available(team, ADA)
    made = accepted(team.post(HOLDS, wanted(ADA, minutes=60)))
    assert made == {
        "id": made["id"],
        "application_id": ACTIVE,
        "sessions": [
            {
                "interview_id": None,
                "start": at("09:00"),
                "end": at("10:00"),
                "interviewers": [{"user_id": ADA}],
                "room_id": None,
            }
        ],
        "created_at": made["created_at"],
        "expires_at": made["expires_at"],
    }
    assert team.client.get(HOLDS).json() == [made]
    assert first_start(team) == at("10:00")
    path = f"{HOLDS}/{made['id']}"
    assert refused_fields(team.delete(path, user=None)) == ["On-Behalf-Of"]
    assert accepted(team.delete(path)) == {"message": f"Hold {made['id']} has been deleted."}
    assert team.delete(path).status_code == 404
    assert team.client.get(HOLDS).json() == []
    assert first_start(team) == at("09:00")


def test_a_hold_keeps_people_and_rooms_from_others_and_counts_for_limits(team: HiringTeam) -> None:
    make_available(team, ADA, GRACE, limits={"per_day": 1})
    room = accepted(team.post("/rowen/v1/rooms", {"name": "Attic"}))["id"]
    held = wanted(ADA)
    held["sessions"][0]["room_id"] = room
    accepted(team.post(HOLDS, {**held, "minutes": 5}))
    others = {**held, "application_id": OTHER_ACTIVE}
    for path in (HOLDS, BOOKINGS):
        assert errors_of(team.post(path, others), 409) == {
            "sessions[0].room_id": "Attic is taken at this time",
            "sessions[0].interviewers[0]": "Has another interview at this time",
        }
    later = {**wanted(ADA, start="12:00", end="13:00"), "application_id": OTHER_ACTIVE}
    assert refused_fields(team.post(BOOKINGS, later), 409) == ["sessions[0].interviewers[0]"]  # the limit of the day


def test_a_hold_does_not_keep_a_slot_from_its_own_application_and_is_used_up_by_the_booking(team: HiringTeam) -> None:
    make_available(team, ADA)
    accepted(team.post(HOLDS, wanted(ADA)))
    assert first_start(team, application_id=ACTIVE) == at("09:00")
    assert first_start(team, application_id=OTHER_ACTIVE) == at("10:00")
    accepted(team.post(BOOKINGS, wanted(ADA)))
    assert team.client.get(HOLDS).json() == []


def test_every_bad_field_of_a_hold_is_named(team: HiringTeam) -> None:
    make_available(team, ADA)
    assert refused_fields(team.post(HOLDS, {})) == ["application_id", "sessions"]
    assert refused_fields(team.post(HOLDS, wanted(ADA, minutes=0))) == ["minutes"]
    assert refused_fields(team.post(HOLDS, {**wanted(NOBODY), "application_id": UNKNOWN})) == [
        "application_id",
        "sessions[0].interviewers[0].user_id",
    ]
