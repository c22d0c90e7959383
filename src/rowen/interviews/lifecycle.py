"""The life of an interview: the state that each command leads to from each state, as one table.

Owns the table and how it is applied (contract section 5). Must not know who gives a command or how it is spelled, and
reads no clock: the time is a parameter.
"""

from enum import Enum, StrEnum
from typing import Final, NamedTuple

from rowen.interviews.errors import Code, FieldProblem, Refusal
from rowen.interviews.interview import Interviewer, Status
from rowen.interviews.moments import Instant


class Command(StrEnum):
    """A command that changes an interview."""

    CREATE = "create"
    CHANGE = "change"
    SUBMIT_SCORECARD = "submit a scorecard"
    DELETE_SCORECARD = "delete a scorecard"
    TIME_PASSES = "time passes"
    CANCEL = "cancel"


class Situation(Enum):
    """The situation after a command, on which the next state depends."""

    AHEAD = "its end is ahead"
    ENDED = "its end has passed"
    ALL_SCORED = "every scorecard is in"


class Absent(Enum):
    """The states without an interview: before it is created, and after it is cancelled."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT
State = Status | Absent


class Becomes(NamedTuple):
    """The state that follows, by situation."""

    ahead: State
    ended: State
    all_scored: State

    def state(self, situation: Situation) -> State:
        """Return the state that follows in a situation."""
        return {Situation.AHEAD: self.ahead, Situation.ENDED: self.ended, Situation.ALL_SCORED: self.all_scored}[
            situation
        ]


class Refused(NamedTuple):
    """Why a command is refused."""

    reason: str


_SETTLES: Final = Becomes(Status.SCHEDULED, Status.AWAITING_FEEDBACK, Status.COMPLETE)
_STAYS_COMPLETE: Final = Becomes(Status.COMPLETE, Status.COMPLETE, Status.COMPLETE)
_VANISHES: Final = Becomes(ABSENT, ABSENT, ABSENT)
_EXISTS: Final = Refused("exists already")
_MISSING: Final = Refused("does not exist")
_COMPLETE: Final = Refused("is complete: only interviews that are scheduled or awaiting feedback can be changed")
_COMPLETE_STAYS: Final = Refused("is complete: only interviews that are scheduled or awaiting feedback can be deleted")

TABLE: Final[dict[tuple[State, Command], Becomes | Refused]] = {
    (ABSENT, Command.CREATE): _SETTLES._replace(all_scored=Status.SCHEDULED),
    (ABSENT, Command.CHANGE): _MISSING,
    (ABSENT, Command.SUBMIT_SCORECARD): _MISSING,
    (ABSENT, Command.DELETE_SCORECARD): _MISSING,
    (ABSENT, Command.TIME_PASSES): _MISSING,
    (ABSENT, Command.CANCEL): _MISSING,
    (Status.SCHEDULED, Command.CREATE): _EXISTS,
    (Status.SCHEDULED, Command.CHANGE): _SETTLES,
    (Status.SCHEDULED, Command.SUBMIT_SCORECARD): _SETTLES,
    (Status.SCHEDULED, Command.DELETE_SCORECARD): _SETTLES,
    (Status.SCHEDULED, Command.TIME_PASSES): _SETTLES,
    (Status.SCHEDULED, Command.CANCEL): _VANISHES,
    (Status.AWAITING_FEEDBACK, Command.CREATE): _EXISTS,
    (Status.AWAITING_FEEDBACK, Command.CHANGE): _SETTLES,
    (Status.AWAITING_FEEDBACK, Command.SUBMIT_SCORECARD): _SETTLES,
    (Status.AWAITING_FEEDBACK, Command.DELETE_SCORECARD): _SETTLES,
    (Status.AWAITING_FEEDBACK, Command.TIME_PASSES): _SETTLES,
    (Status.AWAITING_FEEDBACK, Command.CANCEL): _VANISHES,
    (Status.COMPLETE, Command.CREATE): _EXISTS,
    (Status.COMPLETE, Command.CHANGE): _COMPLETE,
    # Imported as complete, it may still lack a scorecard.
    (Status.COMPLETE, Command.SUBMIT_SCORECARD): _STAYS_COMPLETE,
    (Status.COMPLETE, Command.DELETE_SCORECARD): _SETTLES,
    (Status.COMPLETE, Command.TIME_PASSES): _STAYS_COMPLETE,
    (Status.COMPLETE, Command.CANCEL): _COMPLETE_STAYS,
}


def require(state: State, command: Command) -> Becomes:
    """Return the rule for a command in a state. Raises Refusal (invalid) with the reason if the command is refused."""
    rule = TABLE[state, command]
    if isinstance(rule, Refused):
        raise Refusal(Code.INVALID, problems=(FieldProblem("status", f"The interview {rule.reason}"),))
    return rule


def situation(interviewers: tuple[Interviewer, ...], due_at: Instant, now: Instant) -> Situation:
    """Return the situation at `now` of a panel whose scorecards are due from `due_at` on.

    Only users can submit scorecards: guests are not waited for, but a panel of guests alone is never complete.
    """
    users = [each for each in interviewers if each.id is not None]
    if users and all(each.scorecard_id is not None for each in users):
        return Situation.ALL_SCORED
    return Situation.ENDED if due_at <= now else Situation.AHEAD


def status_after(rule: Becomes, now_is: Situation) -> Status:
    """Return the status that a rule leads to, for rules after which the interview still exists."""
    state = rule.state(now_is)
    if not isinstance(state, Status):
        raise TypeError("the interview is gone")
    return state
