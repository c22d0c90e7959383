"""Writing the schedule: the Harvest v2 operations.

Owns what each does between an authorised request and its response (contract section 4), and what the versions of a
write share. Must not know HTTP's transport, authentication or SQL.
"""

from typing import Final

from rowen.api import examples
from rowen.api.declarations import Operation, Reply
from rowen.api.headers.acting_user import ON_BEHALF_OF
from rowen.api.headers.conditional import IF_MATCH, document_etag
from rowen.api.headers.idempotency import IDEMPOTENCY_KEY
from rowen.api.parameters import path_id
from rowen.api.passing import PassedWrite, write_interview
from rowen.api.reading.fields import INTERVIEW_CHANGES, NEW_INTERVIEW, read_changes, read_new_interview
from rowen.api.request import ApiRequest
from rowen.api.response import Response
from rowen.app import scheduling
from rowen.app.account_writes import Request, WriteAction
from rowen.app.services import Services
from rowen.app.unit_of_work import Stored, UnitOfWork, WriteResult
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.interview import ApplicationId, InterviewId, ScheduledInterview
from rowen.interviews.overlaps import name_interviews
from rowen.interviews.scheduling import InterviewFields

TAG: Final = "Scheduled interviews"
INTERVIEW_ID: Final = path_id("scheduled interview", examples.TIMED["id"])
WRITE_HEADERS: Final = (ON_BEHALF_OF, IDEMPOTENCY_KEY)
MATCHED_WRITE_HEADERS: Final = (*WRITE_HEADERS, IF_MATCH)
WRITTEN: Final = Reply(ScheduledInterview, examples.TIMED, "The scheduled interview as it is now", warns=True)
FURTHER: Final = ("retrieve_interview", "change_interview", "delete_interview", "list_history")
"""The operations that go on with an interview that was made."""


async def create_interview(services: Services, request: ApiRequest) -> Response:
    """Create an interview; an unknown e-mail address is a guest's (public reference, "POST: Create")."""
    return await schedule(services, request, read_new_interview(request, knows_guests=True))


async def change_interview(services: Services, request: ApiRequest) -> Response:
    """Change an interview; an unknown e-mail address is a guest's (public reference, "PATCH: Update")."""
    return await change(services, request, knows_guests=True)


async def schedule(
    services: Services, request: ApiRequest, fields: InterviewFields, application: ApplicationId | None = None
) -> Response:
    """Create an interview. Raises Refusal (not found) where the `application` of the path does not exist."""

    async def stored(unit: UnitOfWork) -> None:
        if application is not None and await unit.application_status(application) is None:
            raise Refusal(Code.NOT_FOUND)

    async def work(unit: UnitOfWork) -> WriteResult:
        await stored(unit)
        return _written(await scheduling.schedule(unit, fields, request.key_name))

    wanted = Request(action=WriteAction.CREATE, user=fields.on_behalf_of, api_key=request.key_name, fields=fields)
    return await write_interview(services, request, work, PassedWrite(wanted, stored, _answer))


async def change(services: Services, request: ApiRequest, *, knows_guests: bool) -> Response:
    """Change the interview of the path; without `knows_guests` an unknown e-mail address is a mistake."""
    identifier = InterviewId(request.identifier())
    fields = read_changes(request, knows_guests=knows_guests)

    async def stored(unit: UnitOfWork) -> Stored:
        return await stored_interview(unit, request, identifier)

    async def work(unit: UnitOfWork) -> WriteResult:
        before = await stored(unit)
        return _written(await scheduling.change(unit, services.scorecard_codec, before, fields, request.key_name))

    user = fields.on_behalf_of
    wanted = Request(
        action=WriteAction.CHANGE, interview=identifier, user=user, api_key=request.key_name, fields=fields
    )
    return await write_interview(services, request, work, PassedWrite(wanted, stored, _answer))


async def _answer(_: UnitOfWork, result: scheduling.ScheduleResult) -> WriteResult:
    return _written(result)


async def stored_interview(unit: UnitOfWork, request: ApiRequest, identifier: InterviewId) -> Stored:
    """Return the interview of a request. Raises Refusal: not found; stale, if `If-Match` names another version."""
    stored = await unit.interview(identifier)
    if stored is None:
        raise Refusal(Code.NOT_FOUND)
    request.require_version(document_etag(stored.document))
    return stored


def _written(result: scheduling.ScheduleResult) -> WriteResult:
    return WriteResult(result.document, document_etag(result.document), overlap_warning(result))


def overlap_warning(result: scheduling.ScheduleResult) -> str | None:
    """Return the `Warning` of a double booking, if there is one."""
    if not result.overlapping:
        return None
    # A warn-code and warn-agent, then the text (RFC 7234 section 5.5).
    return f'199 rowen "Double booking: overlaps interview {name_interviews(result.overlapping)}"'


OPERATIONS: Final = (
    Operation(
        "POST",
        "/v2/scheduled_interviews",
        "scheduled_interviews:create",
        create_interview,
        "Schedule an interview",
        TAG,
        WRITTEN,
        headers=WRITE_HEADERS,
        body=NEW_INTERVIEW,
        leads_to=FURTHER,
    ),
    Operation(
        "PATCH",
        "/v2/scheduled_interviews/{id}",
        "scheduled_interviews:update",
        change_interview,
        "Change a scheduled interview",
        TAG,
        WRITTEN,
        path_parameters=(INTERVIEW_ID,),
        headers=MATCHED_WRITE_HEADERS,
        body=INTERVIEW_CHANGES,
    ),
)
