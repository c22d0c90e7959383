"""The use cases and ports that the pages work with."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from rowen.app.invitations import Inviting
from rowen.app.organizations import Organization
from rowen.app.sessions import Sessions
from rowen.app.unit_of_work import UnitOfWorks
from rowen.interviews.moments import Clock
from rowen.web.schedule import Schedule


@dataclass(frozen=True, slots=True)
class PagePorts:
    """The use cases and ports of one open database.

    `demo` finds the organization in which anybody may sign in; it is None everywhere but in the demo.
    """

    sessions: Sessions
    schedule: Schedule
    writing: UnitOfWorks
    inviting: Inviting
    now: Clock
    demo: Callable[[], Awaitable[Organization | None]] | None = None
