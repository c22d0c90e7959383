"""Proposals for an interview whose interviewer cannot come, and the unit of work that carries one out."""

from collections.abc import Mapping
from typing import Final

import pytest

from rowen.api.codec import documents, scorecards, setups
from rowen.app.availability import replace_availability
from rowen.app.organizations import Organization
from rowen.app.planning import Facts, PlanningRequest
from rowen.app.records import AVAILABILITY
from rowen.app.repair import Broken, Moved, Proposals, Repair, propose, repair, undo_repair
from rowen.app.unit_of_work import UnitOfWork
from rowen.interviews.availability import WEEKDAYS, Availability, AvailabilityFields, Hours
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.interview import InterviewId, Moment, ResponseStatus, ScheduledInterview
from rowen.interviews.moments import Instant
from rowen.interviews.scheduling import InterviewerInput, InterviewFields
from tests.support.use_case_harness import ADA, END, GRACE, START, UseCases

_MINUTE: Final = 60_000
_HOUR: Final = 60 * _MINUTE
_KATE: Final = 4003
_WHOLE_DAY: Final = (8, 18)


@pytest.fixture
def team(use_cases: UseCases) -> UseCases:
    """Return the use cases of a team of three who work from 8 to 18 every day."""
    kate = {"id": _KATE, "name": "Kate", "emails": ["kate@team.example"], "site_admin": False}
    use_cases.tenant.merge_records("users", [kate])
    use_cases.tenant.merge_records("applications", [{"id": 5002, "status": "active"}])
    for user in (ADA, GRACE, _KATE):
        _works(use_cases, user, *_WHOLE_DAY)
    return use_cases


def _works(team: UseCases, user: int, begins: int, ends: int) -> None:
    value = Availability("UTC", dict.fromkeys(WEEKDAYS, (Hours(begins * 60, ends * 60),)))
    given = AvailabilityFields(value, ADA, ())
    team.in_unit(lambda unit: replace_availability(unit, setups, (AVAILABILITY, user), given, "test"))


def _panel(*users: int, answer: ResponseStatus = ResponseStatus.ACCEPTED) -> tuple[InterviewerInput, ...]:
    return tuple(InterviewerInput(user_id=each, response_status=answer) for each in users)


def _at(start: int, end: int | None = None) -> dict[str, Moment]:
    """Return the fields of a time; an hour, if no end is given."""
    ends = start + _HOUR if end is None else end
    return {"start": Moment(date_time=Instant(start)), "end": Moment(date_time=Instant(ends))}


class _Facts:
    """What is known, within a unit of work."""

    def __init__(self, unit: UnitOfWork) -> None:
        self._unit = unit

    async def read(self, organization: Organization, wanted: PlanningRequest) -> Facts:
        """Return what is known."""
        return await self._unit.planning_facts(wanted)


def _proposals(
    team: UseCases, interview: ScheduledInterview, seat: Mapping[int, int], *others: ScheduledInterview
) -> Proposals:
    day = sorted((interview, *others), key=lambda each: each.start.date_time or 0)
    broken = Broken(interview, ADA, seat, day)
    return team.in_unit(lambda unit: propose(_Facts(unit), unit.organization, broken, int(unit.now)))


def _repair(team: UseCases, interview: int, joining: int | None, *moves: Moved) -> ScheduledInterview:
    wanted = Repair(InterviewId(interview), ADA, joining, moves, GRACE)
    return documents.decode(team.in_unit(lambda unit: repair(unit, scorecards, wanted, "test")))


def _moved(proposals: Proposals, interview: ScheduledInterview) -> list[int]:
    """Return by how many minutes each proposal moves an interview."""
    start = interview.start.date_time or 0
    return [
        (each.start - start) // _MINUTE for moves in proposals.moves for each in moves if each.interview == interview.id
    ]


def test_others_of_the_seat_who_are_free_are_proposed_the_least_loaded_first(team: UseCases) -> None:
    broken = team.schedule(interviewers=_panel(ADA, answer=ResponseStatus.DECLINED))
    seat = {GRACE: 1, _KATE: 1, 999: 1}
    assert [each.joining for each in _proposals(team, broken, seat).swaps] == [GRACE, _KATE]
    team.schedule(interviewers=_panel(GRACE), application_id=5002, **_at(START + 24 * _HOUR))
    found = _proposals(team, broken, seat).swaps
    assert [(each.joining, each.name, each.load) for each in found] == [(_KATE, "Kate", 0), (GRACE, "Grace", 1)]
    team.schedule(interviewers=_panel(_KATE), application_id=5002, **_at(START + _HOUR // 2))
    assert [each.joining for each in _proposals(team, broken, seat).swaps] == [GRACE]
    _works(team, GRACE, 8, 10)
    assert not _proposals(team, broken, seat).swaps


def test_members_of_the_panel_are_not_proposed_again(team: UseCases) -> None:
    broken = team.schedule(interviewers=_panel(ADA, GRACE))
    assert [each.joining for each in _proposals(team, broken, {GRACE: 1, ADA: 1, _KATE: 1}).swaps] == [_KATE]


def test_a_shift_is_proposed_only_where_nobody_else_can_come_and_keeps_to_everything(team: UseCases) -> None:
    broken = team.schedule(interviewers=_panel(ADA, GRACE), location="Oak")
    assert _proposals(team, broken, {_KATE: 1}).moves == ()
    assert _moved(_proposals(team, broken, {}), broken) == [15, -15]
    team.schedule(interviewers=_panel(GRACE), application_id=5002, **_at(END))
    assert _moved(_proposals(team, broken, {}), broken) == [-15, -30], "Grace is taken right after"
    team.schedule(interviewers=_panel(_KATE), **_at(START - _HOUR - 20 * _MINUTE))
    assert _moved(_proposals(team, broken, {}), broken) == [-15], "the candidate is taken until 20 minutes before"
    _works(team, ADA, 10, 18)
    assert _moved(_proposals(team, broken, {}), broken) == []


def test_those_who_declined_keep_nobody_from_another_time(team: UseCases) -> None:
    panel = (*_panel(ADA), *_panel(GRACE, answer=ResponseStatus.DECLINED))
    broken = team.schedule(interviewers=panel)
    team.schedule(interviewers=_panel(GRACE), application_id=5002, **_at(END))
    assert _moved(_proposals(team, broken, {}), broken) == [15, -15]


def test_another_order_of_the_day_is_the_last_resort(team: UseCases) -> None:
    broken = team.schedule(interviewers=_panel(ADA))
    after = team.schedule(interviewers=_panel(GRACE), **_at(END, END + _HOUR // 2))
    _works(team, ADA, 10, 12)
    _works(team, GRACE, 10, 12)
    assert _moved(_proposals(team, broken, {}, after), broken) == [30]
    swapped = _proposals(team, broken, {}, after)
    (moves,) = swapped.moves
    assert {each.interview: each.start for each in moves} == {broken.id: START + _HOUR // 2, after.id: START}
    _works(team, GRACE, 11, 12)
    assert _proposals(team, broken, {}, after) == Proposals(moves=[])


def test_a_repair_is_one_unit_of_work_for_all_interviews(team: UseCases) -> None:
    broken = team.schedule(interviewers=_panel(ADA, answer=ResponseStatus.DECLINED))
    after = team.schedule(interviewers=_panel(GRACE), **_at(END))
    first, second = (Moved(InterviewId(broken.id), END, END + _HOUR), Moved(InterviewId(after.id), START, END))
    with pytest.raises(Refusal) as refused:
        _repair(team, broken.id, None, first)
    assert refused.value.code is Code.CONFLICT, "the candidate is in the other one then"
    _works(team, GRACE, 11, 18)
    with pytest.raises(Refusal):
        _repair(team, broken.id, None, first, second)
    assert team.get(broken.id) == broken
    _works(team, GRACE, 8, 18)
    done = _repair(team, broken.id, None, first, second)
    assert done.start.date_time == END
    assert done.interviewers[0].response_status is ResponseStatus.NEEDS_ACTION
    assert done.organizer is not None
    assert done.organizer.id == GRACE
    assert team.get(after.id).start.date_time == START
    earlier = {
        InterviewId(each.id): InterviewFields(start=each.start, end=each.end, on_behalf_of=GRACE)
        for each in (broken, after)
    }
    team.in_unit(lambda unit: undo_repair(unit, scorecards, earlier, "test"))
    assert [team.get(each.id).start for each in (broken, after)] == [broken.start, after.start]


def test_a_swap_keeps_the_order_of_the_panel_and_the_answers_of_others(team: UseCases) -> None:
    broken = team.schedule(interviewers=_panel(ADA, GRACE))
    done = _repair(team, broken.id, _KATE)
    assert [(each.id, each.response_status) for each in done.interviewers] == [
        (_KATE, ResponseStatus.NEEDS_ACTION),
        (GRACE, ResponseStatus.ACCEPTED),
    ]


def test_a_swap_with_somebody_who_is_taken_by_now_is_a_conflict(team: UseCases) -> None:
    broken = team.schedule(interviewers=_panel(ADA))
    team.schedule(interviewers=_panel(_KATE), application_id=5002)
    with pytest.raises(Refusal) as refused:
        _repair(team, broken.id, _KATE)
    assert refused.value.code is Code.CONFLICT
    assert team.get(broken.id) == broken


def test_interviews_of_days_and_of_others_are_not_repaired(team: UseCases) -> None:
    broken, other = team.schedule(interviewers=_panel(ADA)), team.schedule(application_id=5002, **_at(END))
    for moves in (
        [Moved(InterviewId(other.id), START, END)],
        [Moved(InterviewId(broken.id), END, END + _HOUR), Moved(InterviewId(other.id), START, END)],
        [Moved(InterviewId(broken.id), END, END + _HOUR)] * 2,
    ):
        with pytest.raises(Refusal) as refused:
            _repair(team, broken.id, None, *moves)
        assert refused.value.code is Code.INVALID
    for unknown, code in ((999, Code.NOT_FOUND), (broken.id, Code.INVALID)):
        with pytest.raises(Refusal) as refused:
            _repair(team, unknown, 999)
        assert refused.value.code is code
