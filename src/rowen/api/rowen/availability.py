"""The availability of users: operations that Harvest does not have.

Owns what each does between an authorised request and its response (contract section 16). Must not know HTTP's
transport, authentication or SQL.
"""

from typing import Final

from rowen.api import examples, planning_examples
from rowen.api.codec.setups import AvailabilityRecord
from rowen.api.declarations import Operation, Reply
from rowen.api.headers.acting_user import ON_BEHALF_OF
from rowen.api.headers.conditional import IF_MATCH, document_etag
from rowen.api.headers.idempotency import IDEMPOTENCY_KEY, idempotent_request, write_once, written_record
from rowen.api.parameters import path_id
from rowen.api.reading.setup_fields import AVAILABILITY as BODY
from rowen.api.reading.setup_fields import read_availability
from rowen.api.request import ApiRequest
from rowen.api.response import Response
from rowen.app.availability import replace_availability as replace
from rowen.app.availability import stored_availability
from rowen.app.records import AVAILABILITY, RecordQuery, retrieve_record
from rowen.app.services import Services
from rowen.app.unit_of_work import UnitOfWork, WriteResult

_PATH: Final = "/rowen/v1/users/{id}/availability"
_TAG: Final = "Availability"


async def retrieve_availability(services: Services, request: ApiRequest) -> Response:
    """Return the availability of a user; not found for a user without one."""
    query = RecordQuery(AVAILABILITY)
    document = await retrieve_record(services.records, request.organization, query, request.identifier())
    etag = document_etag(document)
    return Response(None if request.has_copy(etag) else document, etag)


async def replace_availability(services: Services, request: ApiRequest) -> Response:
    """Replace the availability of a user: what is left out gets its default."""
    identifier = request.identifier()
    fields = read_availability(request)

    async def work(unit: UnitOfWork) -> WriteResult:
        before = await stored_availability(unit, identifier)
        request.require_version(document_etag(b"" if before is None else before.document or b""))
        named = (AVAILABILITY, identifier) if before is None else before
        return written_record(await replace(unit, services.setup_codec, named, fields, request.key_name))

    return await write_once(services, request, work, idempotent_request(request))


_USER: Final = (path_id("user", examples.INTERVIEWER_ID),)
_REPLY: Final = Reply(AvailabilityRecord, planning_examples.AVAILABILITY, "The availability as it is now")

OPERATIONS: Final = (
    Operation(
        "GET",
        _PATH,
        "availability:retrieve",
        retrieve_availability,
        "Retrieve the availability of a user",
        _TAG,
        _REPLY,
        path_parameters=_USER,
    ),
    Operation(
        "PUT",
        _PATH,
        "availability:update",
        replace_availability,
        "Replace the availability of a user",
        _TAG,
        _REPLY,
        path_parameters=_USER,
        headers=(ON_BEHALF_OF, IDEMPOTENCY_KEY, IF_MATCH),
        body=BODY,
    ),
)
