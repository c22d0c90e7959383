"""Panels: users by any of their identifiers, guests, and invalid panels (contract section 4)."""

from typing import Any

import pytest

from tests.support.harness import Harness
from tests.support.hiring_teams import (
    ACTIVE,
    ADA,
    GRACE,
    INTERVIEWS,
    KATE,
    LONG_AGO,
    LUKASZ,
    NOBODY,
    OTHER_TWIN,
    STRICT,
    TWIN,
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

FORMS = [INTERVIEWS, STRICT]
STRANGER = "stranger@elsewhere.example"


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize(
    "named",
    [
        {"user_id": GRACE},
        {"user_id": str(GRACE)},
        {"id": GRACE},
        {"email": "grace@team.example"},
        {"email": "GRACE@Team.Example"},
        {"email": "hopper@navy.example"},
        {"employee_id": "E2"},
        {"user_id": GRACE, "id": GRACE},
        {"user_id": GRACE, "email": "hopper@navy.example", "employee_id": "E2"},
        {"email": "grace@team.example", "employee_id": "E2"},
        {"user_id": GRACE, "email": None, "employee_id": None, "id": None},
        {"email": "hopper@navy.example", "user_id": None},
        {"user_id": GRACE, "name": "Grace Hopper"},
        {"user_id": GRACE, "name": None},
    ],
)
def test_a_user_is_found_by_every_name(team: HiringTeam, path: str, named: Record) -> None:
    made = accepted(team.post(path, body(interviewers=[{**named, "response_status": "accepted"}])))
    assert made["interviewers"] == [
        {
            "id": GRACE,
            "employee_id": "E2",
            "name": "Grace Hopper",
            "email": "grace@team.example",
            "response_status": "accepted",
            "scorecard_id": None,
        }
    ]


def test_a_shared_value_identifies_a_user_together_with_another(team: HiringTeam) -> None:
    for named, found in (
        ({"employee_id": "TWIN", "user_id": OTHER_TWIN}, OTHER_TWIN),
        ({"employee_id": "TWIN", "email": "dee@team.example"}, TWIN),
        ({"email": "twins@team.example", "user_id": TWIN}, TWIN),
    ):
        made = team.schedule(interviewers=[{**named, "response_status": "accepted"}])
        assert [each["id"] for each in made["interviewers"]] == [found]


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize(
    ("named", "fields"),
    [
        ({"user_id": NOBODY}, ["interviewers[0].user_id"]),
        ({"id": NOBODY}, ["interviewers[0].user_id"]),
        ({"employee_id": "E999"}, ["interviewers[0].employee_id"]),
        ({"employee_id": "e2"}, ["interviewers[0].employee_id"]),
        ({"employee_id": "TWIN"}, ["interviewers[0].employee_id"]),
        ({"email": "twins@team.example"}, ["interviewers[0].email"]),
        ({"email": "twins@team.example", "employee_id": "TWIN"}, ["interviewers[0].email"]),
        ({"user_id": GRACE, "email": "ada@team.example"}, ["interviewers[0]"]),
        ({"user_id": GRACE, "employee_id": "E1"}, ["interviewers[0]"]),
        ({"email": "grace@team.example", "employee_id": "E1"}, ["interviewers[0]"]),
        ({"user_id": GRACE, "email": STRANGER}, ["interviewers[0].email"]),
        ({"email": STRANGER, "employee_id": "E2"}, ["interviewers[0].email"]),
        ({"email": STRANGER, "employee_id": "E999"}, ["interviewers[0].email", "interviewers[0].employee_id"]),
        ({"user_id": NOBODY, "email": "grace@team.example"}, ["interviewers[0].user_id"]),
        ({"user_id": GRACE, "id": KATE}, ["interviewers[0].id"]),
        ({"user_id": GRACE, "name": "Graze Hopper"}, ["interviewers[0].name"]),
        ({}, ["interviewers[0]"]),
        ({"user_id": None, "email": None}, ["interviewers[0]"]),
        ({"name": "Grace Hopper"}, ["interviewers[0]"]),
    ],
)
def test_an_ambiguous_interviewer_is_refused(team: HiringTeam, path: str, named: Record, fields: list[str]) -> None:
    with team.unchanged():
        answer = team.post(path, body(interviewers=[{**named, "response_status": "accepted"}, seat(ADA)]))
        assert refused_fields(answer) == fields


def test_an_unknown_address_is_a_guest_in_the_newer_form_only(team: HiringTeam) -> None:
    panel = [guest("Mixed.Case@Elsewhere.example", "tentative"), guest(STRANGER, name="A Stranger"), seat(KATE)]
    with team.unchanged():
        assert refused_fields(team.post(STRICT, body(interviewers=panel))) == [
            "interviewers[0].email",
            "interviewers[1].email",
        ]
    made = team.schedule(interviewers=panel)
    assert [(each["id"], each["employee_id"], each["name"], each["email"]) for each in made["interviewers"]] == [
        (None, None, None, "Mixed.Case@Elsewhere.example"),
        (None, None, "A Stranger", STRANGER),
        (KATE, None, "Kate Austen", "kate@team.example"),
    ]
    assert made["interviewers"][0]["response_status"] == "tentative"
    assert STRANGER not in team.client.get("/v1/users").text, "a guest is no user"


@pytest.mark.parametrize(
    "panel",
    [
        [seat(GRACE), seat(KATE), seat(GRACE)],
        [seat(GRACE), seat(KATE), guest("hopper@navy.example")],
        [seat(GRACE), seat(KATE), {"employee_id": "E2", "response_status": "declined"}],
        [guest(STRANGER), seat(KATE), guest(STRANGER.upper())],
    ],
)
def test_nobody_is_named_twice(team: HiringTeam, panel: list[Record]) -> None:
    made = team.schedule()
    with team.unchanged():
        for answer in (
            team.post(INTERVIEWS, body(interviewers=panel)),
            team.patch(f"{INTERVIEWS}/{made['id']}", {"interviewers": panel}),
        ):
            assert errors_of(answer) == {"interviewers[2]": "Must not name the same person as interviewers[0]"}


def test_a_panel_has_one_to_a_hundred_members(team: HiringTeam) -> None:
    panel = [guest(f"{number}@elsewhere.example") for number in range(101)]
    with team.unchanged():
        for bad in (panel, []):
            assert refused_fields(team.post(INTERVIEWS, body(interviewers=bad))) == ["interviewers"]
    assert len(team.schedule(interviewers=panel[:100])["interviewers"]) == 100


@pytest.mark.parametrize(
    ("member", "fields"),
    [
        (None, [""]),
        (4001, [""]),
        ("ada@team.example", [""]),
        ([], [""]),
        ({}, ["", ".response_status"]),
        ({"user_id": ADA}, [".response_status"]),
        (seat(ADA, "yes"), [".response_status"]),
        (seat(ADA, "Accepted"), [".response_status"]),
        ({"user_id": ADA, "response_status": None}, [".response_status"]),
        (seat(ADA, scorecard_id=7), [".scorecard_id"]),
        (seat(ADA, employee_id=1, email="no address", name="\u0000"), [".employee_id", ".email", ".name"]),
        (seat(ADA, employee_id=""), [".employee_id"]),
        (seat(ADA, email="a@" + 254 * "b"), [".email"]),
    ],
)
def test_every_bad_field_of_a_member_is_named(team: HiringTeam, member: Any, fields: list[str]) -> None:
    with team.unchanged():
        answer = team.post(INTERVIEWS, body(interviewers=[seat(GRACE), member, seat(NOBODY)]))
        names = refused_fields(answer)
        expected = [f"interviewers[1]{field}" for field in fields] + ["interviewers[2].user_id"]
        assert sorted(names) == sorted(expected)


def test_a_panel_is_replaced_but_remaining_members_keep_their_scorecards(team: HiringTeam) -> None:
    made = team.schedule(**LONG_AGO, interviewers=[seat(ADA), seat(GRACE), guest(STRANGER)])
    scorecard = team.score(made["id"], GRACE)["id"]
    changed = team.change(made["id"], interviewers=[seat(KATE), guest("hopper@navy.example", "accepted")])
    assert [(each["id"], each["response_status"], each["scorecard_id"]) for each in changed["interviewers"]] == [
        (KATE, "needs_action", None),
        (GRACE, "accepted", scorecard),
    ]
    assert team.kinds() == ["created", "scored", "panel_changed"]
    changed = team.change(made["id"], interviewers=[seat(GRACE)])
    assert changed["status"] == "complete", "nobody else is waited for"


@pytest.mark.parametrize("path", FORMS)
def test_those_who_stay_keep_their_answers_where_none_is_given(team: HiringTeam, path: str) -> None:
    made = team.schedule(interviewers=[seat(ADA, "accepted"), seat(GRACE, "declined"), guest(STRANGER, "tentative")])
    panel: list[Record] = [{"id": KATE}, {"email": "hopper@navy.example"}, {"id": ADA}]
    with team.unchanged():
        assert refused_fields(team.patch(f"{path}/{made['id']}", {"interviewers": [{}, {"id": ADA, "x": 1}]})) == [
            "interviewers[0]",
            "interviewers[1].x",
        ]
    changed = accepted(team.patch(f"{path}/{made['id']}", {"interviewers": panel}))
    assert [(each["id"], each["response_status"]) for each in changed["interviewers"]] == [
        (KATE, "needs_action"),
        (GRACE, "declined"),
        (ADA, "accepted"),
    ]
    answered = accepted(team.patch(f"{path}/{made['id']}", {"interviewers": [seat(ADA, "declined")]}))
    assert answered["interviewers"][0]["response_status"] == "declined"


def test_a_guest_who_stays_keeps_the_answer(team: HiringTeam) -> None:
    made = team.schedule(interviewers=[guest(STRANGER, "tentative")])
    changed = team.change(made["id"], interviewers=[{"email": STRANGER.upper()}, {"id": ADA}])
    assert [each["response_status"] for each in changed["interviewers"]] == ["tentative", "needs_action"]


def test_the_application_in_the_path_takes_interviewers_without_an_answer(team: HiringTeam) -> None:
    """As a client in the wild sends them; the other forms require an answer of a new interview."""
    content = body(application_id=..., external_event_id=..., interviewers=[{"id": ADA}])
    made = accepted(team.post(f"/v1/applications/{ACTIVE}/scheduled_interviews", content))
    assert [(each["id"], each["response_status"]) for each in made["interviewers"]] == [(ADA, "needs_action")]
    with team.unchanged():
        for path in FORMS:
            answer = team.post(path, {**content, "application_id": ACTIVE})
            assert refused_fields(answer) == ["interviewers[0].response_status"]


def test_an_answering_interviewer_stays_on_the_panel(team: HiringTeam) -> None:
    made = team.schedule(interviewers=[seat(ADA), seat(LUKASZ)])
    changed = team.change(made["id"], interviewers=[seat(ADA, "accepted"), seat(LUKASZ, "declined")])
    assert [each["response_status"] for each in changed["interviewers"]] == ["accepted", "declined"]
    assert team.kinds() == ["created", "responded"]
    fields = team.changes()[-1]["fields"]
    assert {each["field"]: (each["before"], each["after"]) for each in fields} == {
        f"interviewers.{ADA}.response_status": ("needs_action", "accepted"),
        f"interviewers.{LUKASZ}.response_status": ("needs_action", "declined"),
    }


def test_users_of_other_organizations_are_strangers(team: HiringTeam, harness: Harness) -> None:
    with hiring_team(harness) as other:
        other.merge([_of_foreigner()])
        panel = [seat(77_001, "accepted"), guest("foreigner@other.example")]
        with team.unchanged():
            assert refused_fields(team.post(STRICT, body(interviewers=panel))) == [
                "interviewers[0].user_id",
                "interviewers[1].email",
            ]
        assert other.schedule(interviewers=[panel[1]])["interviewers"][0]["id"] == 77_001
        assert team.schedule(interviewers=[panel[1]])["interviewers"][0]["id"] is None


def _of_foreigner() -> Record:
    return record(
        1,
        interviewers=[
            {
                "id": 77_001,
                "employee_id": None,
                "name": "A Foreigner",
                "email": "foreigner@other.example",
                "response_status": "accepted",
                "scorecard_id": None,
            }
        ],
    )
