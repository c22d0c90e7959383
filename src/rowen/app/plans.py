"""Jobs and their plans: stages with the interviews that are held in them.

Owns the rules for what clients may write of them (contract section 10). Must not know JSON, HTTP or SQL.
"""

from typing import Any, Final

from rowen.app.hiring import HiringCodec, acting_user, add, alter, author_of
from rowen.app.records import APPLICATIONS, JOB_STAGES, JOBS, RecordRow
from rowen.app.unit_of_work import UnitOfWork
from rowen.interviews.errors import Problems
from rowen.interviews.hiring import JobFields, JobStatus, Stage, StageFields, StageInterviewInput
from rowen.interviews.people import UserId
from rowen.interviews.scheduling import UNSET

_JOB: Final = ("name", "status", "requisition_id", "notes")
_NEW_INTERVIEW: Final[dict[str, Any]] = {
    "id": None,
    "name": None,
    "schedulable": True,
    "estimated_minutes": None,
    "default_interviewer_users": [],
    "interview_kit": None,
}
_STAGE: Final = ("name", "job_id", "priority", "active")


async def create_job(unit: UnitOfWork, codec: HiringCodec, fields: JobFields, api_key: str) -> RecordRow:
    """Add a job, which is open unless the client gives a status. Raises Refusal."""
    user = await acting_user(unit, fields.on_behalf_of)
    author = author_of(codec, user, api_key, Problems(fields.problems))
    identifier = await unit.new_record_id(JOBS)
    while await is_named_job(unit, identifier):  # by applications or stages of a job that was not imported
        identifier = await unit.new_record_id(JOBS)
    given = {"status": JobStatus.OPEN, **_given(fields, _JOB)}
    return await add(unit, author, JOBS, {"id": identifier, **given, **_dates(unit, given["status"])})


async def change_job(
    unit: UnitOfWork, codec: HiringCodec, record: RecordRow, fields: JobFields, api_key: str
) -> RecordRow:
    """Change a job. Raises Refusal."""
    user = await acting_user(unit, fields.on_behalf_of)
    author = author_of(codec, user, api_key, Problems(fields.problems))
    given = _given(fields, _JOB)
    if fields.status is not UNSET and fields.status != record.status:
        given |= _dates(unit, fields.status)
    return await alter(unit, author, record, given)


async def create_stage(unit: UnitOfWork, codec: HiringCodec, fields: StageFields, api_key: str) -> RecordRow:
    """Add a stage to a job, after the others unless the client gives a priority. Raises Refusal."""
    user = await acting_user(unit, fields.on_behalf_of)
    problems = Problems(fields.problems)
    if fields.job_id is not UNSET and not await is_job(unit, fields.job_id):
        problems.note("job_id", "Must be the id of a job")
    people = await _interviewers(unit, fields, problems)
    _check_kept(fields, {}, problems)
    author = author_of(codec, user, api_key, problems)
    given = _given(fields, _STAGE)
    if fields.priority is UNSET and fields.job_id is not UNSET:
        given["priority"] = max([each.priority for each in await stages_of(unit, codec, fields.job_id)], default=-1) + 1
    identifier = await unit.new_record_id(JOB_STAGES)
    given["interviews"] = await _interviews(unit, fields, people, {})
    return await add(unit, author, JOB_STAGES, {"id": identifier, **given})


async def change_stage(
    unit: UnitOfWork, codec: HiringCodec, record: RecordRow, fields: StageFields, api_key: str
) -> RecordRow:
    """Change a stage; interviews that are named by their id stay, the others are new. Raises Refusal."""
    user = await acting_user(unit, fields.on_behalf_of)
    problems = Problems(fields.problems)
    people = await _interviewers(unit, fields, problems)
    present = codec.plan(record.document or b"")
    _check_kept(fields, present, problems)
    author = author_of(codec, user, api_key, problems)
    given = _given(fields, _STAGE)
    if fields.interviews is not UNSET:
        given["interviews"] = await _interviews(unit, fields, people, present)
    return await alter(unit, author, record, given)


async def extend_stage(
    unit: UnitOfWork, codec: HiringCodec, record: RecordRow, fields: StageFields, api_key: str
) -> RecordRow:
    """Add interviews to a stage, after those that it has, which stay as they are. Raises Refusal."""
    user = await acting_user(unit, fields.on_behalf_of)
    problems = Problems(fields.problems)
    people = await _interviewers(unit, fields, problems)
    author = author_of(codec, user, api_key, problems)
    present = codec.plan(record.document or b"")
    added = await _interviews(unit, fields, people, {})
    return await alter(unit, author, record, {"interviews": [*present.values(), *added]})


async def is_job(unit: UnitOfWork, identifier: int) -> bool:
    """Return whether a job has that id: one that is held, or that an application or a stage names."""
    return await unit.record(JOBS, identifier) is not None or await is_named_job(unit, identifier)


async def is_named_job(unit: UnitOfWork, identifier: int) -> bool:
    """Return whether an application or a stage names the job."""
    for resource in (JOB_STAGES, APPLICATIONS):
        if await unit.is_named(resource, "job_id", str(identifier)):
            return True
    return False


async def stages_of(unit: UnitOfWork, codec: HiringCodec, job: int) -> list[Stage]:
    """Return the stages of a job, in their order."""
    found = await unit.records_by_term(JOB_STAGES, "job_id", str(job))
    stages = [codec.stage(each.document) for each in found if each.document is not None]
    return sorted(stages, key=lambda each: (each.priority, each.id))


def _given(fields: JobFields | StageFields, names: tuple[str, ...]) -> dict[str, Any]:
    """Return the fields that the client gave, by their names in documents."""
    return {name: value for name in names if (value := getattr(fields, name)) is not UNSET}


def _dates(unit: UnitOfWork, status: JobStatus) -> dict[str, Any]:
    """Return when a job was opened or closed, as it gets a status."""
    if status is JobStatus.OPEN:
        return {"opened_at": unit.now, "closed_at": None}
    return {"closed_at": unit.now} if status is JobStatus.CLOSED else {}


async def _interviewers(unit: UnitOfWork, fields: StageFields, problems: Problems) -> dict[int, dict[str, Any]]:
    """Return the default interviewers by id, as documents show them, and note the unknown ones."""
    found: dict[int, dict[str, Any]] = {}
    for position, interview in enumerate(() if fields.interviews is UNSET else fields.interviews):
        for place, identifier in enumerate(interview.default_interviewer_users):
            user = await unit.user(UserId(identifier))
            if user is None:
                path = f"interviews[{position}].default_interviewer_users[{place}]"
                problems.note(path, "Must be the id of a user")
            else:
                organizer = user.organizer()
                found[identifier] = {name: getattr(organizer, name) for name in organizer.__struct_fields__}
    return found


def _check_kept(fields: StageFields, present: dict[int, dict[str, Any]], problems: Problems) -> None:
    """Note the ids that are not those of different interviews of the stage."""
    seen: set[int] = set()
    for position, interview in enumerate(() if fields.interviews is UNSET else fields.interviews):
        if interview.id is None:
            continue
        if interview.id not in present:
            problems.note(f"interviews[{position}].id", "Must be the id of an interview of this stage")
        elif interview.id in seen:
            problems.note(f"interviews[{position}].id", "Must be given once")
        seen.add(interview.id)


async def _interviews(
    unit: UnitOfWork, fields: StageFields, people: dict[int, dict[str, Any]], present: dict[int, dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return the interviews of a stage as documents show them; those without an id get one."""
    found = []
    for interview in () if fields.interviews is UNSET else fields.interviews:
        identifier = interview.id if interview.id is not None else await _new_interview_id(unit)
        before = present.get(identifier, _NEW_INTERVIEW)
        found.append({**before, "id": identifier, **_interview(interview, people)})
    return found


def _interview(interview: StageInterviewInput, people: dict[int, dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": interview.name,
        "estimated_minutes": interview.estimated_minutes,
        "default_interviewer_users": [people[each] for each in interview.default_interviewer_users],
    }


async def _new_interview_id(unit: UnitOfWork) -> int:
    """Return an id for an interview of a stage, which no other stage has."""
    identifier = await unit.new_record_id(JOB_STAGES)  # a stage known from an interview only has its interview's id
    while await unit.interview_reference(identifier) is not None:
        identifier = await unit.new_record_id(JOB_STAGES)
    return identifier
