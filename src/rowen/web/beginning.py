"""The start page of an organization without interviews: what is still needed for the first one.

Owns the steps, and when the page is shown. Must not know the pages that the steps lead to.
"""

from typing import NamedTuple

from rowen.app.roles import Role
from rowen.web.ports import PagePorts
from rowen.web.request import Answer, Rendered, WebRequest
from rowen.web.working_hours import availability_of


class FirstStep(NamedTuple):
    """A step: the key of its texts, the page that it leads to, and whether it is done."""

    name: str
    path: str
    done: bool


class BeginningPage:
    """The start page of an organization without interviews."""

    def __init__(self, ports: PagePorts) -> None:
        self._ports = ports
        self._directory = ports.directory

    @staticmethod
    def is_for(request: WebRequest) -> bool:
        """Return whether the page is shown: at the bare address, to somebody who may schedule the first interview."""
        person = request.session.person
        organization = person.organization
        is_empty = organization.interview_count == 0 and organization.mirrored_from is None
        return is_empty and not request.query and person.role is not Role.INTERVIEWER

    async def show(self, request: WebRequest) -> Answer:
        """Show the steps to the first interview."""
        person = request.session.person
        people = await self._directory.people(person.organization)
        jobs = await self._directory.jobs(person.organization)
        hours = await availability_of(self._ports, request, people)
        steps = [
            FirstStep("people", "/settings/people/list", len(people) > 1),
            FirstStep("jobs", "/settings/jobs", bool(jobs)),
            FirstStep("hours", "/settings/hours", bool(hours)),
            FirstStep("interview", "/interviews/new", False),
        ]
        shown = steps if person.role is Role.ADMIN else steps[1:]
        following = next(each.name for each in shown if not each.done)
        return Rendered("beginning.html", {"steps": shown, "following": following})
