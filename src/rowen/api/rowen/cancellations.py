"""Undoing the cancellation of an interview: an operation that Harvest does not have.

Owns what it does between an authorised request and its response. Must not know HTTP's transport, authentication or SQL.
"""

from typing import Final

from rowen.api.declarations import Operation
from rowen.api.headers.acting_user import read_acting_user
from rowen.api.headers.conditional import document_etag
from rowen.api.headers.idempotency import perform
from rowen.api.reading.body import NOTHING
from rowen.api.request import ApiRequest
from rowen.api.response import Response
from rowen.api.v2.interviews import INTERVIEW_ID, TAG, WRITE_HEADERS, WRITTEN, overlap_warning
from rowen.app.restoring import restore
from rowen.app.services import Services
from rowen.app.unit_of_work import UnitOfWork, WriteResult
from rowen.interviews.errors import Problems
from rowen.interviews.interview import InterviewId


async def restore_interview(services: Services, request: ApiRequest) -> Response:
    """Schedule an interview again that was cancelled less than ten minutes ago."""
    identifier = InterviewId(request.identifier())
    problems = Problems()
    if request.body:
        NOTHING.read(request.body, problems)
    user = read_acting_user(request, problems)

    async def work(unit: UnitOfWork) -> WriteResult:
        if problems.found or user is None:
            raise problems.refusal()
        result = await restore(unit, identifier, user, request.key_name)
        return WriteResult(result.document, document_etag(result.document), overlap_warning(result))

    return await perform(services, request, work)


OPERATIONS: Final = (
    Operation(
        "POST",
        "/rowen/v1/scheduled_interviews/{id}/restore",
        "scheduled_interviews:create",
        restore_interview,
        "Undo the cancellation of a scheduled interview",
        TAG,
        WRITTEN,
        path_parameters=(INTERVIEW_ID,),
        headers=WRITE_HEADERS,
        body=NOTHING,
    ),
)
