"""Answering an invitation to an interview.

Owns what an interviewer may change alone: the own answer. Unlike other changes it leaves the organizer as it is. Must
not know pages or SQL.
"""

import msgspec

from rowen.app.double_booking import check_double_booking
from rowen.app.scheduling import actor_of, require_changeable, require_user, settled
from rowen.app.unit_of_work import UnitOfWork
from rowen.interviews.changes import Change, Kind
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.interview import InterviewId, ResponseStatus
from rowen.interviews.lifecycle import Command


async def answer(
    unit: UnitOfWork, identifier: InterviewId, user_id: int, response: ResponseStatus, key_name: str
) -> bytes:
    """Store a user's answer, and return the interview's document.

    Raises Refusal: not found, if the user is not on the panel; invalid, if the interview cannot be changed; conflict,
    if the user would be booked twice and may not be.
    """
    user = await require_user(unit, user_id)
    stored = await unit.interview(identifier)
    if stored is None or all(each.id != user_id for each in stored.interview.interviewers):
        raise Refusal(Code.NOT_FOUND)
    await require_changeable(unit, stored, Command.CHANGE)
    before = stored.interview
    panel = tuple(
        msgspec.structs.replace(each, response_status=response) if each.id == user_id else each
        for each in before.interviewers
    )
    after = settled(unit, Command.CHANGE, before.status, msgspec.structs.replace(before, interviewers=panel))
    if after == before:
        return stored.document
    await check_double_booking(unit, before, after)
    await unit.begin_change()
    return await unit.save(before, after, Change(Kind.RESPONDED, actor_of(user, key_name)))
