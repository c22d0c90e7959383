"""Making what an interview needs: a person, a candidate with an application, an interview of a plan.

Owns how the fields of these forms are read, and that each is stored as one change or not at all. Must not know which
page asks for it. The use cases are those of the API; the person of the session is the acting user.
"""

from typing import Final

import msgspec

from rowen.api.identifiers import read_identifier
from rowen.api.reading import values
from rowen.app.candidates import create_candidate
from rowen.app.hiring import stored
from rowen.app.plans import create_job, create_stage, extend_stage
from rowen.app.records import JOB_STAGES, USERS
from rowen.app.unit_of_work import UnitOfWork, WriteOperation, WriteResult
from rowen.app.users import create_user
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.hiring import ApplicationInput, CandidateFields, JobFields, StageFields, StageInterviewInput
from rowen.interviews.people import UserFields, fold
from rowen.interviews.scheduling import UNSET
from rowen.web.directory import LONGEST_MINUTES, Applicant
from rowen.web.forms import Form
from rowen.web.ports import PagePorts
from rowen.web.request import WebRequest
from rowen.web.submissions import write_once

_NEW: Final = ""
"""The value of a choice that stands for one that does not exist yet."""


class _Applied(msgspec.Struct):
    application_ids: list[int]


_applied: Final = msgspec.json.Decoder(_Applied)


class NewRecords:
    """Makes the records that forms need."""

    def __init__(self, ports: PagePorts) -> None:
        self._ports = ports
        self._codec = ports.services.hiring_codec

    async def person(self, request: WebRequest, form: Form, prefix: str = "person_") -> int | None:
        """Add a user, or find the one with the address, and return the id; None, with the problems noted."""
        request.require("users:create")
        name = form.read(f"{prefix}name", values.name, "form.name")
        email = form.read(f"{prefix}email", values.email, "form.email")
        if name is None or email is None:
            return None
        fields = named(name, email, request.session.person.user.id)
        codec = self._ports.services.user_codec

        async def work(unit: UnitOfWork) -> WriteResult:
            found = await unit.users_by_email(fold(email))
            if found:
                record = await unit.record(USERS, found[0].id)
                return WriteResult(record.document or b"" if record else b"")
            return WriteResult(await create_user(unit, codec, fields, request.session.name))

        user = codec.user(await self._write(request, "person", work))
        if user.disabled:
            form.note(f"{prefix}email", "form.disabled", name=user.name or email)
            return None
        return user.id

    async def candidate(self, request: WebRequest, form: Form) -> int | None:
        """Add a candidate who applies for a job, a new one if its name is typed; return the application's id."""
        request.require("candidates:create")
        organization, acting = request.session.person.organization, request.session.person.user.id
        first = form.read("first_name", values.name, "form.first_name")
        last = form.read("last_name", values.name, "form.last_name")
        email = form.read_optional("email", values.email, "form.email")
        if email is not None and (holder := await self._ports.directory.candidate_with(organization, email)):
            form.note("email", "new.candidate_known", name=holder)
        job, new_job = read_identifier(form.value("job")), None
        if job is None:
            request.require("jobs:create")
            new_job = form.read("new_job", values.name, "new.job_needed")
        if form.problems:
            return None
        addresses = [{"value": email, "type": "personal"}] if email else []
        person = {"first_name": first, "last_name": last, "email_addresses": addresses}

        async def work(unit: UnitOfWork) -> WriteResult:
            wanted = job
            if new_job is not None:
                fields = JobFields(name=new_job, on_behalf_of=acting)
                wanted = (await create_job(unit, self._codec, fields, request.session.name)).id
            applications = (ApplicationInput(job_id=wanted),)
            candidate = CandidateFields(person=person, applications=applications, on_behalf_of=acting)
            made = await create_candidate(unit, self._codec, candidate, request.session.name)
            return WriteResult(made.document or b"")

        return _applied.decode(await self._write(request, "candidate", work)).application_ids[0]

    async def planned_interview(self, request: WebRequest, form: Form, applicant: Applicant) -> int | None:
        """Add an interview to the plan of a candidate's job, in a new stage if none is chosen; return its id."""
        if applicant.job is None:
            raise Refusal(Code.INVALID)
        return await self.add_to_plan(request, form, applicant.job.id)

    async def add_to_plan(self, request: WebRequest, form: Form, job: int) -> int | None:
        """Add an interview to a job's plan, in a new stage if none is chosen; return its id."""
        request.require("job_stages:update")
        acting = request.session.person.user.id
        name = form.read("interview_name", values.name, "form.name")
        minutes = form.whole("minutes", 5, LONGEST_MINUTES, "form.minutes")
        stage, stage_name = read_identifier(form.value("stage")), None
        if stage is None:
            typed = form.read_optional("stage_name", values.name, "form.name")
            stage_name = typed or request.language.text("plan.first_stage")
        if form.problems:
            return None
        usual = tuple(found for text in form.all("usual") if (found := read_identifier(text)) is not None)
        planned = StageInterviewInput(name=name, estimated_minutes=minutes, default_interviewer_users=usual)
        fields = StageFields(interviews=(planned,), on_behalf_of=acting)

        async def work(unit: UnitOfWork) -> WriteResult:
            if stage is None:
                new = msgspec.structs.replace(fields, job_id=job, name=stage_name or UNSET)
                made = await create_stage(unit, self._codec, new, request.session.name)
            else:
                record = await stored(unit, JOB_STAGES, stage)
                if self._codec.stage(record.document or b"").job_id != job:
                    raise Refusal(Code.NOT_FOUND)
                made = await extend_stage(unit, self._codec, record, fields, request.session.name)
            return WriteResult(made.document or b"")

        return list(self._codec.plan(await self._write(request, "plan", work)))[-1]

    async def _write(self, request: WebRequest, purpose: str, work: WriteOperation) -> bytes:
        request.require_own_records()
        return (await write_once(self._ports.writing, request, purpose, work)).body


def named(name: str, email: str, acting: int | None) -> UserFields:
    """Return the fields of a new user whose whole name was typed."""
    first, _, last = name.strip().partition(" ")
    return UserFields(first_name=first, last_name=last.strip() or UNSET, email=email, on_behalf_of=acting)
