"""The rules within one record."""

from datetime import UTC, date
from zoneinfo import ZoneInfo

import msgspec
import pytest

from rowen.interviews.errors import Code, FieldProblem, Refusal
from rowen.interviews.interview import Interviewer, Moment, ResponseStatus, ScheduledInterview, Status, problems
from rowen.interviews.moments import Instant

NINE, TEN = Moment(date_time=Instant.parse("2024-03-26T09")), Moment(date_time=Instant.parse("2024-03-26T10"))
MONDAY, TUESDAY = Moment(date=date(2024, 3, 25)), Moment(date=date(2024, 3, 26))


def interview(start: Moment, end: Moment, *interviewers: Interviewer) -> ScheduledInterview:
    return ScheduledInterview(
        id=1, application_id=2, start=start, end=end, status=Status.SCHEDULED, interviewers=interviewers
    )


def interviewer(identifier: int | None = None, email: str | None = None) -> Interviewer:
    return Interviewer(id=identifier, email=email, response_status=ResponseStatus.ACCEPTED)


def test_a_moment_is_a_time_or_a_date() -> None:
    with pytest.raises(ValueError, match="either"):
        Moment()
    with pytest.raises(ValueError, match="either"):
        Moment(date_time=Instant(0), date=date(1970, 1, 1))
    assert Moment(date_time=Instant(0)).instant(UTC) == 0, "the epoch is a time"


def test_a_date_begins_where_the_organization_is() -> None:
    assert TUESDAY.instant(UTC) == Instant.parse("2024-03-26")
    assert TUESDAY.instant(ZoneInfo("Asia/Tokyo")) == Instant.parse("2024-03-26T00:00+09:00")
    assert NINE.instant(ZoneInfo("Asia/Tokyo")) == NINE.date_time


def test_a_date_that_begins_without_midnight_has_an_instant() -> None:
    """In São Paulo the clocks went from 00:00 to 01:00 on that day."""
    assert Moment(date=date(2018, 11, 4)).instant(ZoneInfo("America/Sao_Paulo")) == Instant.parse("2018-11-04T03:00Z")


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        (NINE, TEN, None),
        (NINE, NINE, None),
        (TEN, NINE, "is before the start"),
        (MONDAY, TUESDAY, None),
        (MONDAY, MONDAY, None),
        (TUESDAY, MONDAY, "is before the start"),
        (NINE, TUESDAY, "must be a date if the start is a date, and a time if it is a time"),
        (MONDAY, NINE, "must be a date if the start is a date, and a time if it is a time"),
        (Moment(date_time=Instant(-1)), Moment(date_time=Instant(0)), None),
        (Moment(date_time=Instant(1)), Moment(date_time=Instant(0)), "is before the start"),
        (Moment(date_time=Instant(0)), Moment(date_time=Instant(-1)), "is before the start"),
    ],
)
def test_start_and_end_belong_together(start: Moment, end: Moment, message: str | None) -> None:
    assert problems(interview(start, end)) == ([] if message is None else [FieldProblem("end", message)])


def test_a_guest_needs_an_address() -> None:
    panel = (interviewer(1), interviewer(email="a@b.example"), interviewer(), interviewer(2, ""), interviewer(email=""))
    message = "is needed where there is no id"
    assert problems(interview(NINE, TEN, *panel)) == [
        FieldProblem("interviewers[2].email", message),
        FieldProblem("interviewers[4].email", message),
    ]


def test_every_problem_is_reported() -> None:
    assert len(problems(interview(TEN, NINE, interviewer(), interviewer()))) == 3


def test_values_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        interview(NINE, TEN).id = 3  # type: ignore[misc]


def test_fields_stand_in_the_order_in_which_they_are_served() -> None:
    assert " ".join(field.name for field in msgspec.structs.fields(ScheduledInterview)) == (
        "id application_id external_event_id start end location video_conferencing_url status created_at updated_at "
        "interview organizer interviewers"
    )


def test_a_refusal_shows_its_message_or_its_code() -> None:
    assert str(Refusal(Code.NOT_FOUND)) == "not_found"
    assert str(Refusal(Code.CONFLICT, "taken")) == "taken"
