"""Writing scorecards: operations that Harvest does not have.

Owns what each does between an authorised request and its response. Must not know HTTP's transport, authentication or
SQL.
"""

from typing import Final

from rowen.api import examples
from rowen.api.declarations import Operation, Reply
from rowen.api.headers.acting_user import ON_BEHALF_OF, read_acting_user
from rowen.api.headers.idempotency import IDEMPOTENCY_KEY, perform, written
from rowen.api.parameters import path_id
from rowen.api.reading.fields import NEW_SCORECARD, SCORECARD_CHANGES, read_scorecard
from rowen.api.request import ApiRequest
from rowen.api.response import Message, Response, deleted
from rowen.app import scorecards
from rowen.app.services import Services
from rowen.app.unit_of_work import UnitOfWork, WriteResult
from rowen.interviews.errors import Problems
from rowen.interviews.scorecards import Scorecard


async def create_scorecard(services: Services, request: ApiRequest) -> Response:
    """Create a scorecard, and submit it if requested."""
    fields = read_scorecard(request, NEW_SCORECARD)

    async def work(unit: UnitOfWork) -> WriteResult:
        return written(await scorecards.create_scorecard(unit, services.scorecard_codec, fields, request.key_name))

    return await perform(services, request, work)


async def change_scorecard(services: Services, request: ApiRequest) -> Response:
    """Change a draft, and submit it if requested."""
    identifier = request.identifier()
    fields = read_scorecard(request, SCORECARD_CHANGES)

    async def work(unit: UnitOfWork) -> WriteResult:
        return written(
            await scorecards.change_scorecard(unit, services.scorecard_codec, identifier, fields, request.key_name)
        )

    return await perform(services, request, work)


async def delete_scorecard(services: Services, request: ApiRequest) -> Response:
    """Delete a scorecard, and revert the effect of its submission on the interview."""
    identifier = request.identifier()
    problems = Problems()
    user = read_acting_user(request, problems)

    async def work(unit: UnitOfWork) -> WriteResult:
        if user is None:
            raise problems.refusal()
        await scorecards.delete_scorecard(unit, services.scorecard_codec, identifier, user, request.key_name)
        return WriteResult(deleted("Scorecard", identifier))

    return await perform(services, request, work)


_TAG: Final = "Scorecards"
_HEADERS: Final = (ON_BEHALF_OF, IDEMPOTENCY_KEY)
_SCORECARD_ID: Final = path_id("scorecard", examples.SCORECARD_ID)
_WRITTEN: Final = Reply(Scorecard, examples.SCORECARD, "The scorecard as it is now")

OPERATIONS: Final = (
    Operation(
        "POST",
        "/rowen/v1/scorecards",
        "scorecards:create",
        create_scorecard,
        "Submit a scorecard, or save a draft",
        _TAG,
        _WRITTEN,
        headers=_HEADERS,
        body=NEW_SCORECARD,
        leads_to=("change_scorecard", "delete_scorecard"),
    ),
    Operation(
        "PATCH",
        "/rowen/v1/scorecards/{id}",
        "scorecards:update",
        change_scorecard,
        "Change or submit the draft of a scorecard",
        _TAG,
        _WRITTEN,
        path_parameters=(_SCORECARD_ID,),
        headers=_HEADERS,
        body=SCORECARD_CHANGES,
    ),
    Operation(
        "DELETE",
        "/rowen/v1/scorecards/{id}",
        "scorecards:delete",
        delete_scorecard,
        "Delete a scorecard",
        _TAG,
        Reply(Message, examples.SCORECARD_DELETED, "The scorecard is deleted"),
        path_parameters=(_SCORECARD_ID,),
        headers=_HEADERS,
    ),
)
