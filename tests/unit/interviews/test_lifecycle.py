"""The table of an interview's life: every state, every command, every situation."""

import pytest

from rowen.interviews.errors import Code, Refusal
from rowen.interviews.interview import Interviewer, ResponseStatus, Status
from rowen.interviews.lifecycle import (
    ABSENT,
    TABLE,
    Becomes,
    Command,
    Refused,
    Situation,
    State,
    require,
    situation,
    status_after,
)
from rowen.interviews.moments import Instant

STATES: tuple[State, ...] = (ABSENT, *Status)
SETTLED = (Status.SCHEDULED, Status.AWAITING_FEEDBACK, Status.COMPLETE)
"""The statuses of an open interview: before its end, after it, and with every scorecard."""

EXPECTED: dict[tuple[State, Command], tuple[State, State, State] | str] = {
    (ABSENT, Command.CREATE): (Status.SCHEDULED, Status.AWAITING_FEEDBACK, Status.SCHEDULED),
    **{(ABSENT, command): "does not exist" for command in Command if command is not Command.CREATE},
    **{(status, Command.CREATE): "exists already" for status in Status},
    **{
        (status, command): SETTLED
        for status in (Status.SCHEDULED, Status.AWAITING_FEEDBACK)
        for command in (Command.CHANGE, Command.SUBMIT_SCORECARD, Command.DELETE_SCORECARD, Command.TIME_PASSES)
    },
    (Status.SCHEDULED, Command.CANCEL): (ABSENT, ABSENT, ABSENT),
    (Status.AWAITING_FEEDBACK, Command.CANCEL): (ABSENT, ABSENT, ABSENT),
    (Status.COMPLETE, Command.CHANGE): "is complete",
    (Status.COMPLETE, Command.CANCEL): "is complete",
    (Status.COMPLETE, Command.SUBMIT_SCORECARD): (Status.COMPLETE, Status.COMPLETE, Status.COMPLETE),
    (Status.COMPLETE, Command.TIME_PASSES): (Status.COMPLETE, Status.COMPLETE, Status.COMPLETE),
    (Status.COMPLETE, Command.DELETE_SCORECARD): SETTLED,
}


def test_the_table_has_a_cell_for_every_state_and_command() -> None:
    assert TABLE.keys() == {(state, command) for state in STATES for command in Command} == EXPECTED.keys()


@pytest.mark.parametrize("command", Command, ids=lambda command: command.name.lower())
@pytest.mark.parametrize("state", STATES, ids=lambda state: state.value)
def test_each_cell_names_the_next_state_or_the_reason_for_none(state: State, command: Command) -> None:
    expected = EXPECTED[state, command]
    if isinstance(expected, str):
        with pytest.raises(Refusal, match="invalid") as refused:
            require(state, command)
        assert refused.value.code is Code.INVALID
        (problem,) = refused.value.problems
        assert problem.field == "status"
        assert expected in problem.message
        assert isinstance(TABLE[state, command], Refused)
        return
    rule = require(state, command)
    assert isinstance(rule, Becomes)
    found = tuple(rule.state(each) for each in (Situation.AHEAD, Situation.ENDED, Situation.ALL_SCORED))
    assert found == expected


def test_an_interview_that_is_gone_has_no_status() -> None:
    with pytest.raises(TypeError):
        status_after(require(Status.SCHEDULED, Command.CANCEL), Situation.AHEAD)


def _interviewer(identifier: int | None, scorecard: int | None) -> Interviewer:
    email = "guest@example.com" if identifier is None else None
    return Interviewer(id=identifier, email=email, response_status=ResponseStatus.DECLINED, scorecard_id=scorecard)


NOW = Instant.parse("2026-01-01T12:00:00.000Z")


@pytest.mark.parametrize(
    ("scorecards", "due_at", "expected"),
    [
        ({}, NOW + 1, Situation.AHEAD),
        ({}, NOW, Situation.ENDED),
        ({1: 11, 2: None}, NOW - 1, Situation.ENDED),
        ({1: 11, 2: 12}, NOW + 1, Situation.ALL_SCORED),
        ({1: 11, None: None}, NOW - 1, Situation.ALL_SCORED),
        ({None: None}, NOW - 1, Situation.ENDED),
    ],
)
def test_a_panel_is_complete_when_every_user_of_it_has_handed_in_a_scorecard(
    scorecards: dict[int | None, int | None], due_at: int, expected: Situation
) -> None:
    panel = tuple(_interviewer(identifier, scorecard) for identifier, scorecard in scorecards.items())
    assert situation(panel, Instant(due_at), NOW) is expected
