"""Reading clients' writes: each field, and the user on whose behalf they are made."""

import json
from datetime import date
from typing import Any

import pytest

from rowen.api.reading.fields import (
    NEW_SCORECARD,
    SCORECARD_CHANGES,
    read_changes,
    read_new_interview,
    read_new_interview_of,
    read_scorecard,
)
from rowen.api.request import ApiRequest
from rowen.interviews.interview import Moment, ResponseStatus
from rowen.interviews.moments import Instant
from rowen.interviews.scheduling import UNSET, InterviewerInput, InterviewFields
from rowen.interviews.scorecards import Attribute, Question, Rating, Recommendation, ScorecardFields
from tests.support.identities import ORGANIZATION

NOON = {"date_time": "2030-05-01T12:00:00Z"}
WHOLE: dict[str, Any] = {
    "application_id": 5001,
    "interview_id": "7001",
    "interviewers": [{"id": 4001, "response_status": "accepted"}],
    "start": "2030-05-01T12:00:00Z",
    "end": NOON,
    "external_event_id": "event",
}


def request(body: Any, user: bytes | None = b"4001") -> ApiRequest:
    """Return a write as a handler gets it."""
    headers = {} if user is None else {b"on-behalf-of": user}
    content = json.dumps(body).encode()
    return ApiRequest(ORGANIZATION, 1, "key", "POST", {}, "http://rowen.example/v2/x", "", headers, content)


def fields_of(asked: InterviewFields | ScorecardFields) -> list[str]:
    """Return the fields that have problems."""
    return [each.field for each in asked.problems]


def test_a_whole_interview_is_read() -> None:
    noon = Moment(date_time=Instant.parse("2030-05-01T12:00:00Z"))
    assert read_new_interview(request(WHOLE), knows_guests=True) == InterviewFields(
        application_id=5001,
        interview_id=7001,
        interviewers=(InterviewerInput(user_id=4001, response_status=ResponseStatus.ACCEPTED),),
        start=noon,
        end=noon,
        external_event_id="event",
        on_behalf_of=4001,
    )


def test_an_empty_query_sets_nothing() -> None:
    assert read_changes(request({}), knows_guests=False) == InterviewFields(on_behalf_of=4001, knows_guests=False)
    assert read_scorecard(request({}), SCORECARD_CHANGES) == ScorecardFields(on_behalf_of=4001)


def test_null_removes_optional_values() -> None:
    asked = read_changes(request({"location": None, "video_conferencing_url": None}), knows_guests=True)
    assert (asked.location, asked.video_conferencing_url, asked.problems) == (None, None, ())


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2018-11-05", Moment(date_time=Instant.parse("2018-11-05T00:00:00Z"))),
        ({"date": "2018-11-05"}, Moment(date=date(2018, 11, 5))),
        ({"date_time": "2018-11-05"}, Moment(date_time=Instant.parse("2018-11-05T00:00:00Z"))),
    ],
)
def test_a_bare_date_is_a_time_and_an_object_states_its_kind(value: Any, moment: Moment) -> None:
    assert read_changes(request({"start": value}), knows_guests=True).start == moment


@pytest.mark.parametrize("application", [7, "7"])
def test_the_path_names_the_application(application: Any) -> None:
    for body in ({**WHOLE, "application_id": application}, {k: v for k, v in WHOLE.items() if k != "application_id"}):
        asked = read_new_interview_of(7, request(body))
        assert (asked.application_id, asked.problems) == (7, ())
    asked = read_new_interview_of(7, request(WHOLE))
    assert (asked.application_id, fields_of(asked)) == (7, ["application_id"])


def test_missing_and_forbidden_fields_are_reported() -> None:
    required = [name for name in WHOLE if name != "external_event_id"]
    assert fields_of(read_new_interview(request({}, None), knows_guests=True)) == [*required, "On-Behalf-Of"]
    asked = read_changes(request({"application_id": 1, "interview_id": 2}), knows_guests=True)
    assert fields_of(asked) == ["application_id", "interview_id"]
    assert asked.application_id is UNSET


@pytest.mark.parametrize("user", [b"", b" ", b"x", b"0", b"-1", b"+1", b"1.0", b"\xb2", b"9007199254740992", b"1" * 17])
def test_an_invalid_user_is_reported_with_the_other_problems(user: bytes) -> None:
    asked = read_changes(request({"location": 1}, user), knows_guests=True)
    assert (asked.on_behalf_of, fields_of(asked)) == (None, ["location", "On-Behalf-Of"])


def test_of_a_bad_panel_the_good_is_kept() -> None:
    panel = [None, {"id": 1, "user_id": 2, "response_status": "x"}, {"email": "a@b", "response_status": "tentative"}]
    asked = read_changes(request({"interviewers": panel}), knows_guests=True)
    assert asked.interviewers == (
        InterviewerInput(),
        InterviewerInput(user_id=1),
        InterviewerInput(email="a@b", response_status=ResponseStatus.TENTATIVE),
    )
    assert fields_of(asked) == ["interviewers[0]", "interviewers[1].id", "interviewers[1].response_status"]


def test_a_whole_scorecard_is_read() -> None:
    body = {
        "scheduled_interview_id": 1,
        "interviewer_id": "2",
        "overall_recommendation": "strong_yes",
        "attributes": [{"name": "SQL", "rating": "mixed", "note": "a\nb"}],
        "questions": [{"question": "Why?", "answer": None, "id": 3}],
        "submit": True,
    }
    assert read_scorecard(request(body), NEW_SCORECARD) == ScorecardFields(
        scheduled_interview_id=1,
        interviewer_id=2,
        overall_recommendation=Recommendation.STRONG_YES,
        attributes=(Attribute("SQL", None, "a\nb", Rating.MIXED),),
        questions=(Question(3, "Why?", None),),
        submit=True,
        on_behalf_of=4001,
    )
    assert fields_of(read_scorecard(request({}, None), NEW_SCORECARD)) == [
        "scheduled_interview_id",
        "interviewer_id",
        "On-Behalf-Of",
    ]
    assert fields_of(read_scorecard(request(body), SCORECARD_CHANGES)) == ["scheduled_interview_id", "interviewer_id"]
