"""Rooms: adding, changing and removing them, and that interviews book them by their location (contract section 16)."""

from typing import Any, Final

import httpx
import pytest

from rowen.app.organizations import DoubleBooking
from rowen.store.database import locate
from rowen.wiring import check
from tests.support.hiring_teams import (
    ADA,
    CONFLICTS,
    GRACE,
    INTERVIEWS,
    KATE,
    NOBODY,
    STRICT,
    HiringTeam,
    accepted,
    body,
    errors_of,
    refused_fields,
    seat,
)
from tests.support.records import Record, record

ROOMS: Final = "/rowen/v1/rooms"
TEN: Final = {"start": "2049-03-26T10:00Z", "end": "2049-03-26T11:00Z"}
LATER: Final = {"start": "2049-03-26T10:30Z", "end": "2049-03-26T11:30Z"}
ROOM: Final[Record] = {"name": "Ada's attic", "site": "Lisbon", "capacity": 4, "features": ["video"]}


@pytest.fixture
def strict(team: HiringTeam) -> HiringTeam:
    """Return a team that rejects double bookings."""
    team.change_settings(DoubleBooking.REJECT)
    return team


def new_room(team: HiringTeam, name: str = "Attic", **others: Any) -> int:
    """Add a room, and return its id."""
    identifier: int = accepted(team.post(ROOMS, {"name": name, **others}))["id"]
    return identifier


def in_room(team: HiringTeam, room: str | None, times: Record, user: int = ADA) -> Record:
    """Schedule an interview of one person at a location."""
    return team.schedule(**times, location=room, interviewers=[seat(user)])


def test_a_room_is_added_listed_changed_and_removed(team: HiringTeam) -> None:
    made = accepted(team.post(ROOMS, ROOM))
    assert made == {"id": made["id"], **ROOM}
    path = f"{ROOMS}/{made['id']}"
    assert accepted(team.client.get(path)) == made
    plain = accepted(team.post(ROOMS, {"name": "Cellar"}))
    assert plain == {"id": plain["id"], "name": "Cellar", "site": None, "capacity": None, "features": []}
    assert team.client.get(ROOMS).json() == [made, plain]
    assert team.client.get(ROOMS, params={"name": "Cellar"}).json() == [plain]
    changed = accepted(team.patch(path, {"capacity": 6, "site": None, "features": []}))
    assert changed == {**made, "capacity": 6, "site": None, "features": []}
    gone = accepted(team.delete(path))
    assert gone == {"message": f"Room {made['id']} has been deleted."}
    assert team.client.get(path).status_code == 404
    assert team.delete(path).status_code == 404
    assert team.client.get(ROOMS).json() == [plain]
    assert [each["resource"] for each in team.changes()] == ["rooms"] * 4


@pytest.mark.parametrize(
    ("content", "fields"),
    [
        ({}, ["name"]),
        ({"name": ""}, ["name"]),
        ({"name": "x" * 256}, ["name"]),
        (
            {"name": "x", "capacity": 0, "site": 4, "features": ["", 3]},
            ["capacity", "site", "features[0]", "features[1]"],
        ),
        ({"name": "x", "capacity": True}, ["capacity"]),
        ({"name": "x", "id": 4}, ["id"]),
        ({"name": "x", "features": "video"}, ["features"]),
    ],
)
def test_every_bad_field_is_named(refusing: HiringTeam, content: Record, fields: list[str]) -> None:
    with refusing.unchanged():
        assert refused_fields(refusing.post(ROOMS, content)) == fields


def test_a_write_names_who_acts(team: HiringTeam) -> None:
    path = f"{ROOMS}/{new_room(team)}"
    with team.unchanged():
        assert refused_fields(team.post(ROOMS, ROOM, user=None)) == ["On-Behalf-Of"]
        assert refused_fields(team.patch(path, {"capacity": 3}, user=None)) == ["On-Behalf-Of"]
        assert refused_fields(team.delete(path, user=None)) == ["On-Behalf-Of"]
        assert refused_fields(team.delete(path, user=NOBODY), 404) == ["On-Behalf-Of"]


def test_names_are_unique(team: HiringTeam) -> None:
    first = new_room(team, "Attic")
    second = new_room(team, "Cellar")
    with team.unchanged():
        assert errors_of(team.post(ROOMS, {"name": "Attic"})) == {"name": f"Must be unique (room {first} has it)"}
        answer = team.patch(f"{ROOMS}/{second}", {"name": "Attic"})
        assert errors_of(answer) == {"name": f"Must be unique (room {first} has it)"}
    accepted(team.patch(f"{ROOMS}/{first}", {"name": "Attic"}))
    accepted(team.delete(f"{ROOMS}/{first}"))
    accepted(team.patch(f"{ROOMS}/{second}", {"name": "Attic"}))


def test_a_room_is_in_one_interview_at_a_time(strict: HiringTeam) -> None:
    new_room(strict)
    made = in_room(strict, "Attic", TEN)
    with strict.unchanged():
        answer = strict.post(INTERVIEWS, body(**LATER, location="Attic", interviewers=[seat(GRACE)]))
        assert errors_of(answer, 409) == {"location": f"Overlaps interview {made['id']}"}
        both = strict.post(STRICT, body(**LATER, location="Attic", interviewers=[seat(GRACE), seat(ADA)]))
        assert refused_fields(both, 409) == ["interviewers[1]", "location"]
    other = in_room(strict, "attic", LATER, GRACE)  # no room has exactly that name
    with strict.unchanged():
        moved = strict.patch(f"{INTERVIEWS}/{other['id']}", {"location": "Attic"})
        assert refused_fields(moved, 409) == ["location"]
    strict.change(made["id"], location="elsewhere")
    assert strict.change(other["id"], location="Attic")["location"] == "Attic"
    accepted(strict.delete(f"{STRICT}/{other['id']}"))
    in_room(strict, "Attic", LATER, KATE)


def test_a_room_is_free_when_its_interview_moves(strict: HiringTeam) -> None:
    new_room(strict)
    made = in_room(strict, "Attic", TEN)
    strict.change(made["id"], start="2049-03-27T10:00Z", end="2049-03-27T11:00Z")
    other = in_room(strict, "Attic", LATER, GRACE)
    with strict.unchanged():
        answer = strict.patch(f"{INTERVIEWS}/{made['id']}", TEN)
        assert errors_of(answer, 409) == {"location": f"Overlaps interview {other['id']}"}
    strict.change(made["id"], interviewers=[seat(KATE)])


def test_a_policy_of_warnings_names_the_room_too(team: HiringTeam) -> None:
    team.change_settings(DoubleBooking.WARN)
    new_room(team)
    made = in_room(team, "Attic", TEN)
    answer = team.post(INTERVIEWS, body(**LATER, location="Attic", interviewers=[seat(GRACE)]))
    accepted(answer)
    assert str(made["id"]) in answer.headers["warning"]


def test_a_new_room_is_booked_by_what_is_there(strict: HiringTeam) -> None:
    strict.merge([record(1, start={"date": "2049-03-26"}, end={"date": "2049-03-27"}, location="Attic")])
    made = in_room(strict, "Attic", {"start": "2049-03-28T10:00Z", "end": "2049-03-28T11:00Z"})
    new_room(strict)
    for times, other in ((TEN, 1), ({"start": "2049-03-28T10:30Z", "end": "2049-03-28T11:30Z"}, made["id"])):
        with strict.unchanged():
            answer = strict.post(INTERVIEWS, body(**times, location="Attic", interviewers=[seat(GRACE)]))
            assert errors_of(answer, 409) == {"location": f"Overlaps interview {other}"}


def test_imported_interviews_book_rooms(strict: HiringTeam) -> None:
    new_room(strict)
    times = {"start": {"date": "2049-03-26"}, "end": {"date": "2049-03-27"}}
    strict.merge([record(1, **times, location="Attic", updated_at="2024-01-01T00:00:00.000Z")])
    with strict.unchanged():
        answer = strict.post(INTERVIEWS, body(**TEN, location="Attic", interviewers=[seat(GRACE)]))
        assert errors_of(answer, 409) == {"location": "Overlaps interview 1"}
    strict.merge([record(1, **times, location="Cellar", updated_at="2024-01-02T00:00:00.000Z")])
    in_room(strict, "Attic", TEN, GRACE)


def faults(team: HiringTeam) -> list[str]:
    """Return what `rowen db check` finds in a team's organization: others on the server may have faults by design."""
    own = f"organization {team.organization.id}:"
    return [each for each in check(locate(team.harness.database)) if own in each]


@pytest.mark.slow  # all of the database is checked
def test_a_renamed_room_takes_its_interviews_along(strict: HiringTeam) -> None:
    room = new_room(strict)
    made, past = (
        in_room(strict, "Attic", TEN),
        in_room(strict, "Attic", {"start": "2020-01-06T10:00Z", "end": "2020-01-06T11:00Z"}),
    )
    waiting = in_room(strict, "Loft", {"start": "2049-04-01T10:00Z", "end": "2049-04-01T11:00Z"})
    accepted(strict.patch(f"{ROOMS}/{room}", {"name": "Loft"}))
    assert strict.get(made["id"])["location"] == "Loft"
    assert strict.get(past["id"])["location"] == "Attic"
    for times, other in ((LATER, made), ({"start": "2049-04-01T10:30Z", "end": "2049-04-01T11:30Z"}, waiting)):
        with strict.unchanged():
            answer = strict.post(INTERVIEWS, body(**times, location="Loft", interviewers=[seat(GRACE)]))
            assert errors_of(answer, 409) == {"location": f"Overlaps interview {other['id']}"}
    in_room(strict, "Attic", LATER, GRACE)
    assert not faults(strict)


@pytest.mark.slow
def test_a_removed_room_books_nothing(strict: HiringTeam) -> None:
    room = new_room(strict)
    made = in_room(strict, "Attic", TEN)
    accepted(strict.delete(f"{ROOMS}/{room}"))
    assert strict.get(made["id"])["location"] == "Attic"
    in_room(strict, "Attic", LATER, GRACE)
    assert not faults(strict)


def test_conflicts_of_rooms_are_listed(team: HiringTeam) -> None:
    room = new_room(team)
    ids = [in_room(team, "Attic", TEN)["id"], in_room(team, "Attic", LATER, GRACE)["id"]]
    of_ada = in_room(team, None, LATER)["id"]
    shared = {"start": "2049-03-26T10:30:00.000Z", "end": "2049-03-26T11:00:00.000Z"}
    of_room = {"room": {"id": room, "name": "Attic"}, **shared, "scheduled_interview_ids": ids}
    person = {"user_id": ADA, "name": "Ada Lovelace", "email": "ada@team.example"}
    of_person = {"person": person, **shared, "scheduled_interview_ids": [ids[0], of_ada]}
    assert accepted(team.client.get(CONFLICTS))["conflicts"] == [of_person, of_room]
    assert accepted(team.client.get(CONFLICTS, params={"room_id": room}))["conflicts"] == [of_room]
    assert accepted(team.client.get(CONFLICTS, params={"user_id": ADA}))["conflicts"] == [of_person]
    assert refused_fields(team.client.get(CONFLICTS, params={"room_id": room, "user_id": ADA})) == ["room_id"]


def test_a_room_has_a_calendar(team: HiringTeam) -> None:
    room = new_room(team)
    made, cancelled = in_room(team, "Attic", TEN), in_room(team, "Attic", LATER, GRACE)
    in_room(team, "Cellar", TEN, KATE)
    accepted(team.delete(f"{STRICT}/{cancelled['id']}"))
    calendar = accepted(team.post("/rowen/v1/calendars", {"room_id": room}, user=None))
    assert (calendar["room_id"], calendar["user_id"]) == (room, None)
    text = httpx.get(calendar["url"]).text
    assert "NAME:Interviews: Attic" in text
    assert text.count("BEGIN:VEVENT") == 2
    assert f"-{made['id']}" in text
    assert text.count("STATUS:CANCELLED") == 1
    unknown = team.post("/rowen/v1/calendars", {"room_id": 987_654_321}, user=None)
    assert errors_of(unknown) == {"room_id": "Must be the id of a room"}
