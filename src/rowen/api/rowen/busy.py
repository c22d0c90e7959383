"""Busy times of users: operations that Harvest does not have.

Owns what each does between an authorised request and its response (contract section 16). Must not know HTTP's
transport, authentication or SQL.
"""

from dataclasses import replace
from typing import Final

import msgspec

from rowen.api import planning_examples as examples
from rowen.api.codec import busy as codec
from rowen.api.codec.busy import BusySourceRecord, BusyTimesRecord
from rowen.api.declarations import Operation, Reply
from rowen.api.headers.acting_user import ON_BEHALF_OF, read_acting_user
from rowen.api.headers.conditional import document_etag
from rowen.api.headers.idempotency import IDEMPOTENCY_KEY, idempotent_request, write_once
from rowen.api.parameters import path_id
from rowen.api.reading.busy_fields import BUSY, read_busy, read_source_name
from rowen.api.reading.query import by_name, read_values, text_parameter
from rowen.api.reading.values import LONGEST_NAME
from rowen.api.request import ApiRequest
from rowen.api.response import Message, Response
from rowen.app.busy import put_busy, remove_busy
from rowen.app.records import USERS, RecordQuery, retrieve_record
from rowen.app.services import Services
from rowen.app.unit_of_work import UnitOfWork, WriteResult
from rowen.interviews.errors import Code, FieldProblem, Problems, Refusal

_PATH: Final = "/rowen/v1/users/{id}/busy"
_TAG: Final = "Busy times"
_SOURCE: Final = by_name(
    replace(
        text_parameter("source", "The name of the source, such as `google`", read_source_name),
        required=True,
        example="google",
        schema={"type": "string", "minLength": 1, "maxLength": LONGEST_NAME},
    )
)


def _read_source(request: ApiRequest) -> str:
    """Return the name of the source. Raises Refusal (invalid)."""
    given = read_values(request.query, _SOURCE)
    if "source" not in given:
        raise Refusal(Code.INVALID, problems=(FieldProblem("source", "Is required"),))
    name: str = given["source"]
    return name


async def list_busy_sources(services: Services, request: ApiRequest) -> Response:
    """List the sources of a user, ordered by name, without their busy times."""
    user = request.identifier()
    await retrieve_record(services.records, request.organization, RecordQuery(USERS), user)
    content = codec.sources(list(await services.busy.all(request.organization, user)))
    etag = document_etag(content)
    return Response(None if request.has_copy(etag) else content, etag)


async def retrieve_busy_times(services: Services, request: ApiRequest) -> Response:
    """Return a source of a user with its busy times."""
    user = request.identifier()
    found = await services.busy.find(request.organization, user, _read_source(request))
    if found is None:
        raise Refusal(Code.NOT_FOUND)
    content = codec.source(found)
    etag = document_etag(content)
    return Response(None if request.has_copy(etag) else content, etag)


async def replace_busy_times(services: Services, request: ApiRequest) -> Response:
    """Replace what a source knows of a window, or name an address where the source is read."""
    user = request.identifier()
    fields = read_busy(request, _read_source(request))
    if fields.url is not None:
        fields = fields._replace(problems=(*fields.problems, *await services.webhooks.objections(fields.url)))

    async def work(unit: UnitOfWork) -> WriteResult:
        content = codec.source(await put_busy(unit, user, fields, request.key_name))
        return WriteResult(content, document_etag(content))

    return await write_once(services, request, work, idempotent_request(request))


async def delete_busy_source(services: Services, request: ApiRequest) -> Response:
    """Remove a source of a user with its busy times."""
    user = request.identifier()
    source = _read_source(request)
    problems = Problems()
    acting = read_acting_user(request, problems)
    problems.raise_any()

    async def work(unit: UnitOfWork) -> WriteResult:
        await remove_busy(unit, user, source, acting, request.key_name)
        return WriteResult(msgspec.json.encode(Message(f"Source {source} of user {user} has been deleted.")))

    return await write_once(services, request, work, idempotent_request(request))


_HEADERS: Final = (ON_BEHALF_OF, IDEMPOTENCY_KEY)
_USER: Final = (path_id("user", examples.BUSY["user_id"]),)
_REPLY: Final = Reply(BusyTimesRecord, examples.BUSY, "The source as it is now")

OPERATIONS: Final = (
    Operation(
        "GET",
        "/rowen/v1/users/{id}/busy_sources",
        "busy:list",
        list_busy_sources,
        "List the sources of a user's busy times",
        _TAG,
        Reply(list[BusySourceRecord], [examples.BUSY_SOURCE], "The sources, ordered by name"),
        path_parameters=_USER,
    ),
    Operation(
        "GET",
        _PATH,
        "busy:retrieve",
        retrieve_busy_times,
        "Retrieve a source of busy times",
        _TAG,
        _REPLY,
        path_parameters=_USER,
        query=_SOURCE,
    ),
    Operation(
        "PUT",
        _PATH,
        "busy:update",
        replace_busy_times,
        "Replace a source of busy times",
        _TAG,
        _REPLY,
        path_parameters=_USER,
        query=_SOURCE,
        headers=_HEADERS,
        body=BUSY,
    ),
    Operation(
        "DELETE",
        _PATH,
        "busy:delete",
        delete_busy_source,
        "Remove a source of busy times",
        _TAG,
        Reply(Message, {"message": "Source google of user 4080 has been deleted."}, "The source is removed"),
        path_parameters=_USER,
        query=_SOURCE,
        headers=_HEADERS,
    ),
)
