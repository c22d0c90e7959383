"""Who sits on a panel, at the desk."""

import pytest

from rowen.app.desk import Desk
from rowen.app.panels import resolve_panel, with_scorecards
from rowen.interviews.errors import FieldProblem
from rowen.interviews.interview import Interviewer, Moment, ResponseStatus, ScheduledInterview, Status
from rowen.interviews.moments import Instant
from rowen.interviews.scheduling import InterviewFields, Seat
from tests.unit.app.office import ADA, GRACE, Office

ACCEPTED = ResponseStatus.ACCEPTED


def resolved(
    office: Office, *seats: Seat, present: tuple[Interviewer, ...] = (), knows_guests: bool = True
) -> tuple[tuple[Interviewer, ...], list[FieldProblem]]:
    """Return the panel that seats make in place of who is present, and what is wrong with it."""
    found: list[FieldProblem] = []
    asked = InterviewFields(interviewers=seats, knows_guests=knows_guests)
    at = Moment(date_time=Instant(0))
    before = ScheduledInterview(id=1, application_id=1, start=at, end=at, status=Status.SCHEDULED, interviewers=present)

    async def work(desk: Desk) -> tuple[Interviewer, ...]:
        return await with_scorecards(desk, before, await resolve_panel(desk, asked, found))

    return office.at_desk(work), found


def test_no_panel_asked_for_is_none(office: Office) -> None:
    assert office.at_desk(lambda desk: resolve_panel(desk, InterviewFields(), [])) == ()


def test_a_seat_of_which_nothing_could_be_read_tells_nothing_more(office: Office) -> None:
    assert resolved(office, Seat()) == ((), [])
    assert resolved(office, Seat(response_status=ACCEPTED), knows_guests=False) == ((), [])


def test_guests_and_users_keep_the_scorecards_they_have(office: Office) -> None:
    present = (
        Interviewer(id=ADA, response_status=ACCEPTED, scorecard_id=11),
        Interviewer(email="Guest@Elsewhere.example", response_status=ACCEPTED, scorecard_id=12),
    )
    seats = [
        Seat(email="guest@elsewhere.example", response_status=ACCEPTED),
        Seat(user_id=GRACE, response_status=ACCEPTED),
        Seat(email=f"{ADA}@TEAM.example", response_status=ACCEPTED),
    ]
    panel, found = resolved(office, *seats, present=present)
    assert found == []
    assert [(each.id, each.scorecard_id) for each in panel] == [(None, 12), (GRACE, None), (ADA, 11)]


@pytest.mark.parametrize("knows_guests", [True, False])
def test_every_bad_seat_is_told(office: Office, *, knows_guests: bool) -> None:
    seats = (
        Seat(user_id=1, response_status=ACCEPTED),
        Seat(user_id=ADA, email=f"{GRACE}@team.example", response_status=ACCEPTED),
        Seat(user_id=ADA, response_status=ACCEPTED),
        Seat(email=f"{ADA}@team.example", response_status=ACCEPTED),
        Seat(email="nobody@elsewhere.example", response_status=ACCEPTED),
    )
    panel, found = resolved(office, *seats, knows_guests=knows_guests)
    told = ["interviewers[0].user_id", "interviewers[1]", "interviewers[3]"]
    assert [each.field for each in found] == told + ([] if knows_guests else ["interviewers[4].email"])
    assert [each.id for each in panel] == [ADA, None][: 2 if knows_guests else 1]
