"""A request for a page, and what the function of a page returns.

Owns what every page knows of a request: the session, the language, the time zone. Must not know how a request is
received or an answer is sent.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from starlette.types import Scope

from rowen.app.sessions import SignInSession
from rowen.http.responses import context_of
from rowen.interviews.errors import Code, Refusal
from rowen.web import cookies
from rowen.web.authentication import Visit
from rowen.web.cookies import Cookie
from rowen.web.languages import Language
from rowen.web.views import Viewer


class Fields(dict[str, str]):
    """The fields of a query or a form: the last value of each name; `pairs` are all of them."""

    def __init__(self, pairs: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(pairs)
        self.pairs = pairs

    def all(self, name: str) -> list[str]:
        """Return every value of a name, such as those of the boxes that are ticked."""
        return [value for key, value in self.pairs if key == name]


@dataclass(frozen=True, slots=True)
class WebRequest:
    """A request for a page. `base` is the path under which the pages are, empty at the root of a host.

    `own_zone` is the time zone of the availability of the person who is signed in, empty for somebody without one.
    `writable` is whether the person's organization takes changes of interviews: a mirror may not.
    """

    scope: Scope
    path: str
    parameters: Mapping[str, str]
    query: Fields
    form: Fields
    visit: Visit | None
    language: Language
    origin: str
    base: str
    own_zone: str = ""
    writable: bool = True

    @property
    def session(self) -> SignInSession:
        """The session of a page for people who are signed in. Raises Refusal (forbidden) without one."""
        if self.visit is None:
            raise Refusal(Code.FORBIDDEN)
        return self.visit.session

    def require(self, permission: str) -> None:
        """Raise Refusal (forbidden) if the session lacks a permission of the API (`PERMISSIONS`)."""
        if permission not in self.session.identity.permissions:
            raise Refusal(Code.FORBIDDEN)

    def require_own_records(self) -> None:
        """Raise Refusal (read-only) in a mirror: whatever is no interview is changed in its account."""
        if self.session.person.organization.mirrored_from is not None:
            raise Refusal(Code.PARTLY_READ_ONLY if self.writable else Code.READ_ONLY)

    def require_writable(self) -> None:
        """Raise Refusal (read-only) in a mirror that passes no changes of interviews through."""
        if not self.writable:
            raise Refusal(Code.READ_ONLY)

    def cookie(self, name: str) -> str:
        """Return a cookie of the browser; empty if it has none."""
        return cookies.read_cookie(context_of(self.scope).headers, name)

    @property
    def viewer(self) -> Viewer:
        """How times are written: in the chosen zone, or else the person's, the device's, or the organization's."""
        for key in (self.cookie(cookies.ZONE), self.own_zone, self.device_zone):
            if (zone := zone_of(key)) is not None:
                return Viewer(self.language, zone, key)
        key = self.session.person.organization.time_zone
        return Viewer(self.language, ZoneInfo(key), key)

    @property
    def device_zone(self) -> str:
        """The time zone of the device, empty if it is unknown; browsers that hide theirs say UTC."""
        key = self.cookie(cookies.DEVICE_ZONE)
        return "" if key == "UTC" or zone_of(key) is None else key


class Rendered(NamedTuple):
    """A page to be rendered: its template and values."""

    template: str
    values: Mapping[str, Any]
    status: int = 200
    cookies: Sequence[Cookie] = ()


class Redirected(NamedTuple):
    """A redirect to another page of ours, after a form or where nobody is signed in; or elsewhere, to an address.

    The next page shows `message` once: `saved` for the text `message.saved`.
    """

    path: str
    cookies: Sequence[Cookie] = ()
    is_elsewhere: bool = False
    message: str = ""


class Data(NamedTuple):
    """JSON for the modules of a page."""

    body: bytes
    status: int = 200


class Events(NamedTuple):
    """Server-Sent Events for the modules of a page; `check` raises Refusal once the session has ended."""

    chunks: AsyncGenerator[bytes, None]
    check: Callable[[], Awaitable[object]]


Answer = Rendered | Redirected | Data | Events
Handler = Callable[[WebRequest], Awaitable[Answer]]


def zone_of(key: str) -> ZoneInfo | None:
    """Return the time zone with a name; None if there is none."""
    try:
        return ZoneInfo(key) if key else None
    except (ZoneInfoNotFoundError, ValueError, OSError):  # as a path it may be a folder, or too long
        return None
