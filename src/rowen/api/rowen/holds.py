"""Holding slots: operations that Harvest does not have.

Owns what each does between an authorised request and its response (contract section 17). Must not know HTTP's
transport, authentication or SQL.
"""

from typing import Final

from rowen.api import planning_examples as examples
from rowen.api.codec.holds import HoldRecord, all_served, served
from rowen.api.declarations import Operation, Reply
from rowen.api.headers.acting_user import ON_BEHALF_OF, require_acting_user
from rowen.api.headers.conditional import document_etag
from rowen.api.headers.idempotency import IDEMPOTENCY_KEY, perform
from rowen.api.parameters import path_id
from rowen.api.reading.booking_fields import HOLD, read_hold
from rowen.api.request import ApiRequest
from rowen.api.response import Message, Response, deleted
from rowen.api.rowen.slots import TAG
from rowen.app import holds
from rowen.app.services import Services
from rowen.app.unit_of_work import UnitOfWork, WriteResult

_COLLECTION: Final = "/rowen/v1/holds"


async def create_hold(services: Services, request: ApiRequest) -> Response:
    """Keep a slot for an application until it expires."""
    wanted = read_hold(request)

    async def work(unit: UnitOfWork) -> WriteResult:
        return WriteResult(
            served(await holds.create_hold(unit, services.hold_codec, wanted, services.planner.freshness))
        )

    return await perform(services, request, work)


async def list_holds(services: Services, request: ApiRequest) -> Response:
    """List the holds that have not expired, ordered by id."""
    content = all_served(list(await services.planner.holds(request.organization)))
    etag = document_etag(content)
    return Response(None if request.has_copy(etag) else content, etag)


async def delete_hold(services: Services, request: ApiRequest) -> Response:
    """Remove a hold."""
    identifier = request.identifier()
    user = require_acting_user(request)

    async def work(unit: UnitOfWork) -> WriteResult:
        await holds.delete_hold(unit, services.hold_codec, identifier, user)
        return WriteResult(deleted("Hold", identifier))

    return await perform(services, request, work)


_HEADERS: Final = (ON_BEHALF_OF, IDEMPOTENCY_KEY)

OPERATIONS: Final = (
    Operation(
        "GET",
        _COLLECTION,
        "holds:list",
        list_holds,
        "List holds",
        TAG,
        Reply(list[HoldRecord], [examples.HOLD], "The holds, ordered by id"),
    ),
    Operation(
        "POST",
        _COLLECTION,
        "holds:create",
        create_hold,
        "Hold a slot",
        TAG,
        Reply(HoldRecord, examples.HOLD, "The hold"),
        headers=_HEADERS,
        body=HOLD,
        leads_to=("delete_hold",),
        can_conflict=True,
    ),
    Operation(
        "DELETE",
        f"{_COLLECTION}/{{id}}",
        "holds:delete",
        delete_hold,
        "Remove a hold",
        TAG,
        Reply(Message, {"message": "Hold 1 has been deleted."}, "The hold is removed"),
        path_parameters=(path_id("hold", examples.HOLD_ID),),
        headers=_HEADERS,
    ),
)
