"""Feedback, at the desk: who owes it, and what each step makes of the interview."""

from datetime import date
from typing import Any

import pytest

from rowen.app import feedback
from rowen.harvest.feedback import _CODEC
from rowen.interviews.errors import FieldProblem, Refusal
from rowen.interviews.interview import Moment, ResponseStatus, ScheduledInterview, Status
from rowen.interviews.scheduling import Seat
from rowen.interviews.scorecards import Attribute, Rating, Ratings, Recommendation, Scorecard, ScorecardFields
from tests.unit.app.office import ADA, BEFORE, END, GRACE, START, Office, opened


def hand_in(office: Office, interview: int, interviewer: int = ADA, **others: Any) -> Scorecard:
    """Submit a scorecard."""
    asked = ScorecardFields(
        scheduled_interview_id=interview,
        interviewer_id=interviewer,
        **{"overall_recommendation": Recommendation.YES, "submit": True, "on_behalf_of": GRACE, **others},
    )
    document = office.at_desk(lambda desk: feedback.create_scorecard(desk, _CODEC, asked, "test"))
    return _CODEC.decode_scorecard(document)


def take_back(office: Office, scorecard: int) -> None:
    """Delete a scorecard."""
    office.at_desk(lambda desk: feedback.delete_scorecard(desk, _CODEC, scorecard, ADA, "test"))


def interview_of_two(office: Office) -> ScheduledInterview:
    """Make an interview with two interviewers."""
    return office.schedule(
        interviewers=tuple(Seat(user_id=each, response_status=ResponseStatus.ACCEPTED) for each in (ADA, GRACE))
    )


def test_the_status_follows_the_scorecards_and_the_clock(office: Office) -> None:
    made = interview_of_two(office)
    first, second = hand_in(office, made.id, ADA), hand_in(office, made.id, GRACE)
    assert office.get(made.id).status is Status.COMPLETE
    office.now = END
    assert office.tick() == 0, "complete is complete"
    take_back(office, first.id)
    assert office.get(made.id).status is Status.AWAITING_FEEDBACK
    office.now = BEFORE
    take_back(office, second.id)
    assert office.get(made.id).status is Status.SCHEDULED
    office.now = END
    assert office.tick() == 1


def test_a_scorecard_has_the_time_of_its_change(office: Office) -> None:
    made = interview_of_two(office)
    scorecard = hand_in(office, made.id)
    after = office.get(made.id)
    assert scorecard.created_at == scorecard.updated_at == scorecard.submitted_at == after.updated_at
    assert scorecard.interviewed_at == START
    assert scorecard.submitted_by is not None
    assert (scorecard.submitted_by.id, scorecard.interviewer.id) == (GRACE, ADA)


@pytest.mark.parametrize(
    ("day", "begins"),
    [
        (date(2030, 5, 1), "2030-04-30T12:00:00.000Z"),
        (date(9999, 12, 31), "9999-12-30T11:00:00.000Z"),
        (date(1, 1, 1), "0001-01-01T12:20:56.000Z"),  # in truth a day earlier, in a year that cannot be written
    ],
)
def test_a_day_begins_where_the_organization_is(database: str, day: date, begins: str) -> None:
    with opened(database, "Pacific/Auckland") as office:
        made = office.schedule(start=Moment(date=day), end=Moment(date=day))
        assert str(hand_in(office, made.id).interviewed_at) == begins


def test_attributes_are_sorted_by_their_rating(office: Office) -> None:
    attributes = tuple(Attribute(each.value.upper(), rating=each) for each in Rating)
    scorecard = hand_in(office, interview_of_two(office).id, attributes=attributes)
    assert scorecard.ratings == Ratings(
        definitely_not=("DEFINITELY_NOT",), no=("NO",), mixed=("MIXED",), yes=("YES",), strong_yes=("STRONG_YES",)
    )


def test_a_draft_changes_the_revision_but_nothing_that_is_followed(office: Office) -> None:
    made = interview_of_two(office)
    before = office.fresh().revision
    hand_in(office, made.id, submit=False)
    assert office.fresh().revision == before + 1
    assert office.run(office.store.feed.after(office.fresh(), before, 10)).entries == ()
    assert office.get(made.id) == made


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"on_behalf_of": None}, []),
        ({"scheduled_interview_id": 99}, ["scheduled_interview_id"]),
        ({"interviewer_id": 99}, ["interviewer_id"]),
        ({"submit": True, "overall_recommendation": None}, ["overall_recommendation"]),
        ({"problems": (FieldProblem("overall_recommendation", "Must be one of"),)}, ["overall_recommendation"]),
    ],
)
def test_a_refusal_leaves_no_trace(office: Office, changes: dict[str, Any], fields: list[str]) -> None:
    made = interview_of_two(office)
    before = office.fresh()
    asked: dict[str, Any] = {
        "scheduled_interview_id": made.id,
        "interviewer_id": ADA,
        "overall_recommendation": Recommendation.NO,
        "on_behalf_of": ADA,
        **changes,
    }
    known = {name: value for name, value in asked.items() if value is not None}
    with pytest.raises(Refusal) as refused:
        office.at_desk(lambda desk: feedback.create_scorecard(desk, _CODEC, ScorecardFields(**known), "test"))
    assert [each.field for each in refused.value.problems] == fields
    assert office.fresh() == before


def test_who_left_the_panel_cannot_submit_their_draft(office: Office) -> None:
    made = interview_of_two(office)
    draft = hand_in(office, made.id, ADA, submit=False)
    office.change(made.id, interviewers=(Seat(user_id=GRACE, response_status=ResponseStatus.ACCEPTED),))
    asked = ScorecardFields(submit=True, on_behalf_of=ADA)
    with pytest.raises(Refusal) as refused:
        office.at_desk(lambda desk: feedback.change_scorecard(desk, _CODEC, draft.id, asked, "test"))
    assert [each.field for each in refused.value.problems] == ["interviewer_id"]
