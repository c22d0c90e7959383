"""Signing in and out.

Owns the pages of links and sessions. Must not know the schedule. A link is used by the form of its page, never by
opening it: programs that scan mail open every link.
"""

from typing import Final

from rowen.api.reading import values
from rowen.app.invitations import known_user
from rowen.app.organizations import Organization
from rowen.app.roles import Role
from rowen.app.sessions import SESSION_LIFETIME, Link, Token, new_token, read_token
from rowen.interviews.errors import Code, Problems, Refusal
from rowen.interviews.people import UserFields
from rowen.interviews.scheduling import UNSET
from rowen.web import cookies
from rowen.web.page import Answer, PageRequest, Redirected, Rendered
from rowen.web.ports import PagePorts

_SECONDS: Final = SESSION_LIFETIME // 1_000
_FIRST_FIELDS: Final = {"first_name": "first.missing", "last_name": "first.missing_last", "email": "first.bad_email"}


class SigningIn:
    """The pages for signing in and out."""

    def __init__(self, ports: PagePorts) -> None:
        self._ports = ports

    async def visitor(self, request: PageRequest) -> Answer:
        """Show what this is, and how to sign in."""
        return Rendered("visitor.html", {"demo": self._ports.demo is not None, "can": _can_sign_in(request)})

    async def sign_in(self, request: PageRequest) -> Answer:
        """Show how to sign in."""
        if request.visit is not None:
            return Redirected("/")
        return Rendered("sign_in.html", {"demo": self._ports.demo is not None, "can": _can_sign_in(request)})

    async def show_link(self, request: PageRequest) -> Answer:
        """Show the form that uses a link."""
        if not _can_sign_in(request):
            return Rendered("sign_in.html", {"demo": False, "can": False}, 403)
        _, link = await self._link(request)
        return _EXPIRED if link is None else _link_page(link, {}, {})

    async def use_link(self, request: PageRequest) -> Answer:
        """Use a link: begin a session, and end the one before."""
        if not _can_sign_in(request):
            return Rendered("sign_in.html", {"demo": False, "can": False}, 403)
        token, link = await self._link(request)
        if token is None or link is None:
            return _EXPIRED
        first_user = None
        if link.person is None:
            fields, problems = _read_first(request)
            if problems:
                return _link_page(link, dict(request.form), problems)
            first_user = (await known_user(self._ports.inviting, link.organization, fields)).id
        secret, session = new_token(link.organization.id)
        if not await self._ports.sessions.sign_in(token, session, self._ports.now(), first_user):
            return _EXPIRED
        return await self._begin(request, secret)

    async def sign_in_to_demo(self, request: PageRequest) -> Answer:
        """Begin a session of the demo."""
        organization = await self._demo()
        role = next((each for each in Role if each.value == request.form.get("role")), None)
        if organization is None or role is None or not _can_sign_in(request):
            raise Refusal(Code.NOT_FOUND)
        secret, session = new_token(organization.id)
        if not await self._ports.sessions.sign_in_as(organization.id, role, session, self._ports.now()):
            raise Refusal(Code.NOT_FOUND)
        return await self._begin(request, secret)

    async def sign_out(self, request: PageRequest) -> Answer:
        """End the session."""
        if request.visit is not None:
            await self._ports.sessions.sign_out(request.visit.token)
        return _signed_out(request)

    async def sign_out_everywhere(self, request: PageRequest) -> Answer:
        """End all sessions of the person."""
        person = request.session.person
        await self._ports.sessions.sign_out_everywhere(person.organization.id, person.id)
        return _signed_out(request)

    async def _link(self, request: PageRequest) -> tuple[Token | None, Link | None]:
        token = read_token(request.parameters["token"])
        return token, None if token is None else await self._ports.sessions.link(token, self._ports.now())

    async def _demo(self) -> Organization | None:
        return None if self._ports.demo is None else await self._ports.demo()

    async def _begin(self, request: PageRequest, secret: str) -> Answer:
        if request.visit is not None:
            await self._ports.sessions.sign_out(request.visit.token)
        cookie = cookies.session_cookie(request.origin, secret, _SECONDS)
        return Redirected("/", () if cookie is None else (cookie,))


_EXPIRED: Final = Rendered("expired.html", {}, 410)


def _signed_out(request: PageRequest) -> Answer:
    cookie = cookies.session_cookie(request.origin, "", 0)
    return Redirected("/", () if cookie is None else (cookie,))


def _can_sign_in(request: PageRequest) -> bool:
    return cookies.session_name(request.origin) is not None


def _link_page(link: Link, given: dict[str, str], problems: dict[str, str]) -> Rendered:
    """Return the page of a link, with what was typed and what is wrong with it."""
    if link.person is None:
        typed = {name: given.get(name, "") for name in _FIRST_FIELDS}
        return Rendered("first_admin.html", {"typed": typed, "problems": problems}, 422 if problems else 200)
    user = link.person.user
    name = user.first_name or user.name or user.email or ""
    return Rendered("link.html", {"name": name, "organization": link.organization.name})


def _read_first(request: PageRequest) -> tuple[UserFields, dict[str, str]]:
    """Return the first admin's fields, and the message of each that is wrong."""
    form = {name: request.form.get(name, "").strip() for name in _FIRST_FIELDS}
    problems = Problems()
    first = values.name.read(problems, "first_name", form["first_name"])
    last = values.name.read(problems, "last_name", form["last_name"])
    email = values.email.read(problems, "email", form["email"])
    fields = UserFields(first_name=first or UNSET, last_name=last or UNSET, email=email or UNSET)
    return fields, {each.field: _FIRST_FIELDS[each.field] for each in problems.found}
