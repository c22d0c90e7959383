"""Reading the schedule.

Owns the rules of reading that are no matter of HTTP or storage. Must not know either.
"""

from dataclasses import replace

from rowen.app.ports import Interviews, Organization, Page
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.interview import ApplicationId, InterviewId
from rowen.interviews.query import InterviewQuery, PageRequest


async def list_interviews(
    interviews: Interviews,
    organization: Organization,
    query: InterviewQuery,
    page: PageRequest,
    application: ApplicationId | None = None,
) -> Page:
    """Return a page of the organization's interviews, or of one application's."""
    if application is not None:
        query = replace(query, application_id=application)
    return await interviews.page(organization, query, page)


async def require_application(interviews: Interviews, organization: Organization, application: ApplicationId) -> None:
    """Raise Refusal (not found) where the organization has no such application."""
    if not await interviews.has_application(organization, application):
        raise Refusal(Code.NOT_FOUND)


async def retrieve_interview(interviews: Interviews, organization: Organization, interview: InterviewId) -> bytes:
    """Return one interview's document. Raises Refusal (not found), the same for foreign as for missing."""
    document = await interviews.document(organization, interview)
    if document is None:
        raise Refusal(Code.NOT_FOUND)
    return document
