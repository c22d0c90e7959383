"""The rules of scheduling, at the desk: boundaries of time, what is no change, and that a refusal leaves no trace."""

import pytest

from rowen.app import scheduling
from rowen.app.desk import Desk
from rowen.app.ports import DoubleBooking
from rowen.interviews.changes import Kind
from rowen.interviews.errors import Code, FieldProblem, Refusal
from rowen.interviews.interview import Moment, ResponseStatus, Status
from rowen.interviews.moments import Instant
from rowen.interviews.scheduling import InterviewFields, Seat
from tests.unit.app.office import ADA, BEFORE, END, GRACE, START, Office, fields, stored


def refusal_of(office: Office, asked: InterviewFields) -> Refusal:
    """Require that an interview is refused and nothing written, and return why."""
    before = office.fresh()
    with pytest.raises(Refusal) as refused:
        office.at_desk(lambda desk: scheduling.schedule(desk, asked, "test"))
    assert office.fresh() == before
    return refused.value


@pytest.mark.parametrize(
    ("late", "status"), [(-1, Status.SCHEDULED), (0, Status.AWAITING_FEEDBACK), (1, Status.AWAITING_FEEDBACK)]
)
def test_what_has_ended_by_now_awaits_feedback(office: Office, late: int, status: Status) -> None:
    office.now = Instant(END + late)
    assert office.schedule().status is status


def test_the_grace_counts_when_scheduling_too(office: Office) -> None:
    office.run(office.store.organizations.change("team", None, 1_000))
    for late, status in ((999, Status.SCHEDULED), (1_000, Status.AWAITING_FEEDBACK)):
        office.now = Instant(END + late)
        assert office.schedule().status is status


def test_rescheduling_settles_the_status(office: Office) -> None:
    made = office.schedule()
    office.now = Instant(END + 1)
    office.change(made.id, location="Here")
    assert office.get(made.id).status is Status.AWAITING_FEEDBACK, "without waiting for the clock"
    assert office.tick() == 0
    office.change(made.id, end=Moment(date_time=Instant(END + 2)))
    assert office.get(made.id).status is Status.SCHEDULED
    office.now = Instant(END + 2)
    assert office.tick() == 1


def test_times_grow_though_the_clock_stands_still_or_goes_back(office: Office) -> None:
    first = office.schedule()
    second = office.schedule()
    office.now = Instant(BEFORE - 1_000_000)
    third = office.schedule()
    times = [each.updated_at or 0 for each in (first, second, third)]
    assert times == [times[0], times[0] + 1, times[0] + 2]
    assert [each.created_at for each in (first, second, third)] == times


def test_the_same_again_is_no_change(office: Office) -> None:
    made = office.schedule(location="Here")
    before = office.fresh()
    office.change(made.id)
    office.change(made.id, location="Here", start=made.start, external_event_id=made.external_event_id)
    assert office.fresh() == before


def test_problems_of_the_request_come_before_those_of_the_schedule(office: Office) -> None:
    mine = FieldProblem("location", "Must be text")
    refusal = refusal_of(office, fields(application_id=1, interview_id=2, problems=(mine,)))
    assert refusal.code is Code.INVALID
    assert refusal.problems[0] is mine
    assert [each.field for each in refusal.problems] == ["location", "application_id", "interview_id"]


def test_without_a_user_nothing_is_done(office: Office) -> None:
    assert refusal_of(office, fields(on_behalf_of=None)).code is Code.INVALID
    assert refusal_of(office, fields(on_behalf_of=1)).code is Code.NOT_FOUND
    made = office.schedule()
    before = office.fresh()

    async def cancel(desk: Desk) -> None:
        await scheduling.cancel(desk, await stored(desk, made.id), None, "test")

    with pytest.raises(Refusal) as refused:
        office.at_desk(cancel)
    assert refused.value.problems == (scheduling.MISSING_USER,)
    assert office.fresh() == before


def test_a_conflict_names_the_seat_and_all_interviews(office: Office) -> None:
    ids = [office.schedule().id for _ in range(2)]
    office.run(office.store.organizations.change("team", DoubleBooking.REJECT, None))
    panel = tuple(Seat(user_id=each, response_status=ResponseStatus.ACCEPTED) for each in (GRACE, ADA))
    refusal = refusal_of(office, fields(interviewers=panel))
    assert refusal.code is Code.CONFLICT
    assert refusal.problems == (FieldProblem("interviewers[1]", f"Overlaps interview {ids[0]}, {ids[1]}"),)


def test_what_takes_no_time_keeps_nobody_busy(office: Office) -> None:
    office.run(office.store.organizations.change("team", DoubleBooking.REJECT, None))
    office.schedule()
    instant = Moment(date_time=Instant(START + 60_000))
    office.schedule(start=instant, end=instant)
    office.schedule(start=instant, end=instant)


def test_each_command_is_one_change_of_its_kind(office: Office) -> None:
    made = office.schedule()
    before = office.fresh().revision
    office.change(made.id, start=Moment(date_time=Instant(START + 1)), location="Here")
    both = tuple(Seat(user_id=each, response_status=ResponseStatus.TENTATIVE) for each in (ADA, GRACE))
    office.change(made.id, interviewers=both, location="There")
    answered = tuple(Seat(user_id=each, response_status=ResponseStatus.ACCEPTED) for each in (ADA, GRACE))
    office.change(made.id, interviewers=answered)
    office.change(made.id, location="Nowhere")
    page = office.run(office.store.feed.after(office.fresh(), before, 10))
    assert [each.kind for each in page.entries] == [Kind.RESCHEDULED, Kind.PANEL_CHANGED, Kind.RESPONDED, Kind.UPDATED]
