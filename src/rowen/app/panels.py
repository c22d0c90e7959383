"""Who sits on a panel: from what a client named to users and guests.

Owns how interviewers are found and what is wrong with a panel (contract section 4). Must not know JSON or SQL.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from rowen.app.desk import Desk
from rowen.app.records import SCORECARDS
from rowen.interviews.errors import FieldProblem
from rowen.interviews.interview import Interviewer, ResponseStatus, ScheduledInterview
from rowen.interviews.people import Person, User, UserId, fold, person_of
from rowen.interviews.scheduling import UNSET, InterviewFields, Seat
from rowen.interviews.scorecards import SUBMITTED


async def resolve_panel(desk: Desk, fields: InterviewFields, found: list[FieldProblem]) -> tuple[Interviewer, ...]:
    """Return the panel that a client asks for, without scorecards. Adds problems to `found`."""
    if fields.interviewers is UNSET:
        return ()
    seated: dict[Person, int] = {}
    panel = []
    for position, seat in enumerate(fields.interviewers):
        place = f"interviewers[{position}]"
        interviewer = await _resolve(desk, seat, place, found, knows_guests=fields.knows_guests)
        if interviewer is None:
            continue
        person = person_of(interviewer.id, interviewer.email)
        if person in seated:
            found.append(FieldProblem(place, f"Must not name the same person as interviewers[{seated[person]}]"))
            continue
        seated[person] = position
        panel.append(interviewer)
    return tuple(panel)


async def with_scorecards(
    desk: Desk, before: ScheduledInterview, panel: tuple[Interviewer, ...]
) -> tuple[Interviewer, ...]:
    """Return the new panel of an interview with the scorecards of those who stay, and of those who come back."""
    present = {person_of(each.id, each.email): each.scorecard_id for each in before.interviewers}
    if any(person_of(each.id, each.email) not in present for each in panel):
        for user, scorecard in (await submitted_scorecards(desk, before.id)).items():
            present.setdefault(person_of(user, None), scorecard)
    return tuple(
        msgspec.structs.replace(each, scorecard_id=present.get(person_of(each.id, each.email))) for each in panel
    )


class _Author(msgspec.Struct):
    id: int


class _Handed(msgspec.Struct):
    """What a stored scorecard says of whose it is."""

    interviewer: _Author


_handed: Final = msgspec.json.Decoder(_Handed)


async def submitted_scorecards(desk: Desk, interview: int) -> dict[int, int]:
    """Return the scorecards that were handed in for an interview, by the user who interviewed."""
    found = await desk.records_by_term(SCORECARDS, "scheduled_interview_id", str(interview))
    return {
        _handed.decode(each.document).interviewer.id: each.id
        for each in found
        if each.document is not None and each.status == SUBMITTED
    }


async def _resolve(
    desk: Desk, seat: Seat, place: str, found: list[FieldProblem], *, knows_guests: bool
) -> Interviewer | None:
    """Return the member of the panel that a seat names; None where it names nobody, or nobody for certain."""
    named = await _named(desk, seat)
    users = {user.id: user for users in named.values() for user in users}
    missing = [field for field, users_named in named.items() if not users_named]
    is_guest = missing == ["email"] and not users and len(named) == 1
    if is_guest and knows_guests:
        return _guest(seat)
    if missing:
        found += [FieldProblem(f"{place}.{field}", "Must be a user's") for field in missing]
        return None
    agreed = [user for user in users.values() if all(user in users_named for users_named in named.values())]
    if len(agreed) == 1:
        return _user(agreed[0], seat, place, found)
    if named:
        told = "Must name one user (several have it)" if agreed else "Must all name the same user"
        found.append(FieldProblem(f"{place}.{next(iter(named))}" if agreed else place, told))
    return None


async def _named(desk: Desk, seat: Seat) -> dict[str, Sequence[User]]:
    """Return the users that each identifier of a seat stands for."""
    named: dict[str, Sequence[User]] = {}
    if seat.user_id is not None:
        user = await desk.user(UserId(seat.user_id))
        named["user_id"] = () if user is None else (user,)
    if seat.email is not None:
        named["email"] = await desk.users_by_email(fold(seat.email))
    if seat.employee_id is not None:
        named["employee_id"] = await desk.users_by_employee_id(seat.employee_id)
    return named


def _user(user: User, seat: Seat, place: str, found: list[FieldProblem]) -> Interviewer:
    if seat.name is not None and seat.name != user.name:
        found.append(FieldProblem(f"{place}.name", "Must be the user's own, or be left out"))
    return user.interviewer(seat.response_status or ResponseStatus.NEEDS_ACTION)


def _guest(seat: Seat) -> Interviewer:
    return Interviewer(
        name=seat.name, email=seat.email, response_status=seat.response_status or ResponseStatus.NEEDS_ACTION
    )
