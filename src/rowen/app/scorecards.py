"""Submitting scorecards and deleting them.

Owns who owes a scorecard, when it is final, and what becomes of the interview (contract section 5). Must not know JSON,
HTTP or SQL.
"""

from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from rowen.app.records import SCORECARDS, RecordRow, ScorecardCodec
from rowen.app.scheduling import actor_of, require_user, settled
from rowen.app.unit_of_work import Stored, UnitOfWork
from rowen.interviews.changes import Change, Kind
from rowen.interviews.errors import Code, FieldProblem, Problems, Refusal
from rowen.interviews.interview import InterviewId, ScheduledInterview
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

SCORED_INTERVIEW: Final = "scheduled_interview_id"
"""The term by which the scorecards of an interview are found that were made here."""

_NOT_ON_PANEL: Final = FieldProblem("interviewer_id", "Must be an interviewer of the interview")
_HAS_ONE: Final = FieldProblem("interviewer_id", "Has a scorecard of this interview already")


class _Owed(NamedTuple):
    """A scorecard that an interviewer owes: the interview, and the interviewer."""

    stored: Stored
    user: User


async def create_scorecard(unit: UnitOfWork, codec: ScorecardCodec, fields: ScorecardFields, api_key: str) -> bytes:
    """Create a scorecard, and submit it if requested; return its document. Raises Refusal."""
    author = None if fields.on_behalf_of is None else await require_user(unit, fields.on_behalf_of)
    problems = Problems(fields.problems)
    owed = await _owed(unit, codec, fields, problems)
    is_noted = any(problem.field == "overall_recommendation" for problem in problems.found)
    if fields.submit is True and fields.overall_recommendation is UNSET and not is_noted:
        problems.note("overall_recommendation", "Is required to submit")
    if problems.found or owed is None or author is None:
        raise problems.refusal()
    scorecard = await _new_scorecard(unit, fields, owed, author)
    return await _save(unit, codec, scorecard, owed.stored, author, api_key)


async def _new_scorecard(unit: UnitOfWork, fields: ScorecardFields, owed: _Owed, author: User) -> Scorecard:
    identifier = await unit.new_id()
    interview = owed.stored.interview
    now = await unit.begin_change()
    attributes = () if fields.attributes is UNSET else fields.attributes
    return Scorecard(
        id=identifier,
        updated_at=now,
        created_at=now,
        interview=None if interview.interview is None else interview.interview.name,
        interview_step=interview.interview,
        candidate_id=await unit.candidate_id_of(interview.application_id),
        application_id=interview.application_id,
        interviewed_at=interview.start.instant(ZoneInfo(unit.organization.time_zone)),
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


async def change_scorecard(
    unit: UnitOfWork, codec: ScorecardCodec, identifier: int, fields: ScorecardFields, api_key: str
) -> bytes:
    """Change a draft, and submit it if requested; return its document. Raises Refusal."""
    before, stored = await _stored(unit, codec, identifier)
    author = None if fields.on_behalf_of is None else await require_user(unit, fields.on_behalf_of)
    problems = Problems(fields.problems)
    if before.submitted_at is not None:
        problems.note("submitted_at", "A scorecard that was submitted can be deleted, but not changed")
    if stored is None:
        problems.note(SCORED_INTERVIEW, "The interview was deleted")
    else:
        scorecards = _scorecards_of(stored.interview, before.interviewer.id)
        if not scorecards:
            problems.note(*_NOT_ON_PANEL)
        elif before.submitted_at is None and any(scorecards):
            problems.note(*_HAS_ONE)
    if problems.found or author is None or stored is None:
        raise problems.refusal()
    given = {name: value for name in _CHANGEABLE if (value := getattr(fields, name)) is not UNSET}
    now = await unit.begin_change()
    after = msgspec.structs.replace(
        before,
        **given,
        updated_at=now,
        submitted_by=author.organizer(),
        submitted_at=now if fields.submit is True else None,
    )
    after = msgspec.structs.replace(after, ratings=Ratings.of(after.attributes))
    return await _save(unit, codec, after, stored, author, api_key)


_CHANGEABLE: Final = ("overall_recommendation", "attributes", "questions")


async def delete_scorecard(
    unit: UnitOfWork, codec: ScorecardCodec, identifier: int, on_behalf_of: int, api_key: str
) -> None:
    """Delete a scorecard, and revert the effect of its submission on the interview. Raises Refusal."""
    before, stored = await _stored(unit, codec, identifier)
    author = await require_user(unit, on_behalf_of)
    await unit.begin_change()
    await unit.delete_record(SCORECARDS, identifier)
    if stored is None or before.submitted_at is None:
        return
    after = _with_scorecard(stored.interview, before.interviewer.id, None, before.id)
    after = settled(unit, Command.DELETE_SCORECARD, stored.interview.status, after)
    await unit.save(stored.interview, after, Change(Kind.SCORE_REMOVED, actor_of(author, api_key)))


def _scorecards_of(interview: ScheduledInterview, user: int | None) -> list[int | None]:
    """Return the scorecard of a user on the panel, None for one that is owed; an empty list for anybody else."""
    return [each.scorecard_id for each in interview.interviewers if each.id == user]


async def _owed(unit: UnitOfWork, codec: ScorecardCodec, fields: ScorecardFields, problems: Problems) -> _Owed | None:
    """Return what a new scorecard is for; None, after noting problems, if nobody owes it."""
    stored = None
    if fields.scheduled_interview_id is not UNSET:
        stored = await unit.interview(InterviewId(fields.scheduled_interview_id))
        if stored is None:
            problems.note(SCORED_INTERVIEW, "Must be the id of a scheduled interview")
    user = None
    if fields.interviewer_id is not UNSET:
        user = await unit.user(UserId(fields.interviewer_id))
        if user is None:
            problems.note("interviewer_id", "Must be the id of a user")
    if stored is None or user is None:
        return None
    scorecards = _scorecards_of(stored.interview, user.id)
    if not scorecards:
        problems.note(*_NOT_ON_PANEL)
    elif any(scorecards) or await _has_record(unit, codec, stored.interview.id, user.id):
        problems.note(*_HAS_ONE)
    else:
        return _Owed(stored, user)
    return None


async def _has_record(unit: UnitOfWork, codec: ScorecardCodec, interview: int, user: int) -> bool:
    """Return whether a user has a scorecard, submitted or not, for an interview."""
    records = await unit.records_by_term(SCORECARDS, SCORED_INTERVIEW, str(interview))
    return any(each.document is not None and codec.interviewer_id(each.document) == user for each in records)


async def _stored(unit: UnitOfWork, codec: ScorecardCodec, identifier: int) -> tuple[Scorecard, Stored | None]:
    """Return a scorecard created through this API, and its interview if it still exists. Raises Refusal (not found)."""
    record = await unit.record(SCORECARDS, identifier)
    interview = await unit.term(SCORECARDS, identifier, SCORED_INTERVIEW)
    if record is None or record.document is None:
        raise Refusal(Code.NOT_FOUND)
    if interview is None:
        raise Refusal(Code.INVALID, problems=(FieldProblem("id", "Only scorecards made here can be changed"),))
    return codec.decode(record.document), await unit.interview(InterviewId(int(interview)))


async def _save(
    unit: UnitOfWork, codec: ScorecardCodec, scorecard: Scorecard, stored: Stored, author: User, api_key: str
) -> bytes:
    document = codec.encode(scorecard)
    is_final = scorecard.submitted_at is not None
    terms = (("application_id", str(scorecard.application_id)), (SCORED_INTERVIEW, str(stored.interview.id)))
    created_at, updated_at = int(scorecard.created_at), int(scorecard.updated_at)
    status = SUBMITTED if is_final else DRAFT
    await unit.save_record(RecordRow(SCORECARDS, scorecard.id, created_at, updated_at, status, False, document, terms))
    if not is_final:
        return document
    after = _with_scorecard(stored.interview, scorecard.interviewer.id, scorecard.id, None)
    after = settled(unit, Command.SUBMIT_SCORECARD, stored.interview.status, after)
    await unit.save(stored.interview, after, Change(Kind.SCORED, actor_of(author, api_key), document))
    return document


def _with_scorecard(
    interview: ScheduledInterview, user: int | None, scorecard: int | None, instead_of: int | None
) -> ScheduledInterview:
    """Return the interview with the scorecard of one interviewer replaced; `instead_of` was the previous one."""
    panel = tuple(
        msgspec.structs.replace(each, scorecard_id=scorecard)
        if each.id == user and each.scorecard_id == instead_of
        else each
        for each in interview.interviewers
    )
    return msgspec.structs.replace(interview, interviewers=panel)
