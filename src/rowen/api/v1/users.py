"""Writing users: the Harvest v1 operations that add, disable and enable one, and ours that changes one.

Owns what each does between an authorised request and its response (contract section 10). Must not know HTTP's
transport, authentication or SQL.
"""

from typing import Final

import msgspec

from rowen.api import examples
from rowen.api.declarations import Operation
from rowen.api.headers.acting_user import BUT_FOR_FIRST_USER, MISSING, ON_BEHALF_OF, has_acting_user
from rowen.api.headers.conditional import IF_MATCH, document_etag
from rowen.api.headers.idempotency import IDEMPOTENCY_KEY, perform, written
from rowen.api.parameters import path_id
from rowen.api.reading.body import NOTHING
from rowen.api.reading.user_fields import NEW_USER, USER_CHANGES, read_new_user, read_user_changes, read_user_state
from rowen.api.request import ApiRequest
from rowen.api.response import Response
from rowen.api.v2.users import TAG, WRITTEN
from rowen.app import users
from rowen.app.records import USERS
from rowen.app.services import Services
from rowen.app.unit_of_work import UnitOfWork, WriteResult
from rowen.interviews.people import UserFields


async def create_user(services: Services, request: ApiRequest) -> Response:
    """Add a user (public reference, "POST: Add User"); the first one of an organization needs no acting user."""
    asked = read_new_user(request)

    async def work(unit: UnitOfWork) -> WriteResult:
        fields = asked
        if not has_acting_user(request) and await unit.last_record_id(USERS) is not None:
            fields = msgspec.structs.replace(asked, problems=(*asked.problems, MISSING))
        return written(await users.create_user(unit, services.user_codec, fields, request.key_name))

    return await perform(services, request, work)


async def change_user(services: Services, request: ApiRequest) -> Response:
    """Change the user of the path, in every interview, too."""
    return await _change(services, request, read_user_changes(request))


async def disable_user_by_id(services: Services, request: ApiRequest) -> Response:
    """Disable the user of the path; nothing happens to one who is disabled already."""
    return await _change(services, request, read_user_state(request, disabled=True))


async def enable_user_by_id(services: Services, request: ApiRequest) -> Response:
    """Enable the user of the path; nothing happens to one who is enabled already."""
    return await _change(services, request, read_user_state(request, disabled=False))


async def _change(services: Services, request: ApiRequest, fields: UserFields) -> Response:
    identifier = request.identifier()

    async def work(unit: UnitOfWork) -> WriteResult:
        record = await users.stored_user(unit, identifier)
        request.require_version(document_etag(record.document or b""))
        return written(await users.change_user(unit, services.user_codec, record, fields, request.key_name))

    return await perform(services, request, work)


OPERATIONS: Final = (
    Operation(
        "POST",
        "/v1/users",
        "users:create",
        create_user,
        "Add a user",
        TAG,
        WRITTEN,
        headers=(BUT_FOR_FIRST_USER, IDEMPOTENCY_KEY),
        body=NEW_USER,
        leads_to=("retrieve_user", "change_user"),
    ),
    Operation(
        "PATCH",
        "/v1/users/{id}",
        "users:update",
        change_user,
        "Change a user",
        TAG,
        WRITTEN,
        path_parameters=(path_id("user", examples.INTERVIEWER_ID),),
        headers=(ON_BEHALF_OF, IDEMPOTENCY_KEY, IF_MATCH),
        body=USER_CHANGES,
    ),
    *(
        Operation(
            "PATCH",
            f"/v1/users/{{id}}/{act}",
            f"users:{act}",
            handler,
            f"{act.capitalize()} the user of the path",
            TAG,
            WRITTEN,
            path_parameters=(path_id("user", examples.INTERVIEWER_ID),),
            headers=(ON_BEHALF_OF, IDEMPOTENCY_KEY, IF_MATCH),
            body=NOTHING,
        )
        for act, handler in (("disable", disable_user_by_id), ("enable", enable_user_by_id))
    ),
)
