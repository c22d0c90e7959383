"""Rooms: operations that Harvest does not have.

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
from rowen.api.reading.setup_fields import NEW_ROOM, ROOM_CHANGES, read_room
from rowen.api.request import ApiRequest
from rowen.api.response import Message, Response, deleted
from rowen.api.v1.records import Resource, list_records, retrieve, stored_version
from rowen.app import rooms
from rowen.app.records import ROOMS
from rowen.app.services import Services
from rowen.app.unit_of_work import UnitOfWork, WriteResult
from rowen.interviews.rooms import Room

_COLLECTION: Final = "/rowen/v1/rooms"
_TAG: Final = "Rooms"
_ROOMS: Final = Resource(
    ROOMS, Room, examples.ROOM, {}, terms=(text_parameter("name", "Only the room with this name"),)
)


async def create_room(services: Services, request: ApiRequest) -> Response:
    """Add a room."""
    fields = read_room(request, NEW_ROOM)

    async def work(unit: UnitOfWork) -> WriteResult:
        return written_record(await rooms.create_room(unit, services.setup_codec, fields, request.key_name))

    return await write_once(services, request, work, idempotent_request(request))


async def change_room(services: Services, request: ApiRequest) -> Response:
    """Change a room; a new name is also that of the interviews in it that have not ended."""
    identifier = request.identifier()
    fields = read_room(request, ROOM_CHANGES)

    async def work(unit: UnitOfWork) -> WriteResult:
        record = await stored_version(unit, request, ROOMS, identifier)
        return written_record(await rooms.change_room(unit, services.setup_codec, record, fields, request.key_name))

    return await write_once(services, request, work, idempotent_request(request))


async def delete_room(services: Services, request: ApiRequest) -> Response:
    """Remove a room."""
    identifier = request.identifier()
    user = require_acting_user(request)

    async def work(unit: UnitOfWork) -> WriteResult:
        record = await stored_version(unit, request, ROOMS, identifier)
        await rooms.delete_room(unit, record, user, request.key_name)
        return WriteResult(deleted("Room", identifier))

    return await write_once(services, request, work, idempotent_request(request))


_HEADERS: Final = (ON_BEHALF_OF, IDEMPOTENCY_KEY)
_MATCHED: Final = (*_HEADERS, IF_MATCH)
_ID: Final = (path_id("room", examples.ROOM["id"]),)
_REPLY: Final = Reply(Room, examples.ROOM, "The room as it is now")

OPERATIONS: Final = (
    Operation(
        "GET",
        _COLLECTION,
        "rooms:list",
        partial(list_records, _ROOMS),
        "List rooms",
        _TAG,
        Reply(list[Room], [examples.ROOM], "A page of rooms, ordered by id", paged=True),
        query=_ROOMS.parameters,
        alias="list_rooms",
    ),
    Operation(
        "POST",
        _COLLECTION,
        "rooms:create",
        create_room,
        "Add a room",
        _TAG,
        _REPLY,
        headers=_HEADERS,
        body=NEW_ROOM,
        leads_to=("retrieve_room", "change_room", "delete_room"),
    ),
    Operation(
        "GET",
        f"{_COLLECTION}/{{id}}",
        "rooms:retrieve",
        partial(retrieve, _ROOMS),
        "Retrieve a room",
        _TAG,
        _REPLY,
        path_parameters=_ID,
        alias="retrieve_room",
    ),
    Operation(
        "PATCH",
        f"{_COLLECTION}/{{id}}",
        "rooms:update",
        change_room,
        "Change a room",
        _TAG,
        _REPLY,
        path_parameters=_ID,
        headers=_MATCHED,
        body=ROOM_CHANGES,
    ),
    Operation(
        "DELETE",
        f"{_COLLECTION}/{{id}}",
        "rooms:delete",
        delete_room,
        "Remove a room",
        _TAG,
        Reply(Message, examples.ROOM_DELETED, "The room is removed"),
        path_parameters=_ID,
        headers=_MATCHED,
    ),
)
