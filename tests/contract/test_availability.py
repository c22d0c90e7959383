"""The availability of users, and pools (contract section 16)."""

from typing import Any, Final

import httpx
import pytest

from tests.support.command import rowen
from tests.support.hiring_teams import (
    ADA,
    GRACE,
    KATE,
    NOBODY,
    STAGE,
    STAGE_INTERVIEW,
    UNKNOWN,
    HiringTeam,
    accepted,
    errors_of,
    refused_fields,
)
from tests.support.records import Record

POOLS: Final = "/rowen/v1/pools"
WHOLE: Final[Record] = {
    "time_zone": "Europe/Berlin",
    "working_hours": {
        "monday": [{"from": "09:00", "to": "12:00"}, {"from": "12:00", "to": "24:00"}],
        "sunday": [{"from": "00:00", "to": "00:01"}],
    },
    "buffer_minutes": {"before": 7, "after": 15},
    "limits": {"per_day": 3, "per_week": 10},
    "minimum_notice_minutes": 120,
    "holidays": "DE-BY",
    "time_off": [
        {"from": "2031-02-03", "to": "2031-02-05"},
        {"from": "2031-03-03T09:00:00.000Z", "to": "2031-03-03T10:30:00.000Z"},
    ],
}


def path_of(user: int) -> str:
    """Return the address of a user's availability."""
    return f"/rowen/v1/users/{user}/availability"


def put(team: HiringTeam, content: Any, user: int = ADA, by: int | None = ADA, **headers: str) -> httpx.Response:
    """Put the availability of a user."""
    return team.send("PUT", path_of(user), content, by, **headers)


def test_what_was_put_is_returned(team: HiringTeam) -> None:
    assert team.client.get(path_of(ADA)).status_code == 404
    assert accepted(put(team, WHOLE)) == WHOLE
    assert accepted(team.client.get(path_of(ADA))) == WHOLE
    assert team.client.get(path_of(GRACE)).status_code == 404


def test_everything_but_the_zone_and_the_hours_has_a_default(team: HiringTeam) -> None:
    found = accepted(put(team, {"time_zone": "UTC", "working_hours": {}}))
    assert found == {
        "time_zone": "UTC",
        "working_hours": {},
        "buffer_minutes": {"before": 0, "after": 0},
        "limits": {"per_day": None, "per_week": None},
        "minimum_notice_minutes": 0,
        "holidays": None,
        "time_off": [],
    }
    put(team, WHOLE)
    assert accepted(put(team, {"time_zone": "UTC", "working_hours": {}})) == found


def test_times_off_are_returned_in_utc(team: HiringTeam) -> None:
    off = {"from": "2031-03-03T10:00+01:00", "to": "2031-03-03T11:00:00Z"}
    found = accepted(put(team, {**WHOLE, "time_off": [off]}))
    assert found["time_off"] == [{"from": "2031-03-03T09:00:00.000Z", "to": "2031-03-03T11:00:00.000Z"}]


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"time_zone": "Europe/Atlantis"}, ["time_zone"]),
        ({"time_zone": "../../etc/passwd"}, ["time_zone"]),
        ({"time_zone": "Europe"}, ["time_zone"]),
        ({"time_zone": ""}, ["time_zone"]),
        ({"working_hours": {"funday": []}}, ["working_hours.funday"]),
        ({"working_hours": {"monday": [{"from": "9:00", "to": "17:00"}]}}, ["working_hours.monday[0].from"]),
        ({"working_hours": {"monday": [{"from": "09:00", "to": "24:01"}]}}, ["working_hours.monday[0].to"]),
        ({"working_hours": {"monday": [{"from": "17:00", "to": "09:00"}]}}, ["working_hours.monday[0].to"]),
        ({"working_hours": {"monday": [{"from": "17:00", "to": "17:00"}]}}, ["working_hours.monday[0].to"]),
        ({"working_hours": {"monday": [{"from": "17:00"}]}}, ["working_hours.monday[0].to"]),
        ({"working_hours": {"monday": {"from": "09:00", "to": "17:00"}}}, ["working_hours.monday"]),
        (
            {"working_hours": {"monday": [{"from": "12:00", "to": "17:00"}, {"from": "09:00", "to": "12:01"}]}},
            ["working_hours.monday[0]"],
        ),
        ({"buffer_minutes": {"before": -1, "after": 1441}}, ["buffer_minutes.before", "buffer_minutes.after"]),
        ({"limits": {"per_day": "3", "per_month": 4}}, ["limits.per_day", "limits.per_month"]),
        ({"minimum_notice_minutes": 1.5}, ["minimum_notice_minutes"]),
        ({"holidays": "XX"}, ["holidays"]),
        ({"holidays": "DE-XX"}, ["holidays"]),
        ({"holidays": "Germany"}, ["holidays"]),
        ({"time_off": [{"from": "2031-02-05", "to": "2031-02-05"}]}, ["time_off[0].to"]),
        ({"time_off": [{"from": "2031-02-30", "to": "2031-02-05"}]}, ["time_off[0].from"]),
        ({"time_off": [{"from": "2031-02-03", "to": "2031-02-05T00:00Z"}]}, ["time_off[0].to"]),
        ({"time_off": [{"from": "2031-02-03T01:00Z", "to": "2031-02-03T00:00Z"}]}, ["time_off[0].to"]),
        ({"user_id": 4}, ["user_id"]),
    ],
)
def test_every_bad_field_is_named(refusing: HiringTeam, changes: Record, fields: list[str]) -> None:
    with refusing.unchanged():
        assert refused_fields(put(refusing, {**WHOLE, **changes})) == fields


def test_the_zone_and_the_hours_are_required(refusing: HiringTeam) -> None:
    with refusing.unchanged():
        assert refused_fields(put(refusing, {})) == ["time_zone", "working_hours"]
        assert refused_fields(put(refusing, WHOLE, by=None)) == ["On-Behalf-Of"]
        assert refused_fields(put(refusing, WHOLE, by=NOBODY), 404) == ["On-Behalf-Of"]
        assert put(refusing, WHOLE, user=UNKNOWN).status_code == 404


def test_a_write_of_a_known_version_only(team: HiringTeam) -> None:
    tag = put(team, WHOLE).headers["etag"]
    changed = {**WHOLE, "holidays": None}
    assert put(team, changed, If_Match='"other"').status_code == 412
    accepted(put(team, changed, If_Match=tag))
    assert team.client.get(path_of(ADA), headers={"If-None-Match": tag}).status_code == 200


def test_a_change_is_in_the_feed_once(team: HiringTeam) -> None:
    put(team, WHOLE)
    put(team, WHOLE)
    put(team, {**WHOLE, "holidays": None})
    first, second = team.changes()
    assert (first["resource"], second["resource"]) == ("availability", "availability")
    assert [each["field"] for each in second["fields"]] == [f"{ADA}.holidays"]


# --- pools


def test_a_pool_is_added_listed_changed_and_removed(team: HiringTeam) -> None:
    members = [{"user_id": ADA, "weight": 2, "tags": ["senior", "python", "senior"]}, {"user_id": GRACE}]
    made = accepted(team.post(POOLS, {"name": "Backend", "members": members}))
    assert made == {
        "id": made["id"],
        "name": "Backend",
        "members": [
            {"user_id": ADA, "weight": 2, "tags": ["senior", "python"]},
            {"user_id": GRACE, "weight": 1, "tags": []},
        ],
        "interviews": [],
    }
    path = f"{POOLS}/{made['id']}"
    assert accepted(team.client.get(path)) == made
    empty = accepted(team.post(POOLS, {"name": "Backend"}))
    assert empty["members"] == []
    assert team.client.get(POOLS).json() == [made, empty]
    assert team.client.get(POOLS, params={"name": "Frontend"}).json() == []
    changed = accepted(team.patch(path, {"members": [{"user_id": KATE}]}))
    assert changed == {**made, "members": [{"user_id": KATE, "weight": 1, "tags": []}]}
    assert accepted(team.patch(path, {"name": "Front"})) == {**changed, "name": "Front"}
    assert accepted(team.delete(path)) == {"message": f"Pool {made['id']} has been deleted."}
    assert team.client.get(path).status_code == 404


@pytest.mark.parametrize(
    ("content", "fields"),
    [
        ({}, ["name"]),
        ({"name": "x", "members": [{}]}, ["members[0].user_id"]),
        ({"name": "x", "members": [{"user_id": ADA}, {"user_id": UNKNOWN}]}, ["members[1].user_id"]),
        ({"name": "x", "members": [{"user_id": ADA}, {"user_id": ADA}]}, ["members[1].user_id"]),
        ({"name": "x", "members": [{"user_id": ADA, "weight": 0}]}, ["members[0].weight"]),
        ({"name": "x", "members": [{"user_id": ADA, "tags": [""]}]}, ["members[0].tags[0]"]),
        ({"name": "x", "members": [4]}, ["members[0]"]),
        ({"name": "x", "people": []}, ["people"]),
        ({"name": "x", "interviews": [{"count": 1}, 4]}, ["interviews[0].interview_id", "interviews[1]"]),
        ({"name": "x", "interviews": [{"interview_id": UNKNOWN}]}, ["interviews[0].interview_id"]),
        ({"name": "x", "interviews": [{"interview_id": STAGE_INTERVIEW}] * 2}, ["interviews[1].interview_id"]),
        ({"name": "x", "interviews": [{"interview_id": STAGE_INTERVIEW, "count": 0}]}, ["interviews[0].count"]),
        ({"name": "x", "interviews": [{"interview_id": STAGE_INTERVIEW, "count": 11}]}, ["interviews[0].count"]),
    ],
)
def test_every_bad_field_of_a_pool_is_named(refusing: HiringTeam, content: Record, fields: list[str]) -> None:
    with refusing.unchanged():
        assert refused_fields(refusing.post(POOLS, content)) == fields
        assert refused_fields(refusing.post(POOLS, {"name": "x"}, user=None)) == ["On-Behalf-Of"]


def test_a_pool_names_the_interviews_whose_seats_it_fills(team: HiringTeam) -> None:
    made = accepted(team.post(POOLS, {"name": "Backend", "interviews": [{"interview_id": STAGE_INTERVIEW}]}))
    assert made["interviews"] == [{"interview_id": STAGE_INTERVIEW, "count": 1}]
    path = f"{POOLS}/{made['id']}"
    several = [{"interview_id": STAGE_INTERVIEW, "count": 2}]
    assert accepted(team.patch(path, {"interviews": several}))["interviews"] == several
    assert accepted(team.patch(path, {"name": "Front"}))["interviews"] == several
    assert accepted(team.client.get(path))["interviews"] == several
    assert [each["field"] for each in team.changes()[1]["fields"]] == [f"{made['id']}.interviews"]


def test_an_interview_that_has_left_its_plan_does_not_block_its_pool(team: HiringTeam) -> None:
    made = accepted(team.post(POOLS, {"name": "Backend", "interviews": [{"interview_id": STAGE_INTERVIEW}]}))
    accepted(team.patch(f"/rowen/v1/job_stages/{STAGE['id']}", {"interviews": []}))
    kept = [{"interview_id": STAGE_INTERVIEW, "count": 3}]
    assert accepted(team.patch(f"{POOLS}/{made['id']}", {"interviews": kept}))["interviews"] == kept
    refused = team.post(POOLS, {"name": "Other", "interviews": kept})
    assert errors_of(refused) == {"interviews[0].interview_id": "Must be the id of an interview of a job stage"}


def test_a_member_is_not_deleted(team: HiringTeam) -> None:
    made = accepted(team.post(POOLS, {"name": "Backend", "members": [{"user_id": KATE}]}))
    put(team, WHOLE, user=KATE)
    options = ("--organization", team.organization.name, "--database", team.harness.database)
    refused = rowen("users", "delete", str(KATE), *options, status=1)
    assert f"pool {made['id']}" in refused.stderr
    accepted(team.delete(f"{POOLS}/{made['id']}"))
    rowen("users", "delete", str(KATE), *options)
    assert team.client.get(path_of(KATE)).status_code == 404
    assert errors_of(team.post(POOLS, {"name": "x", "members": [{"user_id": KATE}]})) == {
        "members[0].user_id": "Must be the id of a user"
    }
