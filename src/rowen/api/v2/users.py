"""Writing users: the Harvest v2 operations, whose bodies name the user.

Owns what each does between an authorised request and its response (public reference, "PATCH: Edit User", "Disable User"
and "Enable User"). Must not know HTTP's transport, authentication or SQL.
"""

from typing import Final

import msgspec

from rowen.api import examples
from rowen.api.codec.records import UserRecord
from rowen.api.declarations import Operation, Reply
from rowen.api.headers.acting_user import ON_BEHALF_OF
from rowen.api.headers.idempotency import IDEMPOTENCY_KEY, perform, written
from rowen.api.reading.user_fields import USER_CHOICE, USER_EDIT, read_user_choice, read_user_edit
from rowen.api.request import ApiRequest
from rowen.api.response import Response
from rowen.app import users
from rowen.app.services import Services
from rowen.app.unit_of_work import UnitOfWork, WriteResult
from rowen.interviews.people import UserFields, UserReference


class Success(msgspec.Struct, frozen=True):
    """What a change of a user returns: text, as in the reference."""

    success: str


TAG: Final = "Users"
WRITTEN: Final = Reply(UserRecord, examples.USER, "The user as it is now")
_DONE: Final = msgspec.json.encode(examples.SUCCESS)
_HEADERS: Final = (ON_BEHALF_OF, IDEMPOTENCY_KEY)


async def edit_user(services: Services, request: ApiRequest) -> Response:
    """Change the user whom the body names, in every interview, too."""
    reference, fields = read_user_edit(request)
    return await _change(services, request, reference, fields, shows_user=False)


async def disable_user(services: Services, request: ApiRequest) -> Response:
    """Disable the user whom the body names; nothing happens to one who is disabled already."""
    return await _change(services, request, *read_user_choice(request, disabled=True))


async def enable_user(services: Services, request: ApiRequest) -> Response:
    """Enable the user whom the body names; nothing happens to one who is enabled already."""
    return await _change(services, request, *read_user_choice(request, disabled=False))


async def _change(
    services: Services,
    request: ApiRequest,
    reference: UserReference | None,
    fields: UserFields,
    *,
    shows_user: bool = True,
) -> Response:
    async def work(unit: UnitOfWork) -> WriteResult:
        record = await users.named_user(unit, reference, fields)
        document = await users.change_user(unit, services.user_codec, record, fields, request.key_name)
        return written(document) if shows_user else WriteResult(_DONE)

    return await perform(services, request, work)


OPERATIONS: Final = (
    Operation(
        "PATCH",
        "/v2/users",
        "users:update",
        edit_user,
        "Change a user whom the body names",
        TAG,
        Reply(Success, examples.SUCCESS, "The user is changed"),
        headers=_HEADERS,
        body=USER_EDIT,
    ),
    Operation(
        "PATCH",
        "/v2/users/disable",
        "users:disable",
        disable_user,
        "Disable a user",
        TAG,
        WRITTEN,
        headers=_HEADERS,
        body=USER_CHOICE,
    ),
    Operation(
        "PATCH",
        "/v2/users/enable",
        "users:enable",
        enable_user,
        "Enable a user",
        TAG,
        WRITTEN,
        headers=_HEADERS,
        body=USER_CHOICE,
    ),
)
