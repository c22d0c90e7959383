"""The settings of working hours: those of everybody, and the availability of one person.

Owns these pages. Must not know the form of an availability, or how one is stored.
"""

from rowen.interviews.errors import Code, Refusal
from rowen.web.directory import person_name
from rowen.web.forms import Form
from rowen.web.own_availability import AvailabilityForm
from rowen.web.ports import PagePorts
from rowen.web.request import Answer, PageRequest, Redirected
from rowen.web.settings.sections import HOURS, identifier_of, rendered
from rowen.web.views import initials
from rowen.web.working_hours import availability_of, give_usual, written_hours


class HoursPages:
    """The pages of working hours."""

    def __init__(self, ports: PagePorts, form: AvailabilityForm) -> None:
        self._ports = ports
        self._form = form

    async def show(self, request: PageRequest) -> Answer:
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

    async def give(self, request: PageRequest) -> Answer:
        """Store usual hours for everybody who has none."""
        people = await self._ports.directory.people(request.session.person.organization)
        await give_usual(self._ports, request, [each.id for each in people])
        return Redirected(HOURS.path, message="saved")

    async def show_one(self, request: PageRequest) -> Answer:
        """Show the availability of a person, or usual hours for somebody without one."""
        user = identifier_of(request)
        return await self._one(request, user, await self._form.show(request, user))

    async def save_one(self, request: PageRequest) -> Answer:
        """Replace the availability of a person."""
        user = identifier_of(request)
        form = await self._form.save(request, user)
        return await self._one(request, user, form) if form.problems else Redirected(HOURS.path, message="saved")

    async def _one(self, request: PageRequest, user: int, form: Form) -> Answer:
        found = await self._ports.directory.user(request.session.person.organization, user)
        if found is None:
            raise Refusal(Code.NOT_FOUND)
        values = self._form.values(request, form)
        return rendered(request, HOURS, "settings_hours_of.html", {**values, "name": person_name(found)}, form.status)
