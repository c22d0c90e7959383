"""The settings of jobs and their plans.

Owns these pages. Must not know how a plan is stored. The use cases are those of the API.
"""

from typing import Final

from rowen.api.identifiers import read_identifier
from rowen.api.reading import values
from rowen.app.hiring import stored
from rowen.app.plans import change_job, create_job
from rowen.app.records import JOBS
from rowen.app.unit_of_work import UnitOfWork, WriteResult
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.hiring import JobFields, JobStatus, StageInterviewInput
from rowen.interviews.pools import Pool
from rowen.web.directory import LONGEST_MINUTES, JobChoice, PlannedInterview, StageChoice, person_name
from rowen.web.forms import Form
from rowen.web.new_records import NewRecords
from rowen.web.ports import PagePorts
from rowen.web.request import Answer, Redirected, WebRequest
from rowen.web.scheduling_form import MINUTES
from rowen.web.settings.plans import Plans
from rowen.web.settings.sections import JOBS as SECTION
from rowen.web.settings.sections import identifier_of, is_confirmed, question, rendered
from rowen.web.submissions import write_once
from rowen.web.usual_panel import default_pools, panel_words, pool_fields, wanted_pools

_STEPS: Final = {"earlier": -1, "later": 1}
"""By how many places a button moves a stage or an interview."""


class JobPages:
    """The pages of jobs and plans."""

    def __init__(self, ports: PagePorts) -> None:
        self._ports = ports
        self._records = NewRecords(ports)
        self._codec = ports.services.hiring_codec
        self._plans = Plans(ports)

    async def show(self, request: WebRequest) -> Answer:
        """List the jobs."""
        return await self._list(request, Form(request.language))

    async def add(self, request: WebRequest) -> Answer:
        """Add a job."""
        request.require("jobs:create")
        request.require_own_records()
        form = Form(request.language, request.form)
        name = form.read("name", values.name, "form.name")
        if name is None:
            return await self._list(request, form)
        fields = JobFields(name=name, on_behalf_of=request.session.person.user.id)

        async def work(unit: UnitOfWork) -> WriteResult:
            return WriteResult(b"%d" % (await create_job(unit, self._codec, fields, request.session.name)).id)

        made = await write_once(self._ports.writing, request, "job", work)
        return Redirected(f"{SECTION.path}/{made.body.decode()}", message="added")

    async def show_one(self, request: WebRequest) -> Answer:
        """Show a job with its plan."""
        return await self._one(request, await self._job(request), Form(request.language))

    async def change(self, request: WebRequest) -> Answer:
        """Rename, open or close a job, add an interview to its plan, or move a stage or an interview."""
        request.require_own_records()
        job = await self._job(request)
        form = Form(request.language, request.form)
        if form.value("action") == "plan":
            if await self._records.add_to_plan(request, form, job.id) is None:
                return await self._one(request, job, form)
            return Redirected(f"{SECTION.path}/{job.id}", message="added")
        if form.value("action") in _STEPS:
            return await self._move(request, job, _STEPS[form.value("action")])
        request.require("jobs:update")
        name = form.read("name", values.name, "form.name")
        status = next((each for each in JobStatus if each.value == form.value("status")), None)
        if name is None or status is None:
            return await self._one(request, job, form)
        fields = JobFields(name=name, status=status, on_behalf_of=request.session.person.user.id)

        async def work(unit: UnitOfWork) -> WriteResult:
            record = await stored(unit, JOBS, job.id)
            return WriteResult(
                (await change_job(unit, self._codec, record, fields, request.session.name)).document or b""
            )

        await self._ports.writing.write(request.session.person.organization, work)
        return Redirected(f"{SECTION.path}/{job.id}", message="saved")

    async def show_interview(self, request: WebRequest) -> Answer:
        """Show an interview of a plan."""
        job = await self._job(request)
        stage, planned = await self._planned(request, job)
        return await self._interview(request, job, stage, planned, Form(request.language))

    async def change_interview(self, request: WebRequest) -> Answer:
        """Change an interview of a plan and which pools fill its seats, or remove it; in a mirror, only its pools."""
        job = await self._job(request)
        stage, planned = await self._planned(request, job)
        form, known = Form(request.language, request.form), await self._pools(request)
        if form.value("action") == "remove":
            if not is_confirmed(request):
                return self._ask(request, job, planned)
            none = {each.id: 0 for each in known if each.seats_of(planned.id)}
            await self._plans.replace_interview(request, stage.id, planned.id, None, none)
            return Redirected(f"{SECTION.path}/{job.id}", message="removed")
        is_mirrored = request.session.person.organization.mirrored_from is not None
        wanted, pools = None if is_mirrored else _changed(form, planned), wanted_pools(form, known)
        if form.problems:
            return await self._interview(request, job, stage, planned, form)
        if wanted is None:
            await self._plans.fill_from_pools(request, planned.id, pools)
        else:
            await self._plans.replace_interview(request, stage.id, planned.id, wanted, pools)
        return Redirected(f"{SECTION.path}/{job.id}", message="saved")

    async def _list(self, request: WebRequest, form: Form) -> Answer:
        jobs = await self._ports.directory.jobs(request.session.person.organization)
        shown = {"form": form, "jobs": [(each.id, each.name or str(each.id), _status(request, each)) for each in jobs]}
        return rendered(request, SECTION, "settings_jobs.html", shown, form.status)

    async def _one(self, request: WebRequest, job: JobChoice, form: Form) -> Answer:
        organization = request.session.person.organization
        stages = await self._ports.directory.stages(organization, job.id)
        users, disabled = await self._ports.directory.users(organization), request.language.text("people.disabled")
        names = {each.id: f"{person_name(each)} ({disabled})" if each.disabled else person_name(each) for each in users}
        pools = await self._pools(request)
        form.default("name", job.name or "")
        form.default("status", job.status or JobStatus.OPEN.value)
        form.default("minutes", str(MINUTES))
        text, usual = request.language.text, set(form.all("usual"))
        new_stage = [("", text("plan.new_stage"))] if stages else []
        form.default("stage", str(stages[-1].id) if stages else "")
        shown = {
            "form": form,
            "job": job,
            "stages": stages,
            "panels": {
                each.id: ", ".join(panel_words(request.language, each, names, pools))
                for stage in stages
                for each in stage.interviews
            },
            "choices": [*((str(each.id), each.name or str(each.id)) for each in stages), *new_stage],
            "statuses": [(each.value, text(f"job.{each.value}")) for each in JobStatus],
            "people": [(each.id, person_name(each), str(each.id) in usual) for each in users if not each.disabled],
        }
        return rendered(request, SECTION, "settings_job.html", shown, form.status)

    async def _interview(
        self, request: WebRequest, job: JobChoice, stage: StageChoice, planned: PlannedInterview, form: Form
    ) -> Answer:
        people = await self._ports.directory.people(request.session.person.organization)
        usual = form.all("usual") if form.problems else [str(each) for each in planned.defaults]
        form.default("interview_name", planned.name or "")
        form.default("minutes", str(planned.minutes or MINUTES))
        offered = [(each.id, person_name(each), str(each.id) in usual) for each in people]
        pools = await self._pools(request)
        default_pools(form, pools, planned)
        shown = {
            "form": form,
            "job": job,
            "stage": stage,
            "people": sorted(offered, key=lambda each: not each[2]),
            "pools": pool_fields(pools, planned),
        }
        return rendered(request, SECTION, "settings_planned.html", shown, form.status)

    async def _job(self, request: WebRequest) -> JobChoice:
        job = await self._ports.directory.job(request.session.person.organization, identifier_of(request))
        if job is None:
            raise Refusal(Code.NOT_FOUND)
        return job

    async def _pools(self, request: WebRequest) -> list[Pool]:
        return await self._ports.directory.pools(request.session.person.organization)

    async def _planned(self, request: WebRequest, job: JobChoice) -> tuple[StageChoice, PlannedInterview]:
        identifier = identifier_of(request, "interview")
        for stage in await self._ports.directory.plan(request.session.person.organization, job.id):
            for each in stage.interviews:
                if each.id == identifier:
                    return stage, each
        raise Refusal(Code.NOT_FOUND)

    async def _move(self, request: WebRequest, job: JobChoice, step: int) -> Answer:
        """Move a stage, or an interview within its stage, by one place."""
        stages = await self._ports.directory.stages(request.session.person.organization, job.id)
        stage, interview = (read_identifier(request.form.get(name, "")) for name in ("stage", "interview"))
        if stage not in [each.id for each in stages] or stage is None:
            raise Refusal(Code.NOT_FOUND)
        if interview is None:
            await self._plans.move_stage(request, stages, stage, step)
        else:
            await self._plans.move_interview(request, stage, interview, step)
        return Redirected(f"{SECTION.path}/{job.id}#stage-{stage}")

    def _ask(self, request: WebRequest, job: JobChoice, planned: PlannedInterview) -> Answer:
        text = request.language.text
        asked = text("plan.remove_question", name=planned.name or text("interview.untitled")), text("plan.remove_hint")
        return question(request, SECTION, asked, "plan.remove", f"{SECTION.path}/{job.id}/interviews/{planned.id}")


def _changed(form: Form, planned: PlannedInterview) -> StageInterviewInput:
    """Return an interview of a plan as a form has it; with the problems noted."""
    name = form.read("interview_name", values.name, "form.name")
    minutes = form.whole("minutes", 5, LONGEST_MINUTES, "form.minutes")
    usual = tuple(found for text in form.all("usual") if (found := read_identifier(text)) is not None)
    return StageInterviewInput(id=planned.id, name=name, estimated_minutes=minutes, default_interviewer_users=usual)


def _status(request: WebRequest, job: JobChoice) -> tuple[str, str]:
    """Return the status of a job as a value and in words."""
    status = job.status or ""
    key = f"job.{status}"
    return status, request.language.text(key) if request.language.has(key) else status
