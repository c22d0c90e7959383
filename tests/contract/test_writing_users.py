"""Adding users, changing them, disabling and enabling them (contract section 10)."""

from typing import Any, Final

import pytest

from tests.support.harness import Tenant
from tests.support.hiring_teams import (
    ADA,
    CHANGES,
    GRACE,
    KATE,
    NOBODY,
    OTHER_TWIN,
    TWIN,
    HiringTeam,
    accepted,
    errors_of,
    refused_fields,
    seat,
    written,
)
from tests.support.records import Record

USERS: Final = "/v1/users"
EDIT: Final = "/v2/users"
NEW: Final[Record] = {"first_name": "Bob", "last_name": "Smith", "email": "bob@team.example"}


def recorded(team: HiringTeam) -> list[Record]:
    """Return the changes of users that clients have made."""
    return [each for each in team.changes() if each["kind"] == "recorded"]


# --- POST


def test_a_user_is_added_byte_for_byte(team: HiringTeam) -> None:
    answer = team.post(USERS, {**NEW, "send_email_invite": True, "employee_id": "ABC12345"})
    made = accepted(answer)
    assert answer.content == written(
        {
            "id": made["id"],
            "name": "Bob Smith",
            "first_name": "Bob",
            "last_name": "Smith",
            "primary_email_address": "bob@team.example",
            "updated_at": made["created_at"],
            "created_at": made["created_at"],
            "disabled": False,
            "site_admin": False,
            "emails": ["bob@team.example"],
            "employee_id": "ABC12345",
            "linked_candidate_ids": [],
            "offices": [],
            "departments": [],
        }
    )
    retrieved = team.client.get(f"{USERS}/{made['id']}")
    assert (retrieved.content, retrieved.headers["etag"]) == (answer.content, answer.headers["etag"])
    for query in ({"email": "BOB@team.example"}, {"employee_id": "ABC12345"}, {"created_after": made["created_at"]}):
        assert [each["id"] for each in team.client.get(USERS, params=query).json()] == [made["id"]], query
    (change,) = recorded(team)
    assert (change["resource"], change["counts"], change["document"], change["scheduled_interview_id"]) == (
        "users",
        {"new": 1, "changed": 0},
        None,
        None,
    )
    assert change["actor"] == {"kind": "user", "id": ADA, "name": "Ada Lovelace", "api_key": "test"}
    assert change["fields"][0] == {"field": f"{made['id']}.name", "before": None, "after": "Bob Smith"}
    assert team.schedule(interviewers=[seat(made["id"])])["interviewers"][0]["name"] == "Bob Smith"


def test_the_other_name_of_the_invitation_is_ignored_too(team: HiringTeam) -> None:
    assert "send_email" not in accepted(team.post(USERS, {**NEW, "send_email": True}))
    assert refused_fields(team.post(USERS, {**NEW, "email": "b@new.example", "send_email": "yes"})) == ["send_email"]


def test_ids_are_above_those_of_imported_users(team: HiringTeam) -> None:
    """One of them has a large id; ids of users and interviews come from one place."""
    largest = max(each["id"] for each in team.client.get(USERS).json())
    first = accepted(team.post(USERS, NEW))["id"]
    assert first > largest
    assert team.schedule()["id"] > first
    assert accepted(team.post(USERS, {**NEW, "email": "rob@team.example"}))["id"] > first


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"email": "ada@team.example"}, ["email"]),
        ({"email": "HOPPER@navy.example", "employee_id": "E1"}, ["email", "employee_id"]),
        ({"email": "no address", "first_name": "", "last_name": None}, ["first_name", "last_name", "email"]),
        ({"email": 1, "first_name": 1, "last_name": [], "employee_id": {}, "send_email_invite": "yes"}, None),
        ({"office_ids": [1], "name": "Bob", "disabled": True}, ["office_ids", "name", "disabled"]),
    ],
)
def test_what_is_wrong_is_named_at_once(team: HiringTeam, changes: Record, fields: list[str] | None) -> None:
    with team.unchanged():
        assert sorted(refused_fields(team.post(USERS, {**NEW, **changes}))) == sorted(fields or changes)


def test_the_holder_of_an_address_is_named(team: HiringTeam) -> None:
    with team.unchanged():
        found = errors_of(team.post(USERS, {**NEW, "email": "Hopper@NAVY.example"}, None))
    assert found == {
        "email": f"Must be unique (user {GRACE} has it)",
        "On-Behalf-Of": "Is required: the id of the user who does this",
    }


def test_an_acting_user_is_required_of_all_but_the_first(tenant: Tenant) -> None:
    with tenant.open_client() as client:
        refused = client.post(USERS, json=NEW, headers={"On-Behalf-Of": "1"})
        assert refused.status_code == 404
        assert (
            client.post(USERS, json=NEW, headers={"On-Behalf-Of": "x"}).json()["errors"][0]["field"] == "On-Behalf-Of"
        )
        first = client.post(USERS, json=NEW)
        assert first.status_code == 200, first.text
        again = client.post(USERS, json={**NEW, "email": "other@team.example"})
        assert [each["field"] for each in again.json()["errors"]] == ["On-Behalf-Of"]
        (change,) = client.get(CHANGES).json()["changes"]
        assert change["actor"]["id"] == first.json()["id"]


def test_a_repeated_request_adds_one(team: HiringTeam) -> None:
    once = [team.post(USERS, NEW, Idempotency_Key="bob").content for _ in range(2)]
    assert once[0] == once[1]
    assert len(recorded(team)) == 1


# --- PATCH


def test_a_renamed_user_is_renamed_in_every_interview(team: HiringTeam) -> None:
    first = team.schedule(interviewers=[seat(GRACE, "accepted"), seat(KATE)])
    other = team.schedule(interviewers=[seat(KATE)])
    organized = accepted(team.post("/v2/scheduled_interviews", {**_again(other), "external_event_id": "o"}, GRACE))
    changed = accepted(team.patch(f"{USERS}/{GRACE}", {"last_name": "Murray", "employee_id": "E22"}))
    assert (changed["name"], changed["first_name"], changed["employee_id"]) == ("Grace Murray", "Grace", "E22")
    assert changed["emails"] == ["grace@team.example", "Hopper@Navy.example"]
    moved = team.get(first["id"])
    assert moved["interviewers"][0]["name"] == "Grace Murray"
    assert moved["interviewers"][0]["employee_id"] == "E22"
    assert moved["updated_at"] > changed["updated_at"] > organized["updated_at"]
    assert team.get(organized["id"])["organizer"]["last_name"] == "Murray"
    assert team.get(other["id"]) == other
    kinds = [each["kind"] for each in team.changes()][-3:]
    assert kinds == ["recorded", "person_renamed", "person_renamed"]
    assert {each["actor"]["id"] for each in team.changes()[-3:]} == {ADA}
    assert [each["field"] for each in recorded(team)[-1]["fields"]] == [
        f"{GRACE}.{name}" for name in ("name", "last_name", "employee_id")
    ]


def _again(made: Record) -> Record:
    return {
        "application_id": made["application_id"],
        "interview_id": made["interview"]["id"],
        "interviewers": [seat(each["id"]) for each in made["interviewers"]],
        "start": made["start"],
        "end": made["end"],
    }


def test_a_new_address_is_the_primary_one_and_the_others_are_kept(team: HiringTeam) -> None:
    made = team.schedule(interviewers=[seat(KATE)])
    changed = accepted(team.patch(f"{USERS}/{KATE}", {"email": "kate@new.example"}))
    assert changed["primary_email_address"] == "kate@new.example"
    assert changed["emails"] == ["kate@new.example", "kate@team.example"]
    assert team.get(made["id"])["interviewers"][0]["email"] == "kate@new.example"
    back = accepted(team.patch(f"{USERS}/{KATE}", {"email": "KATE@team.example"}))
    assert back["emails"] == ["KATE@team.example", "kate@new.example"]
    with team.unchanged():
        assert refused_fields(team.patch(f"{USERS}/{KATE}", {"email": "ada@team.example"})) == ["email"]


def test_a_change_that_changes_nothing_leaves_no_trace(team: HiringTeam) -> None:
    with team.unchanged():
        for body in ({}, {"first_name": "Grace"}, {"email": "grace@team.example", "employee_id": "E2"}):
            assert accepted(team.patch(f"{USERS}/{GRACE}", body))["name"] == "Grace Hopper"
        # Imported users share an employee id and an address: each may keep it.
        shared = {"employee_id": "TWIN", "email": "dum@team.example"}
        assert accepted(team.patch(f"{USERS}/{OTHER_TWIN}", shared))["id"] == OTHER_TWIN
        assert refused_fields(team.patch(f"{USERS}/{KATE}", {"employee_id": "TWIN"})) == ["employee_id"]


def test_an_employee_id_can_be_removed(team: HiringTeam) -> None:
    for nothing in (None, ""):
        assert accepted(team.patch(f"{USERS}/{ADA}", {"employee_id": nothing}))["employee_id"] is None
        assert accepted(team.patch(f"{USERS}/{ADA}", {"employee_id": "E1"}))["employee_id"] == "E1"


def test_if_match_keeps_clients_from_overwriting_each_other(team: HiringTeam) -> None:
    tag = team.client.get(f"{USERS}/{KATE}").headers["etag"]
    first = team.patch(f"{USERS}/{KATE}", {"first_name": "Kat"}, If_Match=tag)
    assert accepted(first)["name"] == "Kat Austen"
    with team.unchanged():
        assert team.patch(f"{USERS}/{KATE}", {"first_name": "Kit"}, If_Match=tag).status_code == 412
    assert accepted(team.patch(f"{USERS}/{KATE}", {"first_name": "Kit"}, If_Match=first.headers["etag"]))


def test_an_unknown_user_is_not_found(team: HiringTeam) -> None:
    with team.unchanged():
        for path in (f"{USERS}/{NOBODY}", f"{USERS}/x"):
            assert team.patch(path, {"first_name": "Kat"}).status_code == 404
        assert team.patch(f"{USERS}/{KATE}", {"first_name": "Kat"}, NOBODY).status_code == 404
        assert refused_fields(team.patch(f"{USERS}/{KATE}", {"first_name": 1, "id": 4}, None)) == [
            "first_name",
            "id",
            "On-Behalf-Of",
        ]


def test_a_user_is_disabled_and_enabled_by_the_path_without_a_body(team: HiringTeam) -> None:
    for state, disabled in (("disable", True), ("enable", False)):
        answer = team.client.patch(f"{USERS}/{GRACE}/{state}", headers={"On-Behalf-Of": str(ADA)})
        assert (accepted(answer)["id"], answer.json()["disabled"]) == (GRACE, disabled)
        with team.unchanged():
            assert accepted(team.patch(f"{USERS}/{GRACE}/{state}", {})) == answer.json()
    with team.unchanged():
        assert team.patch(f"{USERS}/{NOBODY}/disable", {}).status_code == 404
        assert refused_fields(team.patch(f"{USERS}/{GRACE}/disable", {"user": {"user_id": GRACE}}, None)) == [
            "user",
            "On-Behalf-Of",
        ]


# --- the forms of Harvest v2, whose bodies name the user


@pytest.mark.parametrize("named", [{"user_id": GRACE}, {"email": "hopper@NAVY.example"}, {"employee_id": "E2"}])
def test_the_body_may_name_the_user(team: HiringTeam, named: Record) -> None:
    made = team.schedule(interviewers=[seat(GRACE)])
    answer = team.patch(EDIT, {"user": named, "payload": {"first_name": "Bob"}})
    assert accepted(answer) == {"success": "true"}
    assert team.get(made["id"])["interviewers"][0]["name"] == "Bob Hopper"
    disabled = accepted(team.patch(f"{EDIT}/disable", {"user": named}))
    assert (disabled["id"], disabled["disabled"]) == (GRACE, True)
    with team.unchanged():
        assert accepted(team.patch(f"{EDIT}/disable", {"user": named})) == disabled
    assert accepted(team.patch(f"{EDIT}/enable", {"user": named}))["disabled"] is False


@pytest.mark.parametrize(
    ("named", "field"),
    [
        ({"user_id": NOBODY}, "user.user_id"),
        ({"email": "nobody@team.example"}, "user.email"),
        ({"employee_id": "E999"}, "user.employee_id"),
        ({"employee_id": "TWIN"}, "user.employee_id"),
        ({"user_id": "x"}, "user.user_id"),
        ({"user_id": GRACE, "id": 4}, "user.id"),
        ({"user_id": GRACE, "email": "grace@team.example"}, "user"),
        ({}, "user"),
        (None, "user"),
        (GRACE, "user"),
    ],
)
def test_a_body_that_does_not_name_one_user_is_refused(team: HiringTeam, named: Any, field: str) -> None:
    with team.unchanged():
        assert refused_fields(team.patch(EDIT, {"user": named, "payload": {}})) == [field]
        for act in ("disable", "enable"):
            assert refused_fields(team.patch(f"{EDIT}/{act}", {"user": named})) == [field]


def test_all_that_is_wrong_with_an_edit_is_named(team: HiringTeam) -> None:
    with team.unchanged():
        assert refused_fields(team.patch(EDIT, {}, None)) == ["user", "payload", "On-Behalf-Of"]
        wrong = {"first_name": "", "email": "a@b.example", "office_ids": []}
        assert refused_fields(team.patch(EDIT, {"user": {}, "payload": wrong})) == [
            "user",
            "payload.first_name",
            "payload.email",
            "payload.office_ids",
        ]
        taken = {"user": {"user_id": TWIN}, "payload": {"employee_id": "E1"}}
        assert refused_fields(team.patch(EDIT, taken)) == ["employee_id"]
