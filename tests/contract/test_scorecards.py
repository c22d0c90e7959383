"""Scorecards: submitting, drafting and deleting them, and the effect on the interview."""

from typing import Any

import pytest

from tests.support.harness import Harness
from tests.support.hiring_teams import (
    ACTIVE,
    ADA,
    EARLIER,
    GRACE,
    KATE,
    LONG_AGO,
    NOBODY,
    REJECTED,
    SCORECARDS,
    STAGE_INTERVIEW,
    STRICT,
    UNKNOWN,
    HiringTeam,
    accepted,
    errors_of,
    guest,
    hiring_team,
    refused_fields,
    seat,
    written,
)
from tests.support.records import Record, record

ATTRIBUTES = [
    {"name": "Curiosity", "type": "Qualities", "note": "asks\nback", "rating": "strong_yes"},
    {"name": "Patience", "type": None, "note": None, "rating": "mixed"},
    {"name": "SQL", "type": "Skills", "note": None, "rating": "no_decision"},
    {"name": "Spelling", "type": "Skills", "note": "", "rating": "strong_yes"},
]
QUESTIONS = [
    {"id": 11, "question": "Key Take-Aways", "answer": "Größe\tzählt 🌲"},
    {"id": None, "question": "Private Notes", "answer": None},
]


def asked(interview: int, interviewer: int = ADA, **others: Any) -> Record:
    """Return the body of a POST."""
    return {"scheduled_interview_id": interview, "interviewer_id": interviewer, **others}


def final(interview: int, interviewer: int = ADA, **others: Any) -> Record:
    """Return the body of a POST that submits."""
    return asked(interview, interviewer, overall_recommendation="yes", submit=True, **others)


def seats(interview: Record) -> dict[int, int | None]:
    """Return the scorecards of an interview's users, by interviewer."""
    return {each["id"]: each["scorecard_id"] for each in interview["interviewers"]}


# --- submitting


def test_the_whole_scorecard_is_answered_byte_for_byte(team: HiringTeam) -> None:
    made = team.schedule(**LONG_AGO)
    ratings: Record = {"attributes": ATTRIBUTES, "questions": QUESTIONS, "overall_recommendation": "strong_yes"}
    answer = team.post(SCORECARDS, asked(made["id"], submit=True, **ratings), KATE)
    scorecard = accepted(answer)
    kates = {"id": KATE, "first_name": "Kate", "last_name": "Austen", "name": "Kate Austen", "employee_id": None}
    adas = {"id": ADA, "first_name": "Ada", "last_name": "Lovelace", "name": "Ada Lovelace", "employee_id": "E1"}
    assert answer.content == written(
        {
            "id": scorecard["id"],
            "updated_at": scorecard["created_at"],
            "created_at": scorecard["created_at"],
            "interview": "Culture Fit",
            "interview_step": {"id": STAGE_INTERVIEW, "name": "Culture Fit"},
            "candidate_id": 10 * ACTIVE,
            "application_id": ACTIVE,
            "interviewed_at": LONG_AGO["start"],
            "submitted_by": kates,
            "interviewer": adas,
            "submitted_at": scorecard["created_at"],
            "overall_recommendation": "strong_yes",
            "attributes": ATTRIBUTES,
            "ratings": {
                "definitely_not": [],
                "no": [],
                "mixed": ["Patience"],
                "yes": [],
                "strong_yes": ["Curiosity", "Spelling"],
            },
            "questions": QUESTIONS,
        }
    )
    retrieved = team.client.get(f"/v1/scorecards/{scorecard['id']}")
    assert retrieved.content == answer.content
    for path in ("/v1/scorecards", f"/v1/applications/{ACTIVE}/scorecards"):
        assert team.client.get(path).content == b"[" + answer.content + b"]"


@pytest.mark.parametrize("value", ["definitely_not", "no", "yes", "strong_yes", "no_decision"])
def test_every_recommendation_is_kept(team: HiringTeam, value: str) -> None:
    made = team.schedule(**LONG_AGO)
    assert team.score(made["id"], ADA, overall_recommendation=value)["overall_recommendation"] == value


def test_the_last_scorecard_completes_the_interview(team: HiringTeam) -> None:
    made = team.schedule(**LONG_AGO, interviewers=[seat(ADA), seat(GRACE, "declined"), guest("g@elsewhere.example")])
    first = team.score(made["id"], GRACE)["id"]
    after = team.get(made["id"])
    assert (after["status"], seats(after)) == ("awaiting_feedback", {ADA: None, GRACE: first, None: None})
    assert after["updated_at"] > made["updated_at"]
    last = team.score(made["id"], ADA)["id"]
    after = team.get(made["id"])
    assert (after["status"], seats(after)) == ("complete", {ADA: last, GRACE: first, None: None})
    created, *scored = team.changes()
    assert [each["kind"] for each in (created, *scored)] == ["created", "scored", "scored"]
    assert scored[-1]["document"] == after
    assert {each["field"]: each["after"] for each in scored[-1]["fields"]} == {
        "status": "complete",
        f"interviewers.{ADA}.scorecard_id": last,
    }


def test_feedback_may_come_before_the_end(team: HiringTeam) -> None:
    made = team.schedule(interviewers=[seat(ADA), seat(GRACE)])
    team.score(made["id"], ADA)
    assert team.get(made["id"])["status"] == "scheduled"
    team.score(made["id"], GRACE)
    assert team.get(made["id"])["status"] == "complete"


def test_an_imported_interview_can_be_scored(team: HiringTeam) -> None:
    panel = [
        {"id": each, "employee_id": None, "name": "N", "email": f"{each}@n.example", "response_status": "accepted"}
        for each in (ADA, GRACE)
    ]
    interviewers = [{**each, "scorecard_id": None} for each in panel]
    team.merge([record(1, application_id=ACTIVE, interviewers=interviewers, status="awaiting_feedback")])
    team.score(1, ADA)
    assert team.get(1)["status"] == "awaiting_feedback"
    team.score(1, GRACE)
    assert team.get(1)["status"] == "complete"


def test_an_interviewer_imported_with_a_scorecard_needs_no_other(team: HiringTeam) -> None:
    team.merge([record(1, application_id=REJECTED)])
    with team.unchanged():
        assert refused_fields(team.post(SCORECARDS, final(1, 4080), ADA)) == ["interviewer_id"]


def test_the_application_may_be_over_by_then(team: HiringTeam) -> None:
    panel = [{**record(1)["interviewers"][0], "scorecard_id": None}]
    team.merge([record(1, application_id=REJECTED, interviewers=panel)])
    team.score(1, 4080)
    assert team.get(1)["status"] == "complete"


# --- drafts


def test_a_draft_is_changed_and_submitted(team: HiringTeam) -> None:
    made = team.schedule(**LONG_AGO)
    before = team.get(made["id"])
    draft = accepted(team.post(SCORECARDS, asked(made["id"]), KATE))
    assert (draft["submitted_at"], draft["overall_recommendation"], draft["questions"]) == (None, "no_decision", [])
    path = f"{SCORECARDS}/{draft['id']}"
    changed = accepted(team.patch(path, {"attributes": ATTRIBUTES, "submit": False}, KATE))
    assert changed["ratings"]["strong_yes"] == ["Curiosity", "Spelling"]
    assert changed["submitted_at"] is None
    assert changed["updated_at"] > draft["updated_at"]
    assert team.get(made["id"]) == before
    assert team.client.get("/v1/scorecards").json() == [], "drafts are nobody else's business"
    assert team.client.get(f"/v1/scorecards/{draft['id']}").status_code == 404
    assert team.kinds() == ["created"]
    submitted = accepted(team.patch(path, {"overall_recommendation": "no", "submit": True}, ADA))
    assert submitted == {
        **changed,
        "overall_recommendation": "no",
        "updated_at": submitted["updated_at"],
        "submitted_at": submitted["updated_at"],
        "submitted_by": submitted["interviewer"],
    }
    after = team.get(made["id"])
    assert (after["status"], seats(after)) == ("complete", {ADA: draft["id"]})
    assert team.kinds() == ["created", "scored"]


def test_a_submitted_scorecard_is_final(team: HiringTeam) -> None:
    made = team.schedule(**LONG_AGO)
    scorecard = team.score(made["id"], ADA)
    with team.unchanged():
        for content in ({}, {"submit": True}, {"submit": False, "questions": QUESTIONS}):
            assert refused_fields(team.patch(f"{SCORECARDS}/{scorecard['id']}", content)) == ["submitted_at"]


def test_a_draft_of_an_interview_that_is_gone_cannot_be_submitted(team: HiringTeam) -> None:
    made = team.schedule()
    draft = accepted(team.post(SCORECARDS, asked(made["id"])))
    accepted(team.delete(f"{STRICT}/{made['id']}"))
    path = f"{SCORECARDS}/{draft['id']}"
    with team.unchanged():
        assert refused_fields(team.patch(path, {"submit": True})) == ["scheduled_interview_id"]
    accepted(team.delete(path))


def test_a_former_interviewer_submits_nothing(team: HiringTeam) -> None:
    made = team.schedule(**LONG_AGO)
    draft = accepted(team.post(SCORECARDS, asked(made["id"])))
    team.change(made["id"], interviewers=[seat(GRACE)])
    with team.unchanged():
        answer = team.patch(f"{SCORECARDS}/{draft['id']}", {"submit": True})
        assert errors_of(answer) == {"interviewer_id": "Must be an interviewer of the interview"}
    team.change(made["id"], interviewers=[seat(ADA)])
    accepted(team.patch(f"{SCORECARDS}/{draft['id']}", {"submit": True}))
    assert team.get(made["id"])["status"] == "complete"


# --- deleting


def test_deleting_a_scorecard_takes_it_back(team: HiringTeam) -> None:
    made = team.schedule(**LONG_AGO)
    scorecard = team.score(made["id"], ADA)
    answer = team.delete(f"{SCORECARDS}/{scorecard['id']}", GRACE)
    assert answer.content == b'{"message":"Scorecard %d has been deleted."}' % scorecard["id"]
    after = team.get(made["id"])
    assert (after["status"], seats(after)) == ("awaiting_feedback", {ADA: None})
    assert team.kinds() == ["created", "scored", "score_removed"]
    assert team.changes()[-1]["actor"]["id"] == GRACE
    assert team.client.get("/v1/scorecards").json() == []
    again = team.score(made["id"], ADA)
    assert again["id"] > scorecard["id"]
    assert team.get(made["id"])["status"] == "complete"


def test_an_interview_that_is_ahead_is_scheduled_again(team: HiringTeam) -> None:
    made = team.schedule()
    scorecard = team.score(made["id"], ADA)
    assert team.get(made["id"])["status"] == "complete"
    accepted(team.delete(f"{SCORECARDS}/{scorecard['id']}"))
    assert team.get(made["id"])["status"] == "scheduled"


def test_a_deleted_draft_leaves_the_interview_alone(team: HiringTeam) -> None:
    made = team.schedule()
    draft = accepted(team.post(SCORECARDS, asked(made["id"])))
    accepted(team.delete(f"{SCORECARDS}/{draft['id']}"))
    assert team.get(made["id"]) == made
    assert team.kinds() == ["created"]
    accepted(team.post(SCORECARDS, asked(made["id"])))


# --- refusals


def test_nobody_hands_in_twice(team: HiringTeam) -> None:
    made = team.schedule(**LONG_AGO, interviewers=[seat(ADA), seat(GRACE), seat(KATE)])
    team.score(made["id"], ADA)
    accepted(team.post(SCORECARDS, asked(made["id"], GRACE)))
    with team.unchanged():
        for interviewer in (ADA, GRACE):
            for content in (final(made["id"], interviewer), asked(made["id"], interviewer)):
                assert errors_of(team.post(SCORECARDS, content)) == {
                    "interviewer_id": "Has a scorecard of this interview already"
                }


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"scheduled_interview_id": UNKNOWN}, ["scheduled_interview_id"]),
        ({"interviewer_id": NOBODY}, ["interviewer_id"]),
        ({"interviewer_id": GRACE}, ["interviewer_id"]),
        ({"scheduled_interview_id": UNKNOWN, "interviewer_id": NOBODY}, ["scheduled_interview_id", "interviewer_id"]),
        ({"scheduled_interview_id": None, "interviewer_id": True}, ["scheduled_interview_id", "interviewer_id"]),
        ({"overall_recommendation": "maybe"}, ["overall_recommendation"]),
        ({"overall_recommendation": None}, ["overall_recommendation"]),
        ({"submit": "true"}, ["submit"]),
        ({"submit": 1}, ["submit"]),
        ({"attributes": {}, "questions": "x"}, ["attributes", "questions"]),
        ({"attributes": [None, {}]}, ["attributes[0]", "attributes[1].name", "attributes[1].rating"]),
        (
            {"attributes": [{"name": "", "rating": "excellent", "note": 1}]},
            [
                "attributes[0].name",
                "attributes[0].rating",
                "attributes[0].note",
            ],
        ),
        ({"attributes": [{"name": "x", "rating": "no", "weight": 1}]}, ["attributes[0].weight"]),
        ({"attributes": [{"name": "x", "rating": "no"}] * 501}, ["attributes"]),
        (
            {"questions": [{}, {"id": 0, "question": "q", "answer": "\u0000"}]},
            [
                "questions[0].question",
                "questions[1].id",
                "questions[1].answer",
            ],
        ),
        ({"ratings": {}, "candidate_id": 1, "submitted_at": "2024-01-01"}, ["ratings", "candidate_id", "submitted_at"]),
    ],
)
def test_every_bad_field_is_named(team: HiringTeam, changes: Record, fields: list[str]) -> None:
    made = team.schedule(**LONG_AGO)
    with team.unchanged():
        assert refused_fields(team.post(SCORECARDS, {**final(made["id"]), **changes})) == fields


def test_missing_fields_are_named(team: HiringTeam) -> None:
    made = team.schedule(**LONG_AGO)
    draft = accepted(team.post(SCORECARDS, asked(made["id"])))
    with team.unchanged():
        assert refused_fields(team.post(SCORECARDS, {"submit": True}, None)) == [
            "scheduled_interview_id",
            "interviewer_id",
            "On-Behalf-Of",
            "overall_recommendation",
        ]
        path = f"{SCORECARDS}/{draft['id']}"
        assert refused_fields(team.patch(path, {"interviewer_id": GRACE}, None)) == ["interviewer_id", "On-Behalf-Of"]
        assert refused_fields(team.delete(path, None)) == ["On-Behalf-Of"]
        for answer in (team.post(SCORECARDS, {}, NOBODY), team.patch(path, {}, NOBODY), team.delete(path, NOBODY)):
            assert (answer.status_code, answer.json()["message"]) == (404, "Resource not found")
            assert refused_fields(answer, 404) == ["On-Behalf-Of"]


def test_only_scorecards_made_here_can_be_changed_and_found(team: HiringTeam, harness: Harness) -> None:
    with hiring_team(harness) as other:
        foreign = accepted(other.post(SCORECARDS, asked(other.schedule()["id"])))["id"]
        with team.unchanged(), other.unchanged():
            for identifier in (UNKNOWN, foreign, "x", 0):
                for answer in (
                    team.patch(f"{SCORECARDS}/{identifier}", {}),
                    team.delete(f"{SCORECARDS}/{identifier}"),
                ):
                    assert (answer.status_code, answer.json()) == (404, {"message": "Resource not found"})


def test_an_imported_scorecard_stays_as_it_is(team: HiringTeam, harness: Harness) -> None:
    imported = {
        "id": 21_000,
        "updated_at": EARLIER,
        "created_at": EARLIER,
        "application_id": ACTIVE,
        "submitted_at": EARLIER,
        "overall_recommendation": "yes",
    }
    team.merge_records("scorecards", [imported])
    with team.unchanged():
        assert refused_fields(team.patch(f"{SCORECARDS}/21000", {})) == ["id"]
        assert refused_fields(team.delete(f"{SCORECARDS}/21000")) == ["id"]


def test_a_scorecard_is_of_no_other_organization(team: HiringTeam, harness: Harness) -> None:
    with hiring_team(harness) as other:
        other.schedule()
        foreign = [other.schedule() for _ in range(2)][-1]["id"]
        with team.unchanged(), other.unchanged():
            assert refused_fields(team.post(SCORECARDS, final(foreign))) == ["scheduled_interview_id"]


def test_an_interviewer_who_leaves_and_comes_back_keeps_the_scorecard(team: HiringTeam) -> None:
    interview = team.schedule(interviewers=[seat(ADA), seat(GRACE)])["id"]
    handed_in = team.score(interview, ADA)["id"]
    assert seats(team.change(interview, interviewers=[seat(GRACE)])) == {GRACE: None}
    assert seats(team.change(interview, interviewers=[seat(GRACE), seat(ADA)])) == {GRACE: None, ADA: handed_in}
    team.score(interview, GRACE)
    assert team.get(interview)["status"] == "complete"
