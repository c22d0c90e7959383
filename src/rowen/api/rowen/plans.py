"""Writing jobs and their stages: operations that Harvest does not have.

Owns what each does between an authorised request and its response (contract section 10). Must not know HTTP's
transport, authentication or SQL.
"""

from typing import Final

from rowen.api import examples
from rowen.api.codec.records import JobRecord, JobStageRecord
from rowen.api.declarations import Operation, Reply
from rowen.api.headers.acting_user import ON_BEHALF_OF
from rowen.api.headers.conditional import IF_MATCH
from rowen.api.headers.idempotency import IDEMPOTENCY_KEY, perform, written_record
from rowen.api.parameters import path_id
from rowen.api.reading.hiring_fields import JOB_CHANGES, NEW_JOB, NEW_STAGE, STAGE_CHANGES, read_job, read_stage
from rowen.api.request import ApiRequest
from rowen.api.response import Response
from rowen.api.v1.records import stored_version
from rowen.app import plans
from rowen.app.records import JOB_STAGES, JOBS
from rowen.app.services import Services
from rowen.app.unit_of_work import UnitOfWork, WriteResult


async def create_job(services: Services, request: ApiRequest) -> Response:
    """Add a job."""
    fields = read_job(request, NEW_JOB)

    async def work(unit: UnitOfWork) -> WriteResult:
        return written_record(await plans.create_job(unit, services.hiring_codec, fields, request.key_name))

    return await perform(services, request, work)


async def change_job(services: Services, request: ApiRequest) -> Response:
    """Change a job."""
    identifier = request.identifier()
    fields = read_job(request, JOB_CHANGES)

    async def work(unit: UnitOfWork) -> WriteResult:
        record = await stored_version(unit, request, JOBS, identifier)
        return written_record(await plans.change_job(unit, services.hiring_codec, record, fields, request.key_name))

    return await perform(services, request, work)


async def create_job_stage(services: Services, request: ApiRequest) -> Response:
    """Add a stage, with the interviews that are held in it, to a job."""
    fields = read_stage(request, NEW_STAGE)

    async def work(unit: UnitOfWork) -> WriteResult:
        return written_record(await plans.create_stage(unit, services.hiring_codec, fields, request.key_name))

    return await perform(services, request, work)


async def change_job_stage(services: Services, request: ApiRequest) -> Response:
    """Change a stage; its interviews are replaced if they are given."""
    identifier = request.identifier()
    fields = read_stage(request, STAGE_CHANGES)

    async def work(unit: UnitOfWork) -> WriteResult:
        record = await stored_version(unit, request, JOB_STAGES, identifier)
        return written_record(await plans.change_stage(unit, services.hiring_codec, record, fields, request.key_name))

    return await perform(services, request, work)


_HEADERS: Final = (ON_BEHALF_OF, IDEMPOTENCY_KEY)
_MATCHED: Final = (*_HEADERS, IF_MATCH)
_JOB: Final = Reply(JobRecord, examples.JOB, "The job as it is now")
_STAGE: Final = Reply(JobStageRecord, examples.JOB_STAGE, "The job stage as it is now")

OPERATIONS: Final = (
    Operation(
        "POST",
        "/rowen/v1/jobs",
        "jobs:create",
        create_job,
        "Add a job",
        "Jobs",
        _JOB,
        headers=_HEADERS,
        body=NEW_JOB,
        leads_to=("retrieve_job", "change_job"),
    ),
    Operation(
        "PATCH",
        "/rowen/v1/jobs/{id}",
        "jobs:update",
        change_job,
        "Change a job",
        "Jobs",
        _JOB,
        path_parameters=(path_id("job", examples.JOB_ID),),
        headers=_MATCHED,
        body=JOB_CHANGES,
    ),
    Operation(
        "POST",
        "/rowen/v1/job_stages",
        "job_stages:create",
        create_job_stage,
        "Add a stage to a job",
        "Job stages",
        _STAGE,
        headers=_HEADERS,
        body=NEW_STAGE,
        leads_to=("retrieve_job_stage", "change_job_stage"),
    ),
    Operation(
        "PATCH",
        "/rowen/v1/job_stages/{id}",
        "job_stages:update",
        change_job_stage,
        "Change a job stage",
        "Job stages",
        _STAGE,
        path_parameters=(path_id("job stage", examples.STAGE_ID),),
        headers=_MATCHED,
        body=STAGE_CHANGES,
    ),
)
