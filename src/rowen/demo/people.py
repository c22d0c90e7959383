"""The people of the demo who can sign in, one of each role.

Owns who they are. Must not know how anybody signs in.
"""

from typing import Final

from rowen.app.organizations import Organization
from rowen.app.roles import Role
from rowen.app.sessions import Sessions, new_token
from rowen.demo.data import INTERVIEWERS, ORGANIZERS
from rowen.interviews.moments import Instant

_PEOPLE: Final = {
    Role.COORDINATOR: ORGANIZERS[1][0],
    Role.ADMIN: ORGANIZERS[0][0],
    Role.INTERVIEWER: INTERVIEWERS[0][0],
}


async def invite_demo_people(sessions: Sessions, organization: Organization, now: Instant) -> None:
    """Give each role to one of the demo's users. Their links are thrown away: the demo's page signs anybody in."""
    for role, user in _PEOPLE.items():
        if user is not None:
            _, link = new_token(organization.id)
            await sessions.invite(organization.id, user, role, link, now)
