"""The settings of a stage of a plan: its name, and whether it is in use.

Owns this page. Must not know the interviews of a stage. The use cases are those of the API.
"""

from rowen.api.reading import values
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.hiring import StageFields
from rowen.web.directory import JobChoice, StageChoice
from rowen.web.forms import Form
from rowen.web.ports import PagePorts
from rowen.web.request import Answer, Redirected, WebRequest
from rowen.web.settings.plans import Plans
from rowen.web.settings.sections import JOBS, identifier_of, rendered


class StagePages:
    """The page of a stage."""

    def __init__(self, ports: PagePorts) -> None:
        self._ports = ports
        self._plans = Plans(ports)

    async def show(self, request: WebRequest) -> Answer:
        """Show a stage."""
        job, stages, place = await self._find(request)
        return self._page(request, job, stages, place, Form(request.language))

    async def change(self, request: WebRequest) -> Answer:
        """Rename a stage, and use it or not."""
        job, stages, place = await self._find(request)
        form = Form(request.language, request.form)
        name = form.read("name", values.name, "form.name")
        if name is None:
            return self._page(request, job, stages, place, form)
        acting, active = request.session.person.user.id, form.value("active") == "1"
        await self._plans.change_stages(
            request, {stages[place].id: StageFields(name=name, active=active, on_behalf_of=acting)}
        )
        return Redirected(f"{JOBS.path}/{job.id}", message="saved")

    async def _find(self, request: WebRequest) -> tuple[JobChoice, list[StageChoice], int]:
        """Return the job, its stages, and the place of the one in the path. Raises Refusal (not found)."""
        organization, wanted = request.session.person.organization, identifier_of(request, "stage")
        job = await self._ports.directory.job(organization, identifier_of(request))
        stages = [] if job is None else await self._ports.directory.stages(organization, job.id)
        place = next((place for place, each in enumerate(stages) if each.id == wanted), None)
        if job is None or place is None:
            raise Refusal(Code.NOT_FOUND)
        return job, stages, place

    def _page(self, request: WebRequest, job: JobChoice, stages: list[StageChoice], place: int, form: Form) -> Answer:
        stage = stages[place]
        form.default("name", stage.name or "")
        active = form.value("active") == "1" if form.problems else stage.active
        shown = {"form": form, "job": job, "stage": stage, "active": active}
        return rendered(request, JOBS, "settings_stage.html", shown, form.status)
