"""The use cases and ports that the pages work with."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from rowen.app.invitations import Inviting
from rowen.app.keys import Keys
from rowen.app.organizations import Organization, Organizations
from rowen.app.provided_sessions import ProvidedSessions
from rowen.app.services import Services
from rowen.app.sessions import Sessions
from rowen.app.unit_of_work import UnitOfWorks
from rowen.interviews.moments import Clock
from rowen.web.directory import Directory
from rowen.web.schedule import Schedule

if TYPE_CHECKING:
    from rowen.web.provider.client import Provider  # a server without a provider needs none of it


class Provided(NamedTuple):
    """The identity provider at which people sign in, and the sessions that it began."""

    provider: "Provider"
    sessions: ProvidedSessions


@dataclass(frozen=True, slots=True)
class PagePorts:
    """The use cases and ports of one open database.

    `services` are those of the API. `demo` finds the organization in which anybody may sign in; it is None everywhere
    but in the demo. `shows_responses` is whether admins may see how receivers of webhooks respond: not on a server that
    sends to private hosts. `provided` is None without an identity provider.
    """

    services: Services
    sessions: Sessions
    organizations: Organizations
    keys: Keys
    schedule: Schedule
    directory: Directory
    writing: UnitOfWorks
    inviting: Inviting
    now: Clock
    shows_responses: bool
    provided: Provided | None = None
    demo: Callable[[], Awaitable[Organization | None]] | None = None
