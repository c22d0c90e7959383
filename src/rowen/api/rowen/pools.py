"""Pools: operations that Harvest does not have.

Owns what each does between an authorised request and its response (contract section 16). Must not know HTTP's
transport, authentication or SQL.
"""

from functools import partial
from typing import Final

from rowen.api import planning_examples as examples
from rowen.api.declarations import Operation, Reply
from rowen.api.headers.acting_user import ON_BEHALF_OF, require_acting_user
from rowen.api.headers.conditional import IF_MATCH
from rowen.api.headers.idempotency import IDEMPOTENCY_KEY, idempotent_request, write_once, written_record
from rowen.api.parameters import path_id
from rowen.api.reading.query import text_parameter
from rowen.api.reading.setup_fields import NEW_POOL, POOL_CHANGES, read_pool
from rowen.api.request import ApiRequest
from rowen.api.response import Message, Response, deleted
from rowen.api.v1.records import Resource, list_records, retrieve, stored_version
from rowen.app import pools
from rowen.app.records import POOLS
from rowen.app.services import Services
from rowen.app.unit_of_work import UnitOfWork, WriteResult
from rowen.interviews.pools import Pool

_COLLECTION: Final = "/rowen/v1/pools"
_TAG: Final = "Pools"
_POOLS: Final = Resource(POOLS, Pool, examples.POOL, {}, terms=(text_parameter("name", "Only pools with this name"),))


async def create_pool(services: Services, request: ApiRequest) -> Response:
    """Add a pool."""
    fields = read_pool(request, NEW_POOL)

    async def work(unit: UnitOfWork) -> WriteResult:
        return written_record(await pools.create_pool(unit, services.setup_codec, fields, request.key_name))

    return await write_once(services, request, work, idempotent_request(request))


async def change_pool(services: Services, request: ApiRequest) -> Response:
    """Change a pool; its members are replaced if they are given."""
    identifier = request.identifier()
    fields = read_pool(request, POOL_CHANGES)

    async def work(unit: UnitOfWork) -> WriteResult:
        record = await stored_version(unit, request, POOLS, identifier)
        return written_record(await pools.change_pool(unit, services.setup_codec, record, fields, request.key_name))

    return await write_once(services, request, work, idempotent_request(request))


async def delete_pool(services: Services, request: ApiRequest) -> Response:
    """Remove a pool."""
    identifier = request.identifier()
    user = require_acting_user(request)

    async def work(unit: UnitOfWork) -> WriteResult:
        record = await stored_version(unit, request, POOLS, identifier)
        await pools.delete_pool(unit, record, user, request.key_name)
        return WriteResult(deleted("Pool", identifier))

    return await write_once(services, request, work, idempotent_request(request))


_HEADERS: Final = (ON_BEHALF_OF, IDEMPOTENCY_KEY)
_MATCHED: Final = (*_HEADERS, IF_MATCH)
_ID: Final = (path_id("pool", examples.POOL["id"]),)
_REPLY: Final = Reply(Pool, examples.POOL, "The pool as it is now")

OPERATIONS: Final = (
    Operation(
        "GET",
        _COLLECTION,
        "pools:list",
        partial(list_records, _POOLS),
        "List pools",
        _TAG,
        Reply(list[Pool], [examples.POOL], "A page of pools, ordered by id", paged=True),
        query=_POOLS.parameters,
        alias="list_pools",
    ),
    Operation(
        "POST",
        _COLLECTION,
        "pools:create",
        create_pool,
        "Add a pool",
        _TAG,
        _REPLY,
        headers=_HEADERS,
        body=NEW_POOL,
        leads_to=("retrieve_pool", "change_pool", "delete_pool"),
    ),
    Operation(
        "GET",
        f"{_COLLECTION}/{{id}}",
        "pools:retrieve",
        partial(retrieve, _POOLS),
        "Retrieve a pool",
        _TAG,
        _REPLY,
        path_parameters=_ID,
        alias="retrieve_pool",
    ),
    Operation(
        "PATCH",
        f"{_COLLECTION}/{{id}}",
        "pools:update",
        change_pool,
        "Change a pool",
        _TAG,
        _REPLY,
        path_parameters=_ID,
        headers=_MATCHED,
        body=POOL_CHANGES,
    ),
    Operation(
        "DELETE",
        f"{_COLLECTION}/{{id}}",
        "pools:delete",
        delete_pool,
        "Remove a pool",
        _TAG,
        Reply(Message, examples.POOL_DELETED, "The pool is removed"),
        path_parameters=_ID,
        headers=_MATCHED,
    ),
)
