"""Handing in scorecards and taking them back.

Owns the rules of feedback: who owes it, when it is final, and what it makes of the interview. Must not know JSON, HTTP
or SQL.
"""

from typing import Final, NamedTuple, Protocol
from zoneinfo import ZoneInfo

import msgspec

from rowen.app.desk import Desk, Stored
from rowen.app.ports import RecordDraft
from rowen.app.records import SCORECARDS
from rowen.app.scheduling import MISSING_USER, actor_of, require_user, settled
from rowen.interviews.changes import Change, Kind
from rowen.interviews.errors import Code, FieldProblem, Refusal
from rowen.interviews.interview import Interviewer, InterviewId, ScheduledInterview
from rowen.interviews.lifecycle import Command
from rowen.interviews.people import User, UserId
from rowen.interviews.scheduling import UNSET
from rowen.interviews.scorecards import (
    DRAFT,
    SUBMITTED,
    Ratings,
    Recommendation,
    Scorecard,
    ScorecardFields,
)

_INTERVIEW: Final = "scheduled_interview_id"
_NOT_ON_PANEL: Final = FieldProblem("interviewer_id", "Must be an interviewer of the interview")
_HAS_ONE: Final = FieldProblem("interviewer_id", "Has a scorecard of this interview already")


class ScorecardCodec(Protocol):
    """The form in which scorecards are served and stored."""

    def decode_scorecard(self, document: bytes) -> Scorecard:
        """Read one that was stored."""
        ...

    def encode_scorecard(self, scorecard: Scorecard) -> bytes:
        """Write one."""
        ...


class _Owed(NamedTuple):
    """A scorecard that an interviewer owes: the interview, and the seat."""

    stored: Stored
    seat: Interviewer
    user: User


async def create_scorecard(desk: Desk, codec: ScorecardCodec, fields: ScorecardFields, api_key: str) -> bytes:
    """Make a scorecard, and submit it if that is asked; return its document. Raises Refusal."""
    author = await require_user(desk, fields.on_behalf_of)
    found = list(fields.problems)
    owed = await _owed(desk, fields, found)
    told = any(problem.field == "overall_recommendation" for problem in found)
    if fields.submit is True and fields.overall_recommendation is UNSET and not told:
        found.append(FieldProblem("overall_recommendation", "Is required to submit"))
    if found or owed is None or author is None:
        raise Refusal(Code.INVALID, problems=tuple(found))
    identifier = await desk.new_id()
    interview = owed.stored.interview
    now = await desk.stamp()
    attributes = () if fields.attributes is UNSET else fields.attributes
    scorecard = Scorecard(
        id=identifier,
        updated_at=now,
        created_at=now,
        interview=None if interview.interview is None else interview.interview.name,
        interview_step=interview.interview,
        candidate_id=await desk.candidate_of(interview.application_id),
        application_id=interview.application_id,
        interviewed_at=interview.start.instant(ZoneInfo(desk.organization.time_zone)),
        submitted_by=author.organizer(),
        interviewer=owed.user.organizer(),
        submitted_at=now if fields.submit is True else None,
        overall_recommendation=(
            Recommendation.NO_DECISION if fields.overall_recommendation is UNSET else fields.overall_recommendation
        ),
        attributes=attributes,
        ratings=Ratings.of(attributes),
        questions=() if fields.questions is UNSET else fields.questions,
    )
    return await _keep(desk, codec, scorecard, owed.stored, author, api_key)


async def change_scorecard(
    desk: Desk, codec: ScorecardCodec, identifier: int, fields: ScorecardFields, api_key: str
) -> bytes:
    """Change a draft, and submit it if that is asked; return its document. Raises Refusal."""
    before, stored = await _stored(desk, codec, identifier)
    author = await require_user(desk, fields.on_behalf_of)
    found = list(fields.problems)
    if before.submitted_at is not None:
        found.append(FieldProblem("submitted_at", "A scorecard that was submitted can be deleted, but not changed"))
    if stored is None:
        found.append(FieldProblem(_INTERVIEW, "The interview was deleted"))
    elif all(each.id != before.interviewer.id for each in stored.interview.interviewers):
        found.append(_NOT_ON_PANEL)
    elif before.submitted_at is None and _has_one(stored.interview, before.interviewer.id):
        found.append(_HAS_ONE)
    if found or author is None or stored is None:
        raise Refusal(Code.INVALID, problems=tuple(found))
    asked = {name: value for name in _CHANGEABLE if (value := getattr(fields, name)) is not UNSET}
    now = await desk.stamp()
    after = msgspec.structs.replace(
        before,
        **asked,
        updated_at=now,
        submitted_by=author.organizer(),
        submitted_at=now if fields.submit is True else None,
    )
    after = msgspec.structs.replace(after, ratings=Ratings.of(after.attributes))
    return await _keep(desk, codec, after, stored, author, api_key)


_CHANGEABLE: Final = ("overall_recommendation", "attributes", "questions")


async def delete_scorecard(
    desk: Desk, codec: ScorecardCodec, identifier: int, on_behalf_of: int | None, api_key: str
) -> None:
    """Delete a scorecard; what its submission made of the interview is taken back. Raises Refusal."""
    before, stored = await _stored(desk, codec, identifier)
    author = await require_user(desk, on_behalf_of)
    if author is None:
        raise Refusal(Code.INVALID, problems=(MISSING_USER,))
    await desk.stamp()
    await desk.drop_record(SCORECARDS, identifier)
    if stored is None or before.submitted_at is None:
        return
    after = _with_seat(stored.interview, before.interviewer.id, None, before.id)
    after = settled(desk, Command.DELETE_SCORECARD, stored.interview.status, after)
    await desk.keep(stored.interview, after, Change(Kind.SCORE_REMOVED, actor_of(author, api_key)))


def _has_one(interview: ScheduledInterview, user: int | None) -> bool:
    return any(each.id == user and each.scorecard_id is not None for each in interview.interviewers)


async def _owed(desk: Desk, fields: ScorecardFields, found: list[FieldProblem]) -> _Owed | None:
    """Return what a new scorecard is for; None, with problems, where nobody owes it."""
    stored = None
    if fields.scheduled_interview_id is not UNSET:
        stored = await desk.interview(InterviewId(fields.scheduled_interview_id))
        if stored is None:
            found.append(FieldProblem(_INTERVIEW, "Must be the id of a scheduled interview"))
    user = None
    if fields.interviewer_id is not UNSET:
        user = await desk.user(UserId(fields.interviewer_id))
        if user is None:
            found.append(FieldProblem("interviewer_id", "Must be the id of a user"))
    if stored is None or user is None:
        return None
    seat = next((each for each in stored.interview.interviewers if each.id == user.id), None)
    if seat is None:
        found.append(_NOT_ON_PANEL)
        return None
    known = await desk.records_by_term(SCORECARDS, _INTERVIEW, str(stored.interview.id))
    mine = f'"interviewer":{{"id":{user.id},'.encode()
    if seat.scorecard_id is not None or any(mine in (each.document or b"") for each in known):
        found.append(_HAS_ONE)
        return None
    return _Owed(stored, seat, user)


async def _stored(desk: Desk, codec: ScorecardCodec, identifier: int) -> tuple[Scorecard, Stored | None]:
    """Return a scorecard made through this API, and its interview if it is still there. Raises Refusal (not found)."""
    record = await desk.record(SCORECARDS, identifier)
    interview = await desk.term(SCORECARDS, identifier, _INTERVIEW)
    if record is None or record.document is None:
        raise Refusal(Code.NOT_FOUND)
    if interview is None:
        raise Refusal(Code.INVALID, problems=(FieldProblem("id", "Only scorecards made here can be changed"),))
    return codec.decode_scorecard(record.document), await desk.interview(InterviewId(int(interview)))


async def _keep(
    desk: Desk, codec: ScorecardCodec, scorecard: Scorecard, stored: Stored, author: User, api_key: str
) -> bytes:
    document = codec.encode_scorecard(scorecard)
    is_final = scorecard.submitted_at is not None
    terms = (("application_id", str(scorecard.application_id)), (_INTERVIEW, str(stored.interview.id)))
    created_at, updated_at = int(scorecard.created_at), int(scorecard.updated_at)
    status = SUBMITTED if is_final else DRAFT
    await desk.keep_record(
        RecordDraft(SCORECARDS, scorecard.id, created_at, updated_at, status, False, document, terms)
    )
    if not is_final:
        return document
    after = _with_seat(stored.interview, scorecard.interviewer.id, scorecard.id, None)
    after = settled(desk, Command.SUBMIT_SCORECARD, stored.interview.status, after)
    await desk.keep(stored.interview, after, Change(Kind.SCORED, actor_of(author, api_key), document))
    return document


def _with_seat(
    interview: ScheduledInterview, user: int | None, scorecard: int | None, instead_of: int | None
) -> ScheduledInterview:
    """Return the interview with the scorecard of one interviewer, who has had `instead_of`, replaced."""
    panel = tuple(
        msgspec.structs.replace(each, scorecard_id=scorecard)
        if each.id == user and each.scorecard_id == instead_of
        else each
        for each in interview.interviewers
    )
    return msgspec.structs.replace(interview, interviewers=panel)
