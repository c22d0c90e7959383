"""The parts of a job that have addresses of their own: its hiring team and its openings.

Owns how they are shown from the job's document. A job that is not held, but that a stage or an application names, has
an empty team and no openings, marked as not held. Must not know HTTP's transport, authentication or SQL.
"""

from bisect import bisect_right
from typing import Final

import msgspec

from rowen.api import examples
from rowen.api.codec.records import HiringTeam, Opening, hiring_team, openings
from rowen.api.declarations import Operation, Reply
from rowen.api.headers.conditional import document_etag, list_etag
from rowen.api.headers.links import link_header
from rowen.api.parameters import path_id
from rowen.api.reading.query import list_parameters, read_list, text_parameter
from rowen.api.request import ApiRequest
from rowen.api.response import Response
from rowen.app.keys import PERMISSIONS
from rowen.app.records import JOBS, RecordQuery, require_job
from rowen.app.services import Services
from rowen.interviews.errors import Code, Refusal

_STATUSES: Final = {"open": "open", "opened": "open", "closed": "closed"}
_OPENINGS: Final = list_parameters(
    text_parameter(
        "status", "Only those that are `open` (or `opened`) or `closed`; any other text shows all", str.lower
    )
)
_NOTHING: Final = b"{}"
_JOB: Final = path_id("job", examples.JOB_ID)


async def list_job_hiring_team(services: Services, request: ApiRequest) -> Response:
    """List the hiring team of one job; not found if nothing names the job."""
    document = await _document(services, request)
    response = _document_response(request, msgspec.json.encode(hiring_team(document or _NOTHING)))
    return response._replace(is_held=document is not None)


async def list_job_openings(services: Services, request: ApiRequest) -> Response:
    """List the openings of one job, in pages; not found if nothing names the job."""
    wanted = read_list(request.query, _OPENINGS)
    etag = list_etag(request.organization, f"{request.address}?{request.query}")
    if request.has_copy(etag):
        return Response(None, etag)
    status = _STATUSES.get(wanted.filters.get("status", ""))
    document = await _document(services, request)
    found = [each for each in openings(document or _NOTHING) if status in (None, each[0].status)]
    ids = [opening.id for opening, _ in found]
    page = wanted.page
    first = page.offset if page.after is None else bisect_right(ids, page.after)
    end = first + page.size
    links = link_header(
        request.address,
        wanted.echo,
        page,
        total=len(ids) if page.counted else None,
        following=ids[end - 1] if end < len(ids) else None,
    )
    body = b"[" + b",".join(opening for _, opening in found[first:end]) + b"]"
    return Response(body, etag, links, is_held=document is not None)


async def retrieve_job_opening(services: Services, request: ApiRequest) -> Response:
    """Retrieve one opening of a job by its id."""
    identifier = request.identifier("opening_id")
    for opening, shown in openings(await _document(services, request) or _NOTHING):
        if opening.id == identifier:
            return _document_response(request, shown)
    raise Refusal(Code.NOT_FOUND)


async def _document(services: Services, request: ApiRequest) -> bytes | None:
    """Return the job's document, None if the job is only named. Raises Refusal (not found)."""
    identifier = request.identifier()
    document = await services.records.document(request.organization, RecordQuery(JOBS), identifier)
    if document is None:
        await require_job(services.records, request.organization, identifier)
    return document


def _document_response(request: ApiRequest, document: bytes) -> Response:
    etag = document_etag(document)
    return Response(None if request.has_copy(etag) else document, etag)


OPERATIONS: Final = (
    Operation(
        "GET",
        "/v1/jobs/{id}/hiring_team",
        "jobs:list_hiring_team",
        list_job_hiring_team,
        PERMISSIONS["jobs:list_hiring_team"],
        "Jobs",
        Reply(
            HiringTeam,
            examples.HIRING_TEAM,
            "The hiring team; whoever is in the job's document is active",
            archived=True,
        ),
        path_parameters=(_JOB,),
    ),
    Operation(
        "GET",
        "/v1/jobs/{id}/openings",
        "jobs:list_openings",
        list_job_openings,
        PERMISSIONS["jobs:list_openings"],
        "Jobs",
        Reply(list[Opening], [examples.OPENING], "A page of openings, ordered by id", paged=True, archived=True),
        path_parameters=(_JOB,),
        query=_OPENINGS,
    ),
    Operation(
        "GET",
        "/v1/jobs/{id}/openings/{opening_id}",
        "jobs:retrieve_opening",
        retrieve_job_opening,
        PERMISSIONS["jobs:retrieve_opening"],
        "Jobs",
        Reply(Opening, examples.OPENING, "The opening"),
        path_parameters=(_JOB, path_id("opening", examples.OPENING_ID, "opening_id")),
    ),
)
