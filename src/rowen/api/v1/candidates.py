"""Writing candidates: the Harvest v1 operations that add one, and an application of one.

Owns what each does between an authorised request and its response (public reference, "POST: Add Candidate" and "Add
Application"; contract section 10). Must not know HTTP's transport, authentication or SQL.
"""

from typing import Final

from rowen.api import examples
from rowen.api.codec.records import ApplicationRecord, CandidateRecord
from rowen.api.declarations import Operation, Reply
from rowen.api.headers.acting_user import ON_BEHALF_OF
from rowen.api.headers.idempotency import IDEMPOTENCY_KEY, perform, written_record
from rowen.api.parameters import path_id
from rowen.api.reading.hiring_fields import NEW_APPLICATION, NEW_CANDIDATE, read_application, read_candidate
from rowen.api.request import ApiRequest
from rowen.api.response import Response
from rowen.app import candidates
from rowen.app.hiring import stored
from rowen.app.records import CANDIDATES
from rowen.app.services import Services
from rowen.app.unit_of_work import UnitOfWork, WriteResult

_HEADERS: Final = (ON_BEHALF_OF, IDEMPOTENCY_KEY)


async def create_candidate(services: Services, request: ApiRequest) -> Response:
    """Add a candidate with applications."""
    fields = read_candidate(request)

    async def work(unit: UnitOfWork) -> WriteResult:
        return written_record(await candidates.create_candidate(unit, services.hiring_codec, fields, request.key_name))

    return await perform(services, request, work)


async def create_application(services: Services, request: ApiRequest) -> Response:
    """Add an application to the candidate of the path."""
    identifier = request.identifier()
    fields = read_application(request)

    async def work(unit: UnitOfWork) -> WriteResult:
        candidate = await stored(unit, CANDIDATES, identifier)
        codec = services.hiring_codec
        return written_record(await candidates.create_application(unit, codec, candidate, fields, request.key_name))

    return await perform(services, request, work)


OPERATIONS: Final = (
    Operation(
        "POST",
        "/v1/candidates",
        "candidates:create",
        create_candidate,
        "Add a candidate with applications",
        "Candidates",
        Reply(CandidateRecord, examples.CANDIDATE, "The candidate as it is now"),
        headers=_HEADERS,
        body=NEW_CANDIDATE,
        leads_to=("retrieve_candidate", "create_application"),
    ),
    Operation(
        "POST",
        "/v1/candidates/{id}/applications",
        "applications:create",
        create_application,
        "Add an application to a candidate",
        "Applications",
        Reply(ApplicationRecord, examples.APPLICATION, "The application as it is now"),
        path_parameters=(path_id("candidate", examples.CANDIDATE_ID),),
        headers=_HEADERS,
        body=NEW_APPLICATION,
    ),
)
