"""The Harvest v1 calls.

Owns what each call does between an authorised request and its answer. Must not know HTTP's transport,
authentication or SQL.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, NamedTuple

from rowen.app import reading
from rowen.app.ports import InterviewPage, Interviews, Organization
from rowen.harvest.conditional import document_etag, list_etag, matches
from rowen.harvest.links import link_header
from rowen.harvest.parameters import ListParameters, read_parameters
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.interview import LARGEST_ID, ApplicationId, InterviewId


class Call(NamedTuple):
    """An authorised request.

    `address` is the URL asked for without its query, as the client should see it; `query` the query string, still
    encoded; `if_none_match` that header, empty where there is none.
    """

    organization: Organization
    identifiers: Mapping[str, str]
    address: str
    query: str
    if_none_match: str


class Answer(NamedTuple):
    """What to send: JSON with its tag, and the links to its neighbors. Without a body, the client's copy is good."""

    body: bytes | None
    etag: str
    link: str | None = None


Handler = Callable[[Interviews, Call], Awaitable[Answer]]

_IDENTIFIER: Final = re.compile(r"[0-9]{1,16}")


async def list_interviews(interviews: Interviews, call: Call) -> Answer:
    """List an organization's interviews (seed heading "GET: List Interviews")."""
    return await _list(interviews, call, None)


async def list_interviews_for_application(interviews: Interviews, call: Call) -> Answer:
    """List an application's interviews (seed heading "GET: List Interviews for Application")."""
    return await _list(interviews, call, ApplicationId(_identifier(call)))


async def retrieve_interview(interviews: Interviews, call: Call) -> Answer:
    """Retrieve one interview (seed heading "GET: Retrieve Interview")."""
    document = await reading.retrieve_interview(interviews, call.organization, InterviewId(_identifier(call)))
    etag = document_etag(document)
    unchanged = call.if_none_match and matches(call.if_none_match, etag)
    return Answer(None if unchanged else document, etag)


async def _list(interviews: Interviews, call: Call, application: ApplicationId | None) -> Answer:
    parameters = read_parameters(call.query)
    if application is not None:
        await reading.require_application(interviews, call.organization.id, application)
    full_address = f"{call.address}?{call.query}"
    etag = list_etag(call.organization, full_address)
    if call.if_none_match and matches(call.if_none_match, etag):
        return Answer(None, etag)
    page = await reading.list_interviews(interviews, call.organization, parameters.query, parameters.page, application)
    if page.organization is not call.organization:
        etag = list_etag(page.organization, full_address)
    return Answer(page.body, etag, _links(call, parameters, page))


def _links(call: Call, parameters: ListParameters, page: InterviewPage) -> str | None:
    return link_header(
        call.address,
        parameters.echo,
        parameters.page,
        total=page.total,
        following=page.last_id if page.more else None,
    )


def _identifier(call: Call) -> int:
    text = call.identifiers["id"]
    if _IDENTIFIER.fullmatch(text) is None or not 0 < int(text) <= LARGEST_ID:
        raise Refusal(Code.NOT_FOUND)
    return int(text)
