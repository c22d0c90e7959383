"""Adding candidates and their applications.

Owns the rules for what clients may write of them (contract section 10). Must not know JSON, HTTP or SQL.
"""

from rowen.app.hiring import Author, HiringCodec, JobReference, acting_user, add, author_of, extend
from rowen.app.plans import is_job, stages_of
from rowen.app.records import APPLICATIONS, CANDIDATES, JOBS, RecordRow
from rowen.app.unit_of_work import UnitOfWork
from rowen.app.users import one_user
from rowen.interviews.errors import Problems
from rowen.interviews.hiring import ApplicationFields, ApplicationInput, CandidateFields, Stage
from rowen.interviews.interview import Organizer


async def create_candidate(unit: UnitOfWork, codec: HiringCodec, fields: CandidateFields, api_key: str) -> RecordRow:
    """Add a candidate with applications. Raises Refusal."""
    user = await acting_user(unit, fields.on_behalf_of)
    problems = Problems(fields.problems)
    stages = []
    for position, application in enumerate(fields.applications):
        stages.append(await _check(unit, codec, application, f"applications[{position}].", problems))
    responsible: dict[str, Organizer] = {}
    for role, reference in fields.responsible.items():
        if (found := await one_user(unit, reference, f"{role}.", problems)) is not None:
            responsible[role] = found.organizer()
    author = author_of(codec, user, api_key, problems)
    identifier = await unit.new_record_id(CANDIDATES)
    row = await add(unit, author, CANDIDATES, codec.candidate(identifier, fields, responsible, unit.now))
    for application, stage in zip(fields.applications, stages, strict=True):
        row = await _apply(unit, author, row, application, stage)
    return row


async def create_application(
    unit: UnitOfWork, codec: HiringCodec, candidate: RecordRow, fields: ApplicationFields, api_key: str
) -> RecordRow:
    """Add an application to a candidate, and return it. Raises Refusal."""
    user = await acting_user(unit, fields.on_behalf_of)
    problems = Problems(fields.problems)
    stage = await _check(unit, codec, fields.application, "", problems)
    author = author_of(codec, user, api_key, problems)
    application = await _new_application(unit, author, candidate.id, fields.application, stage)
    await extend(unit, author, candidate, application)
    return application


async def _check(
    unit: UnitOfWork, codec: HiringCodec, application: ApplicationInput, path: str, problems: Problems
) -> Stage | None:
    """Return the stage that an application begins in, and note its problems."""
    job = application.job_id
    if job is None:
        return None
    if not await is_job(unit, job):
        problems.note(f"{path}job_id", "Must be the id of a job")
        return None
    stages = await stages_of(unit, codec, job)
    if application.initial_stage_id is None:
        return next((each for each in stages if each.active), None)
    for each in stages:
        if each.id == application.initial_stage_id:
            return each
    problems.note(f"{path}initial_stage_id", "Must be the id of a stage of the job")
    return None


async def _apply(
    unit: UnitOfWork, author: Author, candidate: RecordRow, application: ApplicationInput, stage: Stage | None
) -> RecordRow:
    """Add an application, and return its candidate."""
    return await extend(unit, author, candidate, await _new_application(unit, author, candidate.id, application, stage))


async def _new_application(
    unit: UnitOfWork, author: Author, candidate: int, application: ApplicationInput, stage: Stage | None
) -> RecordRow:
    identifier = await unit.new_record_id(APPLICATIONS)
    job = None if application.job_id is None else await unit.record(JOBS, application.job_id)
    name = None if job is None or job.document is None else author.codec.name(job.document)
    fields = author.codec.application(identifier, candidate, JobReference(application.job_id, name), stage)
    return await add(unit, author, APPLICATIONS, fields)
