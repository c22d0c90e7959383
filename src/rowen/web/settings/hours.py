"""The settings of working hours: those of everybody, and the availability and the busy times of one person.

Owns these pages. Must not know the forms of an availability and of busy times, or how these are stored.
"""

from collections.abc import Mapping
from typing import Any

from rowen.interviews.errors import Code, Refusal
from rowen.web.busy import BusyForm, done
from rowen.web.directory import person_name
from rowen.web.forms import Form
from rowen.web.own_availability import AvailabilityForm
from rowen.web.ports import PagePorts
from rowen.web.request import Answer, Redirected, WebRequest
from rowen.web.settings.sections import HOURS, identifier_of, is_confirmed, question, rendered
from rowen.web.views import initials
from rowen.web.working_hours import availability_of, give_usual, written_hours


class HoursPages:
    """The pages of working hours."""

    def __init__(self, ports: PagePorts, form: AvailabilityForm, busy: BusyForm) -> None:
        self._ports = ports
        self._form = form
        self._busy = busy

    async def show(self, request: WebRequest) -> Answer:
        """List the people with their hours, those without any first."""
        people = await self._ports.directory.people(request.session.person.organization)
        known = await availability_of(self._ports, request, people)
        found = ((each, known.get(each.id)) for each in sorted(people, key=lambda each: each.id in known))
        listed = [
            (each.id, person_name(each), initials(person_name(each)), hours and written_hours(request.language, hours))
            for each, hours in found
        ]
        lacking = sum(each.id not in known for each in people)
        shown = {"people": listed, "lacking": lacking, "zone": request.session.person.organization.time_zone}
        return rendered(request, HOURS, "settings_hours.html", shown)

    async def give(self, request: WebRequest) -> Answer:
        """Store usual hours for everybody who has none."""
        people = await self._ports.directory.people(request.session.person.organization)
        await give_usual(self._ports, request, [each.id for each in people])
        return Redirected(HOURS.path, message="saved")

    async def show_one(self, request: WebRequest) -> Answer:
        """Show the availability of a person, or usual hours for somebody without one."""
        return await self._one(request, await self._form.show(request, identifier_of(request)))

    async def save_one(self, request: WebRequest) -> Answer:
        """Replace the availability of a person."""
        form = await self._form.save(request, identifier_of(request))
        return await self._one(request, form) if form.problems else Redirected(HOURS.path, message="saved")

    async def show_busy(self, request: WebRequest) -> Answer:
        """Show the sources of a person's busy times, and the form that connects an address."""
        return await self._of(request, "settings_busy.html", {}, Form(request.language))

    async def change_busy(self, request: WebRequest) -> Answer:
        """Connect the address of a person's calendar; or, after asking, remove a source."""
        user, path = identifier_of(request), f"{HOURS.path}/{identifier_of(request)}/busy"
        if request.form.get("do") == "remove" and not is_confirmed(request):
            text, source = request.language.text, request.form.get("source", "")
            asked = text("busy.remove_question", source=source), text("busy.remove_hint")
            return question(request, HOURS, asked, "busy.remove", path)
        form = await self._busy.change(request, user)
        if form.problems:
            return await self._of(request, "settings_busy.html", {}, form)
        return Redirected(path, message=done(form))

    async def _one(self, request: WebRequest, form: Form) -> Answer:
        return await self._of(request, "settings_hours_of.html", self._form.values(request, form), form)

    async def _of(self, request: WebRequest, template: str, values: Mapping[str, Any], form: Form) -> Answer:
        """Return a page of one person, with the sources of busy times. Raises Refusal (not found)."""
        user = identifier_of(request)
        found = await self._ports.directory.user(request.session.person.organization, user)
        if found is None:
            raise Refusal(Code.NOT_FOUND)
        sources = await self._busy.sources(request, user)
        shown = {**values, "form": form, "user": user, "name": person_name(found), "sources": sources}
        return rendered(request, HOURS, template, shown, form.status)
