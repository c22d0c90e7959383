"""Writing interviews in Harvest v3, by the use cases of v1 and v2.

Owns what is different (contract section 13): the acting user comes from the token, a new interview is a 201, and a
response is the row as it is after the write, made in its transaction. Must not know HTTP's transport or SQL.
"""

from typing import Final

from rowen.api.codec import v3
from rowen.api.declarations import Operation, Reply
from rowen.api.generations import Generation
from rowen.api.headers.conditional import IF_MATCH, document_etag, still_holds
from rowen.api.headers.idempotency import IDEMPOTENCY_KEY
from rowen.api.parameters import path_id
from rowen.api.passing import PassedWrite, cancellation, write_interview
from rowen.api.reading.v3_fields import NEW_V3_INTERVIEW, V3_INTERVIEW_CHANGES, named_as_in_v3, read_v3_interview
from rowen.api.request import ApiRequest
from rowen.api.response import Message, Response
from rowen.api.v2.interviews import overlap_warning
from rowen.api.v3.examples import ROWS
from rowen.app import scheduling
from rowen.app.account_writes import Request, WriteAction
from rowen.app.rows import INTERVIEWS, Surroundings
from rowen.app.scopes import described
from rowen.app.services import Services
from rowen.app.unit_of_work import Stored, UnitOfWork, WriteOperation, WriteResult
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.interview import InterviewId

_EXAMPLE: Final = ROWS[INTERVIEWS]


async def create_v3_interview(services: Services, request: ApiRequest) -> Response:
    """Create an interview; an unknown e-mail address is a guest's, as in v2."""
    fields = read_v3_interview(request, NEW_V3_INTERVIEW)

    async def work(unit: UnitOfWork) -> WriteResult:
        return await _written(unit, await scheduling.schedule(unit, fields, request.key_name))

    async def stored(_: UnitOfWork) -> None:
        return None

    wanted = Request(action=WriteAction.CREATE, user=request.acting_user, api_key=request.key_name, fields=fields)
    response = await _perform(services, request, work, PassedWrite(wanted, stored, _written))
    return response._replace(status=201)


async def change_v3_interview(services: Services, request: ApiRequest) -> Response:
    """Change an interview; `interviewers` replaces the panel, and members who stay keep their rows."""
    identifier, fields = request.identifier(), read_v3_interview(request, V3_INTERVIEW_CHANGES)

    async def stored(unit: UnitOfWork) -> Stored:
        return await _stored(unit, request)

    async def work(unit: UnitOfWork) -> WriteResult:
        before = await stored(unit)
        result = await scheduling.change(unit, services.scorecard_codec, before, fields, request.key_name)
        return await _written(unit, result)

    user = request.acting_user
    wanted = Request(
        action=WriteAction.CHANGE, interview=identifier, user=user, api_key=request.key_name, fields=fields
    )
    return await _perform(services, request, work, PassedWrite(wanted, stored, _written))


async def delete_v3_interview(services: Services, request: ApiRequest) -> Response:
    """Delete an interview."""

    async def stored(unit: UnitOfWork) -> Stored:
        return await _stored(unit, request)

    return await _perform(services, request, *cancellation(request, request.acting_user, stored))


async def _perform(services: Services, request: ApiRequest, work: WriteOperation, passed: PassedWrite) -> Response:
    """Write. Raises Refusal, with the names that fields have in v3; those of the body have them."""
    given = () if passed.wanted.fields is None else passed.wanted.fields.problems
    try:
        return await write_interview(services, request, work, passed)
    except Refusal as refusal:
        problems = tuple(each if each in given else named_as_in_v3(each) for each in refusal.problems)
        # A user who is not found is invalid: a 404 would be taken for that of the interview.
        is_users = any(each.field == "On-Behalf-Of" for each in refusal.problems)
        code = Code.INVALID if is_users else refusal.code
        raise Refusal(code, refusal.message, problems, refusal.retry_after) from None


async def _stored(unit: UnitOfWork, request: ApiRequest) -> Stored:
    """Return the interview of a request. Raises Refusal: not found; stale, if `If-Match` names another version."""
    stored = await unit.interview(InterviewId(request.identifier()))
    if stored is None:
        raise Refusal(Code.NOT_FOUND)
    if b"if-match" in request.headers:
        row = await _row(unit, stored.document)
        if not still_holds(request.header(b"if-match"), document_etag(row)):
            raise Refusal(Code.STALE)
    return stored


async def _written(unit: UnitOfWork, result: scheduling.ScheduleResult) -> WriteResult:
    row = await _row(unit, result.document)
    return WriteResult(row, document_etag(row), overlap_warning(result))


async def _row(unit: UnitOfWork, document: bytes) -> bytes:
    """Return an interview's row as lists show it."""
    stored = v3.stored_interviews(b"[%b]" % document)
    jobs = {each.application_id: await unit.job_of(each.application_id) for each in stored}
    seats = {each.id: list(await unit.interviewer_ids(InterviewId(each.id))) for each in stored}
    return v3.encode(v3.interviews(stored, Surroundings(jobs, seats, unit.organization.created_at)))[1:-1]


def _operation(method: str, action: str) -> Operation:
    """Return the operation of a method without what it takes."""
    scope = f"harvest:interviews:{action}"
    reply = {
        "POST": Reply(v3.KINDS[INTERVIEWS], _EXAMPLE, "The interview as it is now", warns=True, status=201),
        "PATCH": Reply(v3.KINDS[INTERVIEWS], _EXAMPLE, "The interview as it is now", warns=True),
        "DELETE": Reply(Message, {"message": f"Interview {_EXAMPLE['id']} has been deleted."}, "It is deleted"),
    }[method]
    handler = {"POST": create_v3_interview, "PATCH": change_v3_interview, "DELETE": delete_v3_interview}[method]
    is_new = method == "POST"
    return Operation(
        method,
        "/v3/interviews" if is_new else "/v3/interviews/{id}",
        scope,
        handler,
        described(scope),
        "Harvest v3: interviews",
        reply,
        path_parameters=() if is_new else (path_id("row", _EXAMPLE["id"]),),
        headers=(IDEMPOTENCY_KEY,) if is_new else (IDEMPOTENCY_KEY, IF_MATCH),
        body={"POST": NEW_V3_INTERVIEW, "PATCH": V3_INTERVIEW_CHANGES}.get(method),
        leads_to=("retrieve_v3_interviews", "change_v3_interview", "delete_v3_interview") if is_new else (),
        generation=Generation.V3,
    )


OPERATIONS: Final = (_operation("POST", "create"), _operation("PATCH", "update"), _operation("DELETE", "destroy"))
