"""Holds, as their time passes."""

from rowen.api.codec import holds as codec
from rowen.app import holds
from rowen.app.bookings import BookingInput
from rowen.app.holds import HoldInput
from rowen.app.planning import PlanningRequest
from rowen.interviews.holds import HeldSession
from rowen.interviews.moments import Instant
from tests.support.use_case_harness import ADA, UseCases

MONDAY = int(Instant.parse("2031-02-03T09:00:00Z"))
HOUR = 3_600_000


def hold(use_cases: UseCases, application: int, start: int = MONDAY) -> int:
    session = HeldSession(start=start, end=start + HOUR, interviewers=(ADA,))
    asked = BookingInput(application_id=application, sessions=(session,), force=True, on_behalf_of=ADA)
    return use_cases.in_unit(lambda unit: holds.create_hold(unit, codec, HoldInput(asked, 10))).id


def bookings(use_cases: UseCases) -> int:
    """Return how much of Ada's time is taken, holds that have expired included until they are removed."""
    wanted = PlanningRequest((ADA,), (), MONDAY, MONDAY + HOUR)
    return len(use_cases.in_unit(lambda unit: unit.planning_facts(wanted)).holds.get(ADA, ()))


def test_an_expired_hold_is_free_for_others_and_removed_by_the_next(use_cases: UseCases) -> None:
    first = hold(use_cases, 5001)
    assert bookings(use_cases) == 1
    use_cases.clock.advance(11 * 60_000)
    assert hold(use_cases, 5001) > first
    assert bookings(use_cases) == 1
