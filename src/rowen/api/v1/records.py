"""Reading records: the Harvest v1 operations of users, applications, job stages, scorecards, candidates and jobs.

Owns one table of resources with their filters, and the common code that lists and retrieves them. Must not
know HTTP's transport, authentication, SQL, or the content of a document.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Final

import msgspec

from rowen.api import examples
from rowen.api.codec.records import (
    ApplicationRecord,
    CandidateRecord,
    JobRecord,
    JobStageRecord,
    ScorecardRecord,
    UserRecord,
)
from rowen.api.declarations import Operation, Reply
from rowen.api.headers.conditional import document_etag, list_etag
from rowen.api.headers.links import link_header
from rowen.api.parameters import path_id
from rowen.api.reading.query import (
    QueryParameter,
    QueryParameters,
    by_name,
    flag_parameter,
    identifiers_parameter,
    list_parameters,
    read_list,
    text_parameter,
    time_parameter,
)
from rowen.api.request import ApiRequest
from rowen.api.response import Response
from rowen.api.schemas import Json
from rowen.api.v1.interviews import APPLICATION_ID
from rowen.app.hiring import stored
from rowen.app.interviews import require_application
from rowen.app.keys import PERMISSIONS
from rowen.app.records import (
    APPLICATIONS,
    CANDIDATES,
    JOB_STAGES,
    JOBS,
    SCORECARDS,
    USERS,
    RecordQuery,
    RecordRow,
    require_job,
    retrieve_record,
)
from rowen.app.services import Services
from rowen.app.unit_of_work import UnitOfWork
from rowen.interviews.interview import ApplicationId
from rowen.interviews.people import fold
from rowen.interviews.scorecards import SUBMITTED

Term = tuple[str, str]


@dataclass(frozen=True)
class Resource:
    """One resource: how it is listed, and how it is described.

    `times` maps its filters by time to the criteria of a query; `terms` are its filters by value, each the name of a
    term that records are found by. `status` filters, `only` is the one status that is shown, `ids` names those
    wanted, and `hides` has custom fields shown.
    """

    name: str
    kind: type[msgspec.Struct]
    example: Json
    times: Mapping[str, str]
    terms: tuple[QueryParameter, ...] = ()
    status: QueryParameter | None = None
    only: str | None = None
    ids: QueryParameter | None = None
    hides: QueryParameter | None = None

    @cached_property
    def parameters(self) -> QueryParameters:
        """The parameters of its list: those of pages, and its filters."""
        return list_parameters(*self.filters.values())

    @cached_property
    def filters(self) -> QueryParameters:
        """Its filters, by name."""
        others = [parameter for parameter in (self.status, self.ids, self.hides) if parameter is not None]
        return by_name(*map(_time_filter, self.times), *self.terms, *others)

    def query(self, filters: Mapping[str, Any], terms: tuple[Term, ...] = ()) -> RecordQuery:
        """Return the query for filters, as read, and for terms from the path."""
        times = {criterion: filters[name] for name, criterion in self.times.items() if name in filters}
        named = tuple((term.name, filters[term.name]) for term in self.terms if term.name in filters)
        status = filters.get(self.status.name) if self.status is not None else self.only
        # The ids of candidates are ignored next to an e-mail address, as in Harvest.
        ids = filters.get(self.ids.name) if self.ids is not None and "email" not in filters else None
        return RecordQuery(self.name, **times, status=status, ids=ids, terms=(*terms, *named))


def _time_filter(name: str) -> QueryParameter:
    what, _, side = name.rpartition("_")
    verb = {"created": "were created", "updated": "were updated", "last_activity": "had their last activity"}[what]
    relation = {"before": "before", "after": "at or after"}[side]
    return time_parameter(name, f"Only those that {verb} {relation} this ISO-8601 date or time")


TIMES: Final = {name: name for name in ("created_before", "created_after", "updated_before", "updated_after")}
"""The filters by the times of creation and change, as most lists have them."""
_APPLICATION_TIMES: Final = {
    "created_before": "created_before",
    "created_after": "created_after",
    "last_activity_after": "updated_after",
}
_MOST_CANDIDATES: Final = 50

_USERS: Final = Resource(
    USERS,
    UserRecord,
    examples.USER,
    TIMES,
    terms=(
        text_parameter("email", "Only users who have this e-mail address", fold),
        text_parameter("employee_id", "Only users who have this employee id"),
    ),
    hides=flag_parameter("user_attributes", "Show custom fields, too"),
)
_APPLICATIONS: Final = Resource(
    APPLICATIONS,
    ApplicationRecord,
    examples.APPLICATION,
    _APPLICATION_TIMES,
    terms=(text_parameter("job_id", "Only those of the job with this id"),),
    status=text_parameter("status", "Only those of this status; an unknown one is an empty list"),
)
_JOB_STAGES: Final = Resource(JOB_STAGES, JobStageRecord, examples.JOB_STAGE, TIMES)
_SCORECARDS: Final = Resource(SCORECARDS, ScorecardRecord, examples.SCORECARD, TIMES, only=SUBMITTED)
_CANDIDATES: Final = Resource(
    CANDIDATES,
    CandidateRecord,
    examples.CANDIDATE,
    TIMES,
    terms=(
        text_parameter("email", "Only candidates who have this e-mail address", fold),
        text_parameter("job_id", "Only those who applied to the job with this id, or are a prospect for it"),
    ),
    ids=identifiers_parameter(
        "candidate_ids", "Only candidates with these ids; ignored next to `email`", _MOST_CANDIDATES
    ),
)
_JOBS: Final = Resource(
    JOBS,
    JobRecord,
    examples.JOB,
    TIMES,
    terms=(
        text_parameter("requisition_id", "Only jobs with this requisition id"),
        text_parameter("opening_id", "Only jobs that have an opening with this `opening_id`"),
        text_parameter("department_id", "Only jobs in the department with this id"),
        text_parameter("external_department_id", "Only jobs in the department with this external id"),
        text_parameter("office_id", "Only jobs in the office with this id"),
        text_parameter("external_office_id", "Only jobs in the office with this external id"),
    ),
    status=text_parameter(
        "status", "Only those of this status: open, closed or draft; an unknown one is an empty list"
    ),
)

RESOURCES: Final[Mapping[str, Resource]] = {
    resource.name: resource for resource in (_USERS, _APPLICATIONS, _JOB_STAGES, _SCORECARDS, _CANDIDATES, _JOBS)
}
"""The resources that can be listed, by name: their filters are those of the public Harvest v1 reference."""


async def list_job_stages_for_job(services: Services, request: ApiRequest) -> Response:
    """List the stages of one job; not found if nothing names the job."""
    await require_job(services.records, request.organization, request.identifier())
    return await list_records(_JOB_STAGES, services, request, ("job_id", str(request.identifier())))


async def list_scorecards_for_application(services: Services, request: ApiRequest) -> Response:
    """List the scorecards of one application that were submitted."""
    await require_application(services.interviews, request.organization, ApplicationId(request.identifier()))
    return await list_records(_SCORECARDS, services, request, ("application_id", str(request.identifier())))


async def list_records(resource: Resource, services: Services, request: ApiRequest, *terms: Term) -> Response:
    """List the records of a resource, in pages."""
    wanted = read_list(request.query, resource.parameters)
    full_address = f"{request.address}?{request.query}"
    etag = list_etag(request.organization, full_address)
    if request.has_copy(etag):
        return Response(None, etag)
    page = await services.records.page(request.organization, resource.query(wanted.filters, terms), wanted.page)
    if page.organization is not request.organization:
        etag = list_etag(page.organization, full_address)
    hidden = resource.hides is not None and not wanted.filters.get(resource.hides.name)
    following = page.last_id if page.more else None
    links = link_header(request.address, wanted.echo, wanted.page, total=page.total, following=following)
    return Response(_without_custom_fields(page.body) if hidden else page.body, etag, links)


async def retrieve(resource: Resource, services: Services, request: ApiRequest) -> Response:
    """Retrieve one record of a resource."""
    document = await retrieve_record(services.records, request.organization, resource.query({}), request.identifier())
    etag = document_etag(document)
    return Response(None if request.has_copy(etag) else document, etag)


async def stored_version(unit: UnitOfWork, request: ApiRequest, resource: str, identifier: int) -> RecordRow:
    """Return a record to be changed. Raises Refusal: not found, or not the version that the client means."""
    record = await stored(unit, resource, identifier)
    request.require_version(document_etag(record.document or b""))
    return record


def _without_custom_fields(body: bytes) -> bytes:
    """Return an array of users without their custom fields, which are shown on request only."""
    if b'custom_fields":' not in body:
        return body
    shown = [
        {name: value for name, value in user.items() if name not in ("custom_fields", "keyed_custom_fields")}
        for user in msgspec.json.decode(body, type=list[dict[str, msgspec.Raw]])
    ]
    return msgspec.json.encode(shown)


def _page(resource: Resource) -> Reply:
    records = " ".join(filter(None, (resource.only, _words(resource.name))))
    kind = list[resource.kind]  # type: ignore[name-defined]  # made when the program runs
    return Reply(kind, [resource.example], f"A page of {records}, ordered by id", paged=True)


def _operations(resource: Resource) -> tuple[Operation, Operation]:
    """Return the operations that list a resource and retrieve one of its records."""
    name, singular = resource.name, resource.name.removesuffix("s")
    tag = _words(name).capitalize()
    return (
        Operation(
            "GET",
            f"/v1/{name}",
            f"{name}:list",
            partial(list_records, resource),
            PERMISSIONS[f"{name}:list"],
            tag,
            _page(resource),
            query=resource.parameters,
            alias=f"list_{name}",
        ),
        Operation(
            "GET",
            f"/v1/{name}/{{id}}",
            f"{name}:retrieve",
            partial(retrieve, resource),
            PERMISSIONS[f"{name}:retrieve"],
            tag,
            Reply(resource.kind, resource.example, f"The {_words(singular)}"),
            path_parameters=(path_id(_words(singular), resource.example["id"]),),
            alias=f"retrieve_{singular}",
        ),
    )


def _words(name: str) -> str:
    return name.replace("_", " ")


OPERATIONS: Final = (
    *_operations(_USERS),
    *_operations(_APPLICATIONS),
    *_operations(_JOB_STAGES),
    Operation(
        "GET",
        "/v1/jobs/{id}/stages",
        "job_stages:list_for_job",
        list_job_stages_for_job,
        "List a job's stages",
        "Job stages",
        _page(_JOB_STAGES),
        path_parameters=(path_id("job", examples.JOB_ID),),
        query=_JOB_STAGES.parameters,
    ),
    *_operations(_SCORECARDS),
    Operation(
        "GET",
        "/v1/applications/{id}/scorecards",
        "scorecards:list_for_application",
        list_scorecards_for_application,
        "List an application's scorecards",
        "Scorecards",
        _page(_SCORECARDS),
        path_parameters=(APPLICATION_ID,),
        query=_SCORECARDS.parameters,
    ),
    *_operations(_CANDIDATES),
    *_operations(_JOBS),
)
