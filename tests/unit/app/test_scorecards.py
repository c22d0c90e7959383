"""Scorecards, in a unit of work: who owes one, and the effect of each step on the interview."""

from datetime import date
from typing import Any

import pytest

from rowen.api.codec import scorecards as codec
from rowen.app import scorecards
from rowen.interviews.errors import FieldProblem, Refusal
from rowen.interviews.interview import Moment, ResponseStatus, ScheduledInterview, Status
from rowen.interviews.scheduling import InterviewerInput
from rowen.interviews.scorecards import Attribute, Rating, Ratings, Recommendation, Scorecard, ScorecardFields
from tests.support.use_case_harness import ADA, BEFORE, END, GRACE, START, UseCases, opened_use_cases


def hand_in(use_cases: UseCases, interview: int, interviewer: int = ADA, **others: Any) -> Scorecard:
    """Submit a scorecard."""
    asked = ScorecardFields(
        scheduled_interview_id=interview,
        interviewer_id=interviewer,
        **{"overall_recommendation": Recommendation.YES, "submit": True, "on_behalf_of": GRACE, **others},
    )
    document = use_cases.in_unit(lambda unit: scorecards.create_scorecard(unit, codec, asked, "test"))
    return codec.decode(document)


def take_back(use_cases: UseCases, scorecard: int) -> None:
    """Delete a scorecard."""
    use_cases.in_unit(lambda unit: scorecards.delete_scorecard(unit, codec, scorecard, ADA, "test"))


def interview_of_two(use_cases: UseCases) -> ScheduledInterview:
    """Schedule an interview with two interviewers."""
    return use_cases.schedule(
        interviewers=tuple(
            InterviewerInput(user_id=each, response_status=ResponseStatus.ACCEPTED) for each in (ADA, GRACE)
        )
    )


def test_the_status_follows_the_scorecards_and_the_clock(use_cases: UseCases) -> None:
    made = interview_of_two(use_cases)
    first, second = hand_in(use_cases, made.id, ADA), hand_in(use_cases, made.id, GRACE)
    assert use_cases.get(made.id).status is Status.COMPLETE
    use_cases.clock.instant = END
    assert use_cases.tick() == 0, "complete is complete"
    take_back(use_cases, first.id)
    assert use_cases.get(made.id).status is Status.AWAITING_FEEDBACK
    use_cases.clock.instant = BEFORE
    take_back(use_cases, second.id)
    assert use_cases.get(made.id).status is Status.SCHEDULED
    use_cases.clock.instant = END
    assert use_cases.tick() == 1


def test_a_scorecard_has_the_time_of_its_change(use_cases: UseCases) -> None:
    made = interview_of_two(use_cases)
    scorecard = hand_in(use_cases, made.id)
    after = use_cases.get(made.id)
    assert scorecard.created_at == scorecard.updated_at == scorecard.submitted_at == after.updated_at
    assert scorecard.interviewed_at == START
    assert scorecard.submitted_by is not None
    assert (scorecard.submitted_by.id, scorecard.interviewer.id) == (GRACE, ADA)


@pytest.mark.parametrize(
    ("day", "begins"),
    [
        (date(2030, 5, 1), "2030-04-30T12:00:00.000Z"),
        (date(9999, 12, 31), "9999-12-30T11:00:00.000Z"),
        (date(1, 1, 1), "0001-01-01T12:20:56.000Z"),  # actually a day earlier, in a year that cannot be written
    ],
)
def test_a_day_begins_where_the_organization_is(database: str, day: date, begins: str) -> None:
    with opened_use_cases(database, "Pacific/Auckland") as use_cases:
        made = use_cases.schedule(start=Moment(date=day), end=Moment(date=day))
        assert str(hand_in(use_cases, made.id).interviewed_at) == begins


def test_attributes_are_sorted_by_their_rating(use_cases: UseCases) -> None:
    attributes = tuple(Attribute(each.value.upper(), rating=each) for each in Rating)
    scorecard = hand_in(use_cases, interview_of_two(use_cases).id, attributes=attributes)
    assert scorecard.ratings == Ratings(
        definitely_not=("DEFINITELY_NOT",), no=("NO",), mixed=("MIXED",), yes=("YES",), strong_yes=("STRONG_YES",)
    )


def test_a_draft_changes_the_revision_but_nothing_that_is_followed(use_cases: UseCases) -> None:
    made = interview_of_two(use_cases)
    before = use_cases.fresh().revision
    hand_in(use_cases, made.id, submit=False)
    assert use_cases.fresh().revision == before + 1
    assert use_cases.run(use_cases.store.feed.after(use_cases.fresh(), before, 10)).entries == ()
    assert use_cases.get(made.id) == made


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
def test_a_refusal_leaves_no_trace(use_cases: UseCases, changes: dict[str, Any], fields: list[str]) -> None:
    made = interview_of_two(use_cases)
    before = use_cases.fresh()
    asked: dict[str, Any] = {
        "scheduled_interview_id": made.id,
        "interviewer_id": ADA,
        "overall_recommendation": Recommendation.NO,
        "on_behalf_of": ADA,
        **changes,
    }
    known = {name: value for name, value in asked.items() if value is not None}
    with pytest.raises(Refusal) as refused:
        use_cases.in_unit(lambda unit: scorecards.create_scorecard(unit, codec, ScorecardFields(**known), "test"))
    assert [each.field for each in refused.value.problems] == fields
    assert use_cases.fresh() == before


def test_a_former_interviewer_cannot_submit_a_draft(use_cases: UseCases) -> None:
    made = interview_of_two(use_cases)
    draft = hand_in(use_cases, made.id, ADA, submit=False)
    use_cases.change(made.id, interviewers=(InterviewerInput(user_id=GRACE, response_status=ResponseStatus.ACCEPTED),))
    asked = ScorecardFields(submit=True, on_behalf_of=ADA)
    with pytest.raises(Refusal) as refused:
        use_cases.in_unit(lambda unit: scorecards.change_scorecard(unit, codec, draft.id, asked, "test"))
    assert [each.field for each in refused.value.problems] == ["interviewer_id"]
