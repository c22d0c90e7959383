"""Reading what stands around the interviews: the Harvest v1 calls of users, applications, job stages, scorecards.

Owns one table of resources with their filters, and the one way in which all of them are listed and retrieved. Must
not know HTTP's transport, authentication, SQL, or what a document says.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from rowen.app.records import (
    APPLICATIONS,
    JOB_STAGES,
    SCORECARDS,
    USERS,
    RecordQuery,
    require_application,
    require_job,
    retrieve_record,
)
from rowen.app.services import Services
from rowen.harvest.calls import Answer, Call, has_copy
from rowen.harvest.conditional import document_etag, list_etag
from rowen.harvest.links import link_header
from rowen.harvest.parameters import Reader, read_boolean, read_list, read_time
from rowen.harvest.resources import without_custom_fields
from rowen.interviews.people import fold
from rowen.interviews.scorecards import SUBMITTED

Term = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Resource:
    """How one resource is listed.

    `times` maps its filters by time to the criteria of a query; `terms` maps its filters by value to how that value
    is written in a term. `status` filters, `only` is the one status that is shown, `hides` names the parameter that
    has custom fields shown.
    """

    name: str
    times: Mapping[str, str]
    terms: Mapping[str, Callable[[str], str]]
    status: bool = False
    only: str | None = None
    hides: str | None = None

    @property
    def filters(self) -> dict[str, Reader]:
        """The readers of its filters, by name."""
        readers: dict[str, Reader] = {**dict.fromkeys(self.times, read_time), **dict.fromkeys(self.terms, str)}
        if self.status:
            readers["status"] = str
        if self.hides is not None:
            readers[self.hides] = read_boolean
        return readers

    def query(self, filters: Mapping[str, Any], terms: tuple[Term, ...] = ()) -> RecordQuery:
        """Return what filters, as they were read, and terms of the path ask for."""
        times = {criterion: filters[name] for name, criterion in self.times.items() if name in filters}
        named = tuple((name, write(filters[name])) for name, write in self.terms.items() if name in filters)
        status = self.only if self.only is not None else filters.get("status")
        return RecordQuery(self.name, **times, status=status, terms=(*terms, *named))


_TIMES: Final = {name: name for name in ("created_before", "created_after", "updated_before", "updated_after")}

RESOURCES: Final[Mapping[str, Resource]] = {
    each.name: each
    for each in (
        Resource(USERS, _TIMES, {"email": fold, "employee_id": str}, hides="user_attributes"),
        Resource(
            APPLICATIONS,
            {
                "created_before": "created_before",
                "created_after": "created_after",
                "last_activity_after": "updated_after",
            },
            {"job_id": str},
            status=True,
        ),
        Resource(JOB_STAGES, _TIMES, {}),
        Resource(SCORECARDS, _TIMES, {}, only=SUBMITTED),
    )
}
"""The resources that can be listed, by name: their filters are those of the public Harvest v1 reference."""


async def list_users(services: Services, call: Call) -> Answer:
    """List an organization's users."""
    return await _list(services, call, USERS)


async def retrieve_user(services: Services, call: Call) -> Answer:
    """Retrieve one user."""
    return await _retrieve(services, call, USERS)


async def list_applications(services: Services, call: Call) -> Answer:
    """List an organization's applications."""
    return await _list(services, call, APPLICATIONS)


async def retrieve_application(services: Services, call: Call) -> Answer:
    """Retrieve one application."""
    return await _retrieve(services, call, APPLICATIONS)


async def list_job_stages(services: Services, call: Call) -> Answer:
    """List the stages of all jobs of an organization."""
    return await _list(services, call, JOB_STAGES)


async def retrieve_job_stage(services: Services, call: Call) -> Answer:
    """Retrieve one job stage."""
    return await _retrieve(services, call, JOB_STAGES)


async def list_job_stages_for_job(services: Services, call: Call) -> Answer:
    """List the stages of one job; not found where nothing names the job."""
    await require_job(services.records, call.organization, call.identifier)
    return await _list(services, call, JOB_STAGES, ("job_id", str(call.identifier)))


async def list_scorecards(services: Services, call: Call) -> Answer:
    """List an organization's scorecards that were submitted."""
    return await _list(services, call, SCORECARDS)


async def retrieve_scorecard(services: Services, call: Call) -> Answer:
    """Retrieve one scorecard that was submitted."""
    return await _retrieve(services, call, SCORECARDS)


async def list_scorecards_for_application(services: Services, call: Call) -> Answer:
    """List the scorecards of one application that were submitted."""
    await require_application(services.records, call.organization, call.identifier)
    return await _list(services, call, SCORECARDS, ("application_id", str(call.identifier)))


async def _list(services: Services, call: Call, name: str, *terms: Term) -> Answer:
    resource = RESOURCES[name]
    request = read_list(call.query, resource.filters)
    full_address = f"{call.address}?{call.query}"
    etag = list_etag(call.organization, full_address)
    if has_copy(call, etag):
        return Answer(None, etag)
    page = await services.records.page(call.organization, resource.query(request.filters, terms), request.page)
    if page.organization is not call.organization:
        etag = list_etag(page.organization, full_address)
    hidden = resource.hides is not None and not request.filters.get(resource.hides)
    following = page.last_id if page.more else None
    links = link_header(call.address, request.echo, request.page, total=page.total, following=following)
    return Answer(without_custom_fields(page.body) if hidden else page.body, etag, links)


async def _retrieve(services: Services, call: Call, name: str) -> Answer:
    query = RESOURCES[name].query({})
    document = await retrieve_record(services.records, call.organization, query, call.identifier)
    etag = document_etag(document)
    return Answer(None if has_copy(call, etag) else document, etag)
