"""The address of a person's own calendar: made, shown once, and removed.

Owns that a person has one at most. Must not know what a calendar contains: its calls are those of the API.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from rowen.app.calendars import Calendar, CalendarKind, CalendarSubject
from rowen.app.roles import OWN_CALENDARS
from rowen.web.calls import Calls
from rowen.web.ports import PagePorts
from rowen.web.request import Answer, Redirected, Rendered, WebRequest

MAKE: Final = ("POST", "/rowen/v1/calendars")
REMOVE: Final = ("DELETE", "/rowen/v1/calendars/{id}")


class _Made(msgspec.Struct):
    id: int
    url: str


class OwnCalendar:
    """Makes and removes the address of the calendar of the session's person."""

    def __init__(self, ports: PagePorts, calls: Calls) -> None:
        self._ports = ports
        self._calls = calls

    async def held(self, request: WebRequest) -> Sequence[Calendar]:
        """Return the calendars of the person, whoever made them."""
        person = request.session.person
        subject = CalendarSubject(CalendarKind.USER, person.user.id)
        return await self._ports.services.calendars.store.of(person.organization.id, subject)

    async def change(self, request: WebRequest) -> Answer:
        """Make an address, in place of the one before, and show it; or remove it."""
        before = await self.held(request)
        if request.form.get("do") == "remove":
            await self._remove(request, before)
            return Redirected("/me", message="removed")
        body = {"user_id": request.session.person.user.id}
        made = await self._calls.make(request, MAKE, body, own=OWN_CALENDARS)
        await self._remove(request, before)
        url = msgspec.json.decode(made.body or b"", type=_Made).url
        # Devices open their calendar program for this scheme, which has no RFC but is widely known.
        return Rendered("calendar.html", {"url": url, "subscription": f"webcal:{url.partition(':')[2]}"})

    async def _remove(self, request: WebRequest, calendars: Sequence[Calendar]) -> None:
        for each in calendars:
            await self._calls.make(request, REMOVE, own=OWN_CALENDARS, id=each.id)
