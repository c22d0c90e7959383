"""The schedule: the Harvest v1 operations, which read it, delete from it, and write it in older forms.

Owns what each does between an authorised request and its response. Must not know HTTP's transport, authentication or
SQL.
"""

from typing import Final

from rowen.api import examples
from rowen.api.declarations import Operation, Reply
from rowen.api.headers.acting_user import read_acting_user
from rowen.api.headers.conditional import document_etag, list_etag
from rowen.api.headers.links import link_header
from rowen.api.parameters import path_id
from rowen.api.passing import cancellation, write_interview
from rowen.api.reading.fields import (
    INTERVIEW_CHANGES,
    NEW_INTERVIEW,
    NEW_INTERVIEW_OF_APPLICATION,
    read_new_interview,
    read_new_interview_of,
)
from rowen.api.reading.query import INTERVIEW_PARAMETERS, ListParameters, read_parameters
from rowen.api.request import ApiRequest
from rowen.api.response import Message, Response
from rowen.api.v2.interviews import (
    FURTHER,
    INTERVIEW_ID,
    MATCHED_WRITE_HEADERS,
    TAG,
    WRITE_HEADERS,
    WRITTEN,
    change,
    schedule,
    stored_interview,
)
from rowen.app import interviews
from rowen.app.interviews import Page
from rowen.app.services import Services
from rowen.app.unit_of_work import Stored, UnitOfWork
from rowen.interviews.errors import Problems
from rowen.interviews.interview import ApplicationId, InterviewId, ScheduledInterview

APPLICATION_ID: Final = path_id("application", examples.APPLICATION["id"])


async def list_interviews(services: Services, request: ApiRequest) -> Response:
    """List an organization's interviews (Harvest reference, "GET: List Interviews")."""
    return await _list(services, request, None)


async def list_interviews_for_application(services: Services, request: ApiRequest) -> Response:
    """List an application's interviews (Harvest reference, "GET: List Interviews for Application")."""
    return await _list(services, request, ApplicationId(request.identifier()))


async def retrieve_interview(services: Services, request: ApiRequest) -> Response:
    """Retrieve one interview (Harvest reference, "GET: Retrieve Interview")."""
    identifier = InterviewId(request.identifier())
    document = await interviews.retrieve_interview(services.interviews, request.organization, identifier)
    etag = document_etag(document)
    return Response(None if request.has_copy(etag) else document, etag)


async def create_interview_strictly(services: Services, request: ApiRequest) -> Response:
    """Create an interview of users only: the older form of the operation."""
    return await schedule(services, request, read_new_interview(request, knows_guests=False))


async def create_interview_for_application(services: Services, request: ApiRequest) -> Response:
    """Create an interview of the application in the path, of users only: a form that some clients use."""
    application = ApplicationId(request.identifier())
    return await schedule(services, request, read_new_interview_of(application, request), application)


async def change_interview_strictly(services: Services, request: ApiRequest) -> Response:
    """Change an interview of users only: the older form of the operation."""
    return await change(services, request, knows_guests=False)


async def delete_interview(services: Services, request: ApiRequest) -> Response:
    """Delete an interview (public reference, "Delete: Remove")."""
    identifier = InterviewId(request.identifier())
    problems = Problems()
    user = read_acting_user(request, problems)

    async def stored(unit: UnitOfWork) -> Stored:
        found = await stored_interview(unit, request, identifier)
        if user is None:
            raise problems.refusal()
        return found

    return await write_interview(services, request, *cancellation(request, user, stored))


async def _list(services: Services, request: ApiRequest, application: ApplicationId | None) -> Response:
    parameters = read_parameters(request.query)
    if application is not None:
        await interviews.require_application(services.interviews, request.organization, application)
    full_address = f"{request.address}?{request.query}"
    etag = list_etag(request.organization, full_address)
    if request.has_copy(etag):
        return Response(None, etag)
    page = await interviews.list_interviews(
        services.interviews, request.organization, parameters.query, parameters.page, application
    )
    if page.organization is not request.organization:
        etag = list_etag(page.organization, full_address)
    return Response(page.body, etag, _links(request, parameters, page))


def _links(request: ApiRequest, parameters: ListParameters, page: Page) -> str | None:
    query = parameters.query
    # A sync's pages show nothing newer than its first one: later changes are left to the next sync.
    newest = page.organization.last_updated_at if query.as_of is None else query.as_of
    return link_header(
        request.address,
        parameters.echo,
        parameters.page,
        total=page.total,
        following=page.last_id if page.more else None,
        as_of=None if query.updated_after is None else newest,
    )


_PAGE: Final = Reply(
    list[ScheduledInterview], examples.INTERVIEWS, "A page of scheduled interviews, ordered by id", paged=True
)

OPERATIONS: Final = (
    Operation(
        "GET",
        "/v1/scheduled_interviews",
        "scheduled_interviews:list",
        list_interviews,
        "List scheduled interviews",
        TAG,
        _PAGE,
        query=INTERVIEW_PARAMETERS,
    ),
    Operation(
        "GET",
        "/v1/scheduled_interviews/{id}",
        "scheduled_interviews:retrieve",
        retrieve_interview,
        "Retrieve a scheduled interview",
        TAG,
        Reply(ScheduledInterview, examples.TIMED, "The scheduled interview"),
        path_parameters=(INTERVIEW_ID,),
    ),
    Operation(
        "GET",
        "/v1/applications/{id}/scheduled_interviews",
        "scheduled_interviews:list_for_application",
        list_interviews_for_application,
        "List an application's scheduled interviews",
        TAG,
        _PAGE,
        path_parameters=(APPLICATION_ID,),
        query=INTERVIEW_PARAMETERS,
    ),
    Operation(
        "DELETE",
        "/v1/scheduled_interviews/{id}",
        "scheduled_interviews:delete",
        delete_interview,
        "Delete a scheduled interview",
        TAG,
        Reply(Message, examples.INTERVIEW_DELETED, "The interview is deleted"),
        path_parameters=(INTERVIEW_ID,),
        headers=MATCHED_WRITE_HEADERS,
    ),
    Operation(
        "POST",
        "/v1/scheduled_interviews",
        "scheduled_interviews:create",
        create_interview_strictly,
        "Schedule an interview of users only (older form)",
        TAG,
        WRITTEN,
        headers=WRITE_HEADERS,
        body=NEW_INTERVIEW,
        leads_to=FURTHER,
    ),
    Operation(
        "PATCH",
        "/v1/scheduled_interviews/{id}",
        "scheduled_interviews:update",
        change_interview_strictly,
        "Change a scheduled interview to users only (older form)",
        TAG,
        WRITTEN,
        path_parameters=(INTERVIEW_ID,),
        headers=MATCHED_WRITE_HEADERS,
        body=INTERVIEW_CHANGES,
    ),
    Operation(
        "POST",
        "/v1/applications/{id}/scheduled_interviews",
        "scheduled_interviews:create",
        create_interview_for_application,
        "Schedule an interview of an application",
        TAG,
        WRITTEN,
        path_parameters=(APPLICATION_ID,),
        headers=WRITE_HEADERS,
        body=NEW_INTERVIEW_OF_APPLICATION,
        leads_to=FURTHER,
    ),
)
