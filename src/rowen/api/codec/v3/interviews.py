"""The rows of interviews and interviewers in Harvest v3 (contract section 9).

Owns their fields and order, and how they follow from a stored document of v1. Written for speed: a page is made of a
hundred documents, of which only the fields that rows have are decoded; times pass as text.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from rowen.app.rows import InterviewerSource, Row, Surroundings
from rowen.interviews.moments import Instant


class InterviewRow(msgspec.Struct, frozen=True, gc=False):
    """An interview; `interviewer_ids` are the ids of the rows of its panel, which only Rowen adds."""

    id: int
    created_at: str
    updated_at: str
    job_id: int | None
    application_id: int
    job_interview_id: int | None
    starts_at: str | None
    ends_at: str | None
    location: str | None
    status: str
    organizer_id: int | None
    scheduled_at: str | None
    all_day_start_on: str | None
    all_day_end_on: str | None
    external_event_id: str | None
    video_conferencing_url: str | None
    availability_received_at: str | None
    interviewer_ids: list[int]


class InterviewerRow(msgspec.Struct, frozen=True, gc=False):
    """A member of the panel of an interview; a guest has no `user_id`."""

    id: int
    created_at: str
    updated_at: str
    interview_id: int
    user_id: int | None
    scorecard_id: int | None
    email: str | None
    response_status: str | None


class _Moment(msgspec.Struct, gc=False):
    date_time: str | None = None
    date: str | None = None


class _Named(msgspec.Struct, gc=False):
    id: int | None = None


class StoredInterview(msgspec.Struct, gc=False):
    """The fields of a stored interview that its row shows."""

    id: int
    application_id: int
    external_event_id: str | None
    start: _Moment
    end: _Moment
    location: str | None
    video_conferencing_url: str | None
    status: str
    created_at: str | None
    updated_at: str | None
    interview: _Named | None
    organizer: _Named | None


_decode: Final = msgspec.json.Decoder(list[StoredInterview]).decode


def stored_interviews(body: bytes) -> list[StoredInterview]:
    """Read the documents of interviews in an array."""
    return _decode(body)


def interviews(sources: Sequence[StoredInterview], surroundings: Surroundings) -> list[Row]:
    """Return a row for each interview; one without times has those of its organization."""
    job, seats = surroundings.jobs.get, surroundings.interviewer_ids.get
    otherwise = str(surroundings.made)
    return [_row(each, job(each.application_id), seats(each.id) or [], otherwise) for each in sources]


def _row(found: StoredInterview, job: int | None, seats: list[int], otherwise: str) -> InterviewRow:
    # As in `times`: a call would cost a tenth of a page.
    created_at, updated_at = found.created_at, found.updated_at
    start, end, interview, organizer = found.start, found.end, found.interview, found.organizer
    return InterviewRow(
        found.id,
        created_at or updated_at or otherwise,
        updated_at or created_at or otherwise,
        job,
        found.application_id,
        None if interview is None else interview.id,
        start.date_time,
        end.date_time,
        found.location,
        found.status,
        None if organizer is None else organizer.id,
        None,
        start.date,
        end.date,
        found.external_event_id,
        found.video_conferencing_url,
        None,
        seats,
    )


def interviewers(sources: Iterable[InterviewerSource]) -> list[Row]:
    """Return a row for each interviewer."""
    return [
        InterviewerRow(each.id, str(Instant(each.created_at)), str(Instant(each.updated_at)), *each[3:])
        for each in sources
    ]
