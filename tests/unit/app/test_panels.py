"""Panels, in a unit of work."""

import pytest

from rowen.api.codec import scorecards
from rowen.app.panels import resolve_panel, with_scorecards
from rowen.app.unit_of_work import UnitOfWork
from rowen.interviews.errors import FieldProblem, Problems
from rowen.interviews.interview import Interviewer, Moment, ResponseStatus, ScheduledInterview, Status
from rowen.interviews.moments import Instant
from rowen.interviews.scheduling import InterviewerInput, InterviewFields
from tests.support.use_case_harness import ADA, GRACE, UseCases

ACCEPTED = ResponseStatus.ACCEPTED


def resolved(
    use_cases: UseCases, *seats: InterviewerInput, present: tuple[Interviewer, ...] = (), knows_guests: bool = True
) -> tuple[tuple[Interviewer, ...], list[FieldProblem]]:
    """Return the panel that the requested members make, replacing `present`, and what is wrong with it."""
    problems = Problems()
    asked = InterviewFields(interviewers=seats, knows_guests=knows_guests)
    at = Moment(date_time=Instant(0))
    before = ScheduledInterview(id=1, application_id=1, start=at, end=at, status=Status.SCHEDULED, interviewers=present)

    async def work(unit: UnitOfWork) -> tuple[Interviewer, ...]:
        return await with_scorecards(unit, scorecards, before, await resolve_panel(unit, asked, problems))

    return use_cases.in_unit(work), problems.found


def test_no_requested_panel_is_none(use_cases: UseCases) -> None:
    assert use_cases.in_unit(lambda unit: resolve_panel(unit, InterviewFields(), Problems())) == ()


def test_an_unreadable_interviewer_causes_no_further_problems(use_cases: UseCases) -> None:
    assert resolved(use_cases, InterviewerInput()) == ((), [])
    assert resolved(use_cases, InterviewerInput(response_status=ACCEPTED), knows_guests=False) == ((), [])


def test_guests_and_users_keep_the_scorecards_they_have(use_cases: UseCases) -> None:
    present = (
        Interviewer(id=ADA, response_status=ACCEPTED, scorecard_id=11),
        Interviewer(email="Guest@Elsewhere.example", response_status=ACCEPTED, scorecard_id=12),
    )
    seats = [
        InterviewerInput(email="guest@elsewhere.example", response_status=ACCEPTED),
        InterviewerInput(user_id=GRACE, response_status=ACCEPTED),
        InterviewerInput(email=f"{ADA}@TEAM.example", response_status=ACCEPTED),
    ]
    panel, found = resolved(use_cases, *seats, present=present)
    assert found == []
    assert [(each.id, each.scorecard_id) for each in panel] == [(None, 12), (GRACE, None), (ADA, 11)]


@pytest.mark.parametrize("knows_guests", [True, False])
def test_every_bad_interviewer_is_reported(use_cases: UseCases, *, knows_guests: bool) -> None:
    seats = (
        InterviewerInput(user_id=1, response_status=ACCEPTED),
        InterviewerInput(user_id=ADA, email=f"{GRACE}@team.example", response_status=ACCEPTED),
        InterviewerInput(user_id=ADA, response_status=ACCEPTED),
        InterviewerInput(email=f"{ADA}@team.example", response_status=ACCEPTED),
        InterviewerInput(email="nobody@elsewhere.example", response_status=ACCEPTED),
    )
    panel, found = resolved(use_cases, *seats, knows_guests=knows_guests)
    named = ["interviewers[0].user_id", "interviewers[1]", "interviewers[3]"]
    assert [each.field for each in found] == named + ([] if knows_guests else ["interviewers[4].email"])
    assert [each.id for each in panel] == [ADA, None][: 2 if knows_guests else 1]
