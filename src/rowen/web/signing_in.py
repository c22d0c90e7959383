"""Signing in and out.

Owns the pages of links and sessions. Must not know the schedule. A link is used by the form of its page, never by
opening it: programs that scan mail open every link.
"""

from typing import Final

from rowen.api.reading import values
from rowen.app.invitations import known_user
from rowen.app.organizations import Organization, OrganizationChange
from rowen.app.roles import Role
from rowen.app.sessions import SESSION_LIFETIME, SignInLink, SignInToken, new_token, read_token
from rowen.http.responses import context_of
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.people import UserFields
from rowen.settings import DEFAULT_ORGANIZATION
from rowen.web import cookies
from rowen.web.forms import Form
from rowen.web.organization_form import configured
from rowen.web.ports import PagePorts
from rowen.web.request import Answer, Redirected, Rendered, WebRequest, zone_of
from rowen.web.zones import zone_groups

_SECONDS: Final = SESSION_LIFETIME // 1_000


class SigningIn:
    """The pages for signing in and out."""

    def __init__(self, ports: PagePorts) -> None:
        self._ports = ports

    async def visitor(self, request: WebRequest) -> Answer:
        """Show what this is, and how to sign in."""
        return Rendered("visitor.html", {"demo": self._ports.demo is not None, "can": _can_sign_in(request)})

    async def sign_in(self, request: WebRequest) -> Answer:
        """Show how to sign in."""
        if request.visit is not None:
            return Redirected(home_of(request.visit.session.person.role))
        provided = self._ports.provided
        values = {"demo": self._ports.demo is not None, "can": _can_sign_in(request)}
        return Rendered("sign_in.html", {**values, "provider": provided and provided.provider.settings.name})

    async def show_link(self, request: WebRequest) -> Answer:
        """Show the form that uses a link."""
        if not _can_sign_in(request):
            return Rendered("sign_in.html", {"demo": False, "can": False, "provider": None}, 403)
        _, link = await self._link(request)
        return _EXPIRED if link is None else _link_page(request, link)

    async def use_link(self, request: WebRequest) -> Answer:
        """Use a link: begin a session, and end the one before."""
        if not _can_sign_in(request):
            return Rendered("sign_in.html", {"demo": False, "can": False, "provider": None}, 403)
        token, link = await self._link(request)
        if token is None or link is None:
            return _EXPIRED
        first_user = None
        if link.person is None:
            form = Form(request.language, request.form)
            first_user = await self._first_user(link.organization, form)
            if first_user is None:
                return _first_page(request, link, form)
        secret, session = new_token(link.organization.id)
        if not await self._ports.sessions.sign_in(token, session, self._ports.now(), first_user):
            return _EXPIRED
        return await self._begin(request, secret, Role.ADMIN if link.person is None else link.person.role)

    async def sign_in_to_demo(self, request: WebRequest) -> Answer:
        """Begin a session of the demo."""
        organization = await self._demo()
        role = next((each for each in Role if each.value == request.form.get("role")), None)
        if organization is None or role is None or not _can_sign_in(request):
            raise Refusal(Code.NOT_FOUND)
        secret, session = new_token(organization.id)
        if not await self._ports.sessions.sign_in_as(organization.id, role, session, self._ports.now()):
            raise Refusal(Code.NOT_FOUND)
        return await self._begin(request, secret, role)

    async def sign_out(self, request: WebRequest) -> Answer:
        """End the session."""
        if request.visit is not None:
            await self._ports.sessions.sign_out(request.visit.token)
        return _signed_out(request)

    async def sign_out_everywhere(self, request: WebRequest) -> Answer:
        """End all sessions of the person."""
        person = request.session.person
        await self._ports.sessions.sign_out_everywhere(person.organization.id, person.id)
        return _signed_out(request)

    async def _first_user(self, organization: Organization, form: Form) -> int | None:
        """Store the first admin and the name and zone of the organization; return the user's id.

        None, with the problems noted, if something is wrong.
        """
        first = form.read("first_name", values.name, "form.first_name")
        last = form.read("last_name", values.name, "form.last_name")
        email = form.read("email", values.email, "form.email")
        name = form.read("organization", values.name, "form.name")
        zone = form.text("time_zone") or organization.time_zone
        if zone_of(zone) is None:
            form.note("time_zone", "organization.bad_zone")
        if form.problems or first is None or last is None or email is None or name is None:
            return None
        change = OrganizationChange(name, zone, organization.double_booking, organization.grace)
        if not await configured(self._ports.organizations, organization.id, change, form, "organization"):
            return None
        fields = UserFields(first_name=first, last_name=last, email=email)
        return (await known_user(self._ports.inviting, organization, fields)).id

    async def _link(self, request: WebRequest) -> tuple[SignInToken | None, SignInLink | None]:
        token = read_token(request.parameters["token"])
        return token, None if token is None else await self._ports.sessions.link(token, self._ports.now())

    async def _demo(self) -> Organization | None:
        return None if self._ports.demo is None else await self._ports.demo()

    async def _begin(self, request: WebRequest, secret: str, role: Role) -> Answer:
        if request.visit is not None:
            await self._ports.sessions.sign_out(request.visit.token)
        cookie = cookies.session_cookie(request.origin, secret, _SECONDS)
        back = cookies.read_way_back(context_of(request.scope).headers)
        used = () if back == "/" else (cookies.way_back(request.origin, ""),)
        return Redirected(home_of(role) if back == "/" else back, used if cookie is None else (cookie, *used))


def home_of(role: Role) -> str:
    """Return the page that a person sees first: an interviewer wants to know what is next."""
    return "/me" if role is Role.INTERVIEWER else "/"


_EXPIRED: Final = Rendered("expired.html", {}, 410)


def _signed_out(request: WebRequest) -> Answer:
    cookie = cookies.session_cookie(request.origin, "", 0)
    return Redirected("/", () if cookie is None else (cookie,))


def _can_sign_in(request: WebRequest) -> bool:
    return cookies.session_name(request.origin) is not None


def _link_page(request: WebRequest, link: SignInLink) -> Rendered:
    """Return the page of a link."""
    if link.person is None:
        return _first_page(request, link, Form(request.language))
    user = link.person.user
    name = user.first_name or user.name or user.email or ""
    return Rendered("link.html", {"name": name, "organization": link.organization.name})


def _first_page(request: WebRequest, link: SignInLink, form: Form) -> Rendered:
    """Return the page of the first admin's link."""
    organization = link.organization
    form.default("organization", "" if organization.name == DEFAULT_ORGANIZATION else organization.name)
    form.default("time_zone", organization.time_zone)
    zones = zone_groups(request.language, organization.time_zone, request.device_zone)
    return Rendered("first_admin.html", {"form": form, "zones": zones}, form.status)
