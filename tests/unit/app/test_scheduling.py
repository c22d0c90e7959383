"""The rules of scheduling: boundaries of time, changes without effect, and that a refusal leaves no trace."""

import pytest

from rowen.app import scheduling
from rowen.app.organizations import DoubleBooking
from rowen.app.unit_of_work import UnitOfWork
from rowen.interviews.changes import Kind
from rowen.interviews.errors import Code, FieldProblem, Refusal, UnknownUserError
from rowen.interviews.interview import Moment, ResponseStatus, Status
from rowen.interviews.moments import Instant
from rowen.interviews.scheduling import InterviewerInput, InterviewFields
from tests.support.use_case_harness import ADA, BEFORE, END, GRACE, START, UseCases, fields, stored


def refusal_of(use_cases: UseCases, asked: InterviewFields) -> Refusal:
    """Require that an interview is refused and nothing written, and return the refusal."""
    before = use_cases.fresh()
    with pytest.raises(Refusal) as refused:
        use_cases.in_unit(lambda unit: scheduling.schedule(unit, asked, "test"))
    assert use_cases.fresh() == before
    return refused.value


@pytest.mark.parametrize(
    ("late", "status"), [(-1, Status.SCHEDULED), (0, Status.AWAITING_FEEDBACK), (1, Status.AWAITING_FEEDBACK)]
)
def test_ended_interviews_await_feedback(use_cases: UseCases, late: int, status: Status) -> None:
    use_cases.clock.instant = Instant(END + late)
    assert use_cases.schedule().status is status


def test_the_grace_counts_when_scheduling_too(use_cases: UseCases) -> None:
    use_cases.tenant.change_settings(grace=1_000)
    for late, status in ((999, Status.SCHEDULED), (1_000, Status.AWAITING_FEEDBACK)):
        use_cases.clock.instant = Instant(END + late)
        assert use_cases.schedule().status is status


def test_rescheduling_settles_the_status(use_cases: UseCases) -> None:
    made = use_cases.schedule()
    use_cases.clock.instant = Instant(END + 1)
    use_cases.change(made.id, location="Here")
    assert use_cases.get(made.id).status is Status.AWAITING_FEEDBACK, "without waiting for the clock"
    assert use_cases.tick() == 0
    use_cases.change(made.id, end=Moment(date_time=Instant(END + 2)))
    assert use_cases.get(made.id).status is Status.SCHEDULED
    use_cases.clock.instant = Instant(END + 2)
    assert use_cases.tick() == 1


def test_times_grow_though_the_clock_stands_still_or_goes_back(use_cases: UseCases) -> None:
    first = use_cases.schedule()
    second = use_cases.schedule()
    use_cases.clock.instant = Instant(BEFORE - 1_000_000)
    third = use_cases.schedule()
    times = [each.updated_at or 0 for each in (first, second, third)]
    assert times == [times[0], times[0] + 1, times[0] + 2]
    assert [each.created_at for each in (first, second, third)] == times


def test_the_same_record_again_is_not_a_change(use_cases: UseCases) -> None:
    made = use_cases.schedule(location="Here")
    before = use_cases.fresh()
    use_cases.change(made.id)
    use_cases.change(made.id, location="Here", start=made.start, external_event_id=made.external_event_id)
    assert use_cases.fresh() == before


def test_problems_of_the_request_come_before_those_of_the_schedule(use_cases: UseCases) -> None:
    mine = FieldProblem("location", "Must be text")
    refusal = refusal_of(use_cases, fields(application_id=1, interview_id=2, problems=(mine,)))
    assert refusal.code is Code.INVALID
    assert refusal.problems[0] is mine
    assert [each.field for each in refusal.problems] == ["location", "application_id", "interview_id"]


def test_without_a_user_nothing_is_done(use_cases: UseCases) -> None:
    assert refusal_of(use_cases, fields(on_behalf_of=None)).code is Code.INVALID
    assert refusal_of(use_cases, fields(on_behalf_of=1)).code is Code.NOT_FOUND
    made = use_cases.schedule()
    before = use_cases.fresh()

    async def cancel(unit: UnitOfWork) -> None:
        await scheduling.cancel(unit, await stored(unit, made.id), 1, "test")

    with pytest.raises(UnknownUserError):
        use_cases.in_unit(cancel)
    assert use_cases.fresh() == before


def test_a_conflict_names_the_seat_and_all_interviews(use_cases: UseCases) -> None:
    ids = [use_cases.schedule().id for _ in range(2)]
    use_cases.tenant.change_settings(DoubleBooking.REJECT)
    panel = tuple(InterviewerInput(user_id=each, response_status=ResponseStatus.ACCEPTED) for each in (GRACE, ADA))
    refusal = refusal_of(use_cases, fields(interviewers=panel))
    assert refusal.code is Code.CONFLICT
    assert refusal.problems == (FieldProblem("interviewers[1]", f"Overlaps interview {ids[0]}, {ids[1]}"),)


def test_an_interview_without_duration_keeps_nobody_busy(use_cases: UseCases) -> None:
    use_cases.tenant.change_settings(DoubleBooking.REJECT)
    use_cases.schedule()
    instant = Moment(date_time=Instant(START + 60_000))
    use_cases.schedule(start=instant, end=instant)
    use_cases.schedule(start=instant, end=instant)


def test_each_command_is_one_change_of_its_kind(use_cases: UseCases) -> None:
    made = use_cases.schedule()
    before = use_cases.fresh().revision
    use_cases.change(made.id, start=Moment(date_time=Instant(START + 1)), location="Here")
    both = tuple(InterviewerInput(user_id=each, response_status=ResponseStatus.TENTATIVE) for each in (ADA, GRACE))
    use_cases.change(made.id, interviewers=both, location="There")
    answered = tuple(InterviewerInput(user_id=each, response_status=ResponseStatus.ACCEPTED) for each in (ADA, GRACE))
    use_cases.change(made.id, interviewers=answered)
    use_cases.change(made.id, location="Nowhere")
    page = use_cases.run(use_cases.store.feed.after(use_cases.fresh(), before, 10))
    assert [each.kind for each in page.entries] == [Kind.RESCHEDULED, Kind.PANEL_CHANGED, Kind.RESPONDED, Kind.UPDATED]
