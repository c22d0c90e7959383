"""The booking links of an application: what became of each, and revoking one.

Owns the states of a link in words. Must not know how a link is made, or how links are stored.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from rowen.api.identifiers import read_identifier
from rowen.app.booking_links import BookingLink
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.interview import InterviewId
from rowen.interviews.moments import Instant
from rowen.web.calls import Calls
from rowen.web.ports import PagePorts
from rowen.web.request import Answer, Redirected, WebRequest
from rowen.web.views import moment

LISTING: Final = "booking_links:list"
REVOKE: Final = ("DELETE", "/rowen/v1/booking_links/{id}")

BOOKED: Final = "booked"
OPEN: Final = "open"
_EXPIRED: Final = "expired"


class ShownLink(NamedTuple):
    """A link: its state as a value and in words, when it was made and expires, and what was booked with it.

    `covers` are the interviews of the plan that it is for. `is_to_come` is whether what was booked has not ended.
    """

    id: int
    state: str
    words: str
    details: str
    interviews: Sequence[int]
    covers: frozenset[int | None]
    is_to_come: bool


class LinkList:
    """Lists and revokes booking links."""

    def __init__(self, ports: PagePorts, calls: Calls) -> None:
        self._ports = ports
        self._calls = calls

    async def revoke(self, request: WebRequest) -> Answer:
        """Revoke a link, and return to the page on which its button was. Raises Refusal as the call does."""
        identifier, application = (
            read_identifier(each) for each in (request.parameters["id"], request.form.get("of", ""))
        )
        if identifier is None:
            raise Refusal(Code.NOT_FOUND)
        await self._calls.make(request, REVOKE, id=identifier)
        interview = read_identifier(request.form.get("interview", ""))
        if interview is not None:
            return Redirected(f"/interviews/{interview}", message="removed")
        return Redirected(f"/interviews/new?application={application}" if application else "/", message="removed")


async def links_of(ports: PagePorts, request: WebRequest, application: int) -> list[ShownLink]:
    """Return the links of an application, the newest first; none for those who may not list them."""
    if LISTING not in request.session.identity.permissions:
        return []
    organization = request.session.person.organization
    found = await ports.services.booking_links.store.of_application(organization, application)
    return [await _shown(ports, request, each) for each in reversed(found)]


async def _shown(ports: PagePorts, request: WebRequest, link: BookingLink) -> ShownLink:
    viewer, now = request.viewer, ports.now()
    text = viewer.language.text
    standing = await ports.schedule.now(request.session.person, map(InterviewId, link.interviews))
    is_booked = bool(link.interviews) and len(standing) == len(link.interviews)
    state = BOOKED if is_booked else _EXPIRED if link.expires_at <= now else OPEN
    starts = [each.interview.start.date_time for each in standing if each.interview.start.date_time is not None]
    times = {
        "made": moment(viewer, Instant(link.created_at)),
        "expires": moment(viewer, Instant(link.expires_at)),
        "starts": moment(viewer, min(starts, default=Instant(link.starts_at or 0))),
    }
    covers = frozenset(each.interview_id for each in link.asked.sessions if each is not None)
    details = text(f"book.link_{state}_details", **times)
    is_to_come = is_booked and max(each.interview.end.instant(viewer.zone) for each in standing) > now
    words, booked = text(f"book.link_{state}"), link.interviews if is_booked else ()
    return ShownLink(link.id, state, words, details, booked, covers, is_to_come)
