"""Reading the schedule: the Harvest v1 calls.

Owns what each call does between an authorised request and its answer. Must not know HTTP's transport,
authentication or SQL.
"""

from rowen.app import reading
from rowen.app.ports import Page
from rowen.app.services import Services
from rowen.harvest.calls import Answer, Call, has_copy
from rowen.harvest.conditional import document_etag, list_etag
from rowen.harvest.links import link_header
from rowen.harvest.parameters import ListParameters, read_parameters
from rowen.interviews.interview import ApplicationId, InterviewId


async def list_interviews(services: Services, call: Call) -> Answer:
    """List an organization's interviews (seed heading "GET: List Interviews")."""
    return await _list(services, call, None)


async def list_interviews_for_application(services: Services, call: Call) -> Answer:
    """List an application's interviews (seed heading "GET: List Interviews for Application")."""
    return await _list(services, call, ApplicationId(call.identifier))


async def retrieve_interview(services: Services, call: Call) -> Answer:
    """Retrieve one interview (seed heading "GET: Retrieve Interview")."""
    identifier = InterviewId(call.identifier)
    document = await reading.retrieve_interview(services.interviews, call.organization, identifier)
    etag = document_etag(document)
    return Answer(None if has_copy(call, etag) else document, etag)


async def _list(services: Services, call: Call, application: ApplicationId | None) -> Answer:
    parameters = read_parameters(call.query)
    interviews = services.interviews
    if application is not None:
        await reading.require_application(interviews, call.organization, application)
    full_address = f"{call.address}?{call.query}"
    etag = list_etag(call.organization, full_address)
    if has_copy(call, etag):
        return Answer(None, etag)
    page = await reading.list_interviews(interviews, call.organization, parameters.query, parameters.page, application)
    if page.organization is not call.organization:
        etag = list_etag(page.organization, full_address)
    return Answer(page.body, etag, _links(call, parameters, page))


def _links(call: Call, parameters: ListParameters, page: Page) -> str | None:
    query = parameters.query
    # A sync's pages show nothing newer than its first one: what is changed meanwhile is left to the next sync.
    newest = page.organization.last_updated_at if query.as_of is None else query.as_of
    return link_header(
        call.address,
        parameters.echo,
        parameters.page,
        total=page.total,
        following=page.last_id if page.more else None,
        as_of=None if query.updated_after is None else newest,
    )
