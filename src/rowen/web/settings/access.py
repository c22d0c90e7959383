"""The right to sign in, as the pages of people share it: roles, and links that are shown once.

Owns how a role is read and a link is made. Must not know a page.
"""

from urllib.parse import quote

from rowen.app.roles import Role
from rowen.app.sessions import InvitedPerson, new_token
from rowen.interviews.interview import OrganizationId
from rowen.web.ports import PagePorts
from rowen.web.request import WebRequest


async def access_of(ports: PagePorts, organization: OrganizationId) -> dict[int, InvitedPerson]:
    """Return the people who may sign in, by the ids of their users."""
    people = await ports.sessions.people(organization)
    return {each.user_id: each for each in people if each.revoked_at is None}


async def invite(ports: PagePorts, request: WebRequest, user: int, role: Role) -> str:
    """Give a user a role, and return the address that signs the user in."""
    organization = request.session.person.organization
    secret, link = new_token(organization.id)
    await ports.sessions.invite(organization.id, user, role, link, ports.now())
    return f"{request.origin}{request.base}/sign-in/{secret}"


def mail_of(request: WebRequest, email: str, link: str) -> str:
    """Return the address that writes a mail with a sign-in link."""
    text, organization = request.language.text, request.session.person.organization.name
    subject, body = text("people.mail_subject", organization=organization), f"{text('people.mail_text')}\n\n{link}\n"
    return f"mailto:{quote(email, safe='@')}?subject={quote(subject)}&body={quote(body)}"


def read_role(text: str) -> Role | None:
    """Return the role with a value; None for other text."""
    return next((each for each in Role if each.value == text), None)


def role_choices(request: WebRequest) -> list[tuple[str, str]]:
    """Return the roles with their words."""
    return [(each.value, request.language.text(f"role.{each.value}")) for each in Role]
