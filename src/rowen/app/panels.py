"""The members of a panel: from what a client named to users and guests.

Owns how interviewers are found and what is wrong with a panel (contract section 4). Must not know JSON or SQL.
"""

from collections.abc import Sequence

import msgspec

from rowen.app.records import SCORECARDS, ScorecardCodec
from rowen.app.unit_of_work import UnitOfWork
from rowen.interviews.errors import Problems
from rowen.interviews.interview import Interviewer, ResponseStatus, ScheduledInterview
from rowen.interviews.people import Person, User, UserId, fold, person_of
from rowen.interviews.scheduling import UNSET, InterviewerInput, InterviewFields
from rowen.interviews.scorecards import SUBMITTED


async def resolve_panel(
    unit: UnitOfWork, fields: InterviewFields, problems: Problems, present: Sequence[Interviewer] = ()
) -> tuple[Interviewer, ...]:
    """Return the panel that a client asks for, without scorecards, and note its problems.

    A member without an answer keeps the one that the `present` panel has, or has not answered yet.
    """
    if fields.interviewers is UNSET:
        return ()
    answers = {person_of(each.id, each.email): each.response_status for each in present}
    positions: dict[Person, int] = {}
    panel = []
    for position, named in enumerate(fields.interviewers):
        path = f"interviewers[{position}]"
        interviewer = await _resolve(unit, named, path, problems, knows_guests=fields.knows_guests)
        if interviewer is None:
            continue
        person = person_of(interviewer.id, interviewer.email)
        if person in positions:
            problems.note(path, f"Must not name the same person as interviewers[{positions[person]}]")
            continue
        positions[person] = position
        if named.response_status is None and person in answers:
            interviewer = msgspec.structs.replace(interviewer, response_status=answers[person])
        panel.append(interviewer)
    return tuple(panel)


async def with_scorecards(
    unit: UnitOfWork, codec: ScorecardCodec, before: ScheduledInterview, panel: tuple[Interviewer, ...]
) -> tuple[Interviewer, ...]:
    """Return the new panel of an interview with the scorecards of members who stay or come back."""
    present = {person_of(each.id, each.email): each.scorecard_id for each in before.interviewers}
    if any(person_of(each.id, each.email) not in present for each in panel):
        for user, scorecard in (await _submitted_scorecards(unit, codec, before.id)).items():
            present.setdefault(person_of(user, None), scorecard)
    return tuple(
        msgspec.structs.replace(each, scorecard_id=present.get(person_of(each.id, each.email))) for each in panel
    )


async def _submitted_scorecards(unit: UnitOfWork, codec: ScorecardCodec, interview: int) -> dict[int, int]:
    """Return the submitted scorecards of an interview, by the id of their interviewer."""
    records = await unit.records_by_term(SCORECARDS, "scheduled_interview_id", str(interview))
    return {
        codec.interviewer_id(each.document): each.id
        for each in records
        if each.document is not None and each.status == SUBMITTED
    }


async def _resolve(
    unit: UnitOfWork, named: InterviewerInput, path: str, problems: Problems, *, knows_guests: bool
) -> Interviewer | None:
    """Return the interviewer that a client named; None, after noting a problem, if that is nobody or ambiguous."""
    matches = await _matches(unit, named)
    missing = [field for field, users in matches.items() if not users]
    if knows_guests and missing == ["email"] and len(matches) == 1:
        return _guest(named)
    for field in missing:
        problems.note(f"{path}.{field}", "Must be a user's")
    if missing or not matches:
        return None
    user = _common_user(matches, path, problems)
    if user is None:
        return None
    if named.name is not None and named.name != user.name:
        problems.note(f"{path}.name", "Must be the user's own, or be left out")
    return user.interviewer(named.response_status or ResponseStatus.NEEDS_ACTION)


def _common_user(matches: dict[str, Sequence[User]], path: str, problems: Problems) -> User | None:
    """Return the one user whom all identifiers match; None, after noting a problem, if there is no such user."""
    users = {user.id: user for match in matches.values() for user in match}
    common = [user for user in users.values() if all(user in match for match in matches.values())]
    if len(common) == 1:
        return common[0]
    if common:
        problems.note(f"{path}.{next(iter(matches))}", "Must name one user (several have it)")
    else:
        problems.note(path, "Must all name the same user")
    return None


async def _matches(unit: UnitOfWork, named: InterviewerInput) -> dict[str, Sequence[User]]:
    """Return the users that each identifier of an interviewer matches."""
    matches: dict[str, Sequence[User]] = {}
    if named.user_id is not None:
        user = await unit.user(UserId(named.user_id))
        matches["user_id"] = () if user is None else (user,)
    if named.email is not None:
        matches["email"] = await unit.users_by_email(fold(named.email))
    if named.employee_id is not None:
        matches["employee_id"] = await unit.users_by_employee_id(named.employee_id)
    return matches


def _guest(named: InterviewerInput) -> Interviewer:
    status = named.response_status or ResponseStatus.NEEDS_ACTION
    return Interviewer(name=named.name, email=named.email, response_status=status)
