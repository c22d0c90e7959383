"""The settings of people: who is in the organization, and who may sign in.

Owns these pages. Must not know how a link or a session is made. Links are shown once, on the page that answers the
form.
"""

from typing import Final, NamedTuple

import msgspec

from rowen.api.reading import values as readers
from rowen.app.roles import Role
from rowen.app.sessions import InvitedPerson
from rowen.app.unit_of_work import UnitOfWork, WriteResult
from rowen.app.users import change_user, stored_user
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.interview import Status
from rowen.interviews.moments import LATEST, Instant
from rowen.interviews.people import User, UserFields
from rowen.interviews.scheduling import UNSET
from rowen.web.directory import person_name
from rowen.web.forms import Form
from rowen.web.new_records import NewRecords
from rowen.web.ports import PagePorts
from rowen.web.request import Answer, Redirected, WebRequest
from rowen.web.settings.access import access_of, invite, mail_of, read_role, role_choices
from rowen.web.settings.sections import PEOPLE, identifier_of, is_confirmed, question, rendered
from rowen.web.views import initials, moment, shown, when
from rowen.web.working_hours import availability_of, written_hours

_MOST_SHOWN: Final = 200
_NO_ACCESS: Final = ""


class Listed(NamedTuple):
    """A person in the list; `role` is empty without a right to sign in."""

    id: int
    name: str
    email: str
    initials: str
    role: str
    last_used: str
    disabled: bool


class PeoplePages:
    """The pages of people."""

    def __init__(self, ports: PagePorts) -> None:
        self._ports = ports
        self._records = NewRecords(ports)

    async def show(self, request: WebRequest) -> Answer:
        """List the people."""
        return await self._list(request, Form(request.language))

    async def add(self, request: WebRequest) -> Answer:
        """Add a person, who may sign in if a role is chosen: then show the link."""
        request.require_own_records()
        form = Form(request.language, request.form)
        role = read_role(form.value("role"))
        user = await self._records.person(request, form, prefix="")
        if user is None:
            return await self._list(request, form)
        if role is None or user == request.session.person.user.id:
            return Redirected(f"{PEOPLE.path}/{user}", message="added")
        return await self._person(request, user, link=await invite(self._ports, request, user, role))

    async def show_person(self, request: WebRequest) -> Answer:
        """Show a person."""
        return await self._person(request, identifier_of(request))

    async def change(self, request: WebRequest) -> Answer:
        """Change a person's name or address, invite the person, or take the right to sign in."""
        user = (await self._user(request, identifier_of(request))).id
        form = Form(request.language, request.form)
        own = user == request.session.person.user.id
        organization = request.session.person.organization
        if form.value("action") in ("revoke", "disable") and not own and not is_confirmed(request):
            return await self._ask(request, user, form.value("action"))
        match form.value("action"):
            case "invite" if not own:
                role = _role(form)
                return await self._person(request, user, link=await invite(self._ports, request, user, role))
            case "role" if not own and user in await access_of(self._ports, organization.id):
                await self._ports.sessions.change_role(organization.id, user, _role(form), self._ports.now())
            case "revoke" if not own:
                await self._ports.sessions.revoke(organization.id, user, self._ports.now())
            case "disable" | "enable" as action if not own:
                await self._change_user(request, user, form, UserFields(disabled=action == "disable"))
            case "change":
                first = form.read("first_name", readers.name, "form.first_name")
                last = form.read_optional("last_name", readers.name, "form.last_name")
                email = form.read("email", readers.email, "form.email")
                if first is not None and email is not None:
                    fields = UserFields(first_name=first, last_name=last or "", email=email)
                    await self._change_user(request, user, form, fields)
            case _:
                raise Refusal(Code.INVALID)
        if form.problems:
            return await self._person(request, user, form)
        return Redirected(f"{PEOPLE.path}/{user}", message="saved")

    async def _ask(self, request: WebRequest, identifier: int, action: str) -> Answer:
        """Ask before a person is disabled, which has consequences for interviews, or loses access."""
        user, language = await self._user(request, identifier), request.language
        coming = await self._coming(request, identifier) if action == "disable" else []
        consequence = language.text(f"people.{action}_hint")
        if coming:
            consequence = f"{language.counted('people.coming', len(coming))} {consequence}"
        asked = language.text(f"people.{action}_question", name=person_name(user)), consequence
        page = question(request, PEOPLE, asked, f"people.{action}", f"{PEOPLE.path}/{identifier}")
        values = {**page.values, "coming": coming}
        return page._replace(template="settings_person_question.html", values=values)

    async def _coming(self, request: WebRequest, user: int) -> list[tuple[str, str, str]]:
        """Return the interviews that a person is to hold: the path that replaces the person, when, and which."""
        now, viewer = self._ports.now(), request.viewer
        entries = await self._ports.schedule.of_user(request.session.person.organization, user, now, Instant(LATEST))
        found = []
        for each in entries.found:
            if each.interview.status is Status.SCHEDULED:
                one = shown(viewer, each)
                path = f"/interviews/{one.id}{f'/repair?person={user}' if one.open else ''}"
                found.append((path, when(viewer, each.interview), f"{one.candidate}: {one.title}"))
        return found

    async def _list(self, request: WebRequest, form: Form) -> Answer:
        organization = request.session.person.organization
        users = await self._ports.directory.users(organization)
        access = await access_of(self._ports, organization.id)
        search = request.query.get("search", "").strip()
        words = search.casefold().split()
        matching = [each for each in users if all(word in _searched(each) for word in words)]
        people = [_listed(request, each, access.get(each.id)) for each in matching]
        people.sort(key=lambda each: (not each.role, each.name.casefold()))
        form.default("role", Role.INTERVIEWER.value)
        values = {
            "form": form,
            "people": people[:_MOST_SHOWN],
            "count": len(users),
            "search": search,
            "most": _MOST_SHOWN,
        }
        roles = [(_NO_ACCESS, request.language.text("people.no_access")), *role_choices(request)]
        cut = len(people) > _MOST_SHOWN
        return rendered(request, PEOPLE, "settings_people.html", {**values, "roles": roles, "cut": cut}, form.status)

    async def _person(
        self, request: WebRequest, identifier: int, form: Form | None = None, link: str | None = None
    ) -> Answer:
        user = await self._user(request, identifier)
        access = (await access_of(self._ports, request.session.person.organization.id)).get(identifier)
        hours = (await availability_of(self._ports, request, [user])).get(identifier)
        form = form or Form(request.language)
        first, last = _names(user)
        form.default("first_name", first)
        form.default("last_name", last)
        form.default("email", user.email or "")
        form.default("role", access.role.value if access else Role.INTERVIEWER.value)
        values = {
            "form": form,
            "shown": _listed(request, user, access),
            "sessions": access.sessions if access else 0,
            "roles": role_choices(request),
            "own": identifier == request.session.person.user.id,
            "link": link,
            "mail": mail_of(request, user.email, link) if link and user.email else "",
            "coming": await self._coming(request, identifier) if user.disabled else [],
            "hours": hours and written_hours(request.language, hours),
        }
        return rendered(request, PEOPLE, "settings_person.html", values, form.status)

    async def _user(self, request: WebRequest, identifier: int) -> User:
        user = await self._ports.directory.user(request.session.person.organization, identifier)
        if user is None:
            raise Refusal(Code.NOT_FOUND)
        return user

    async def _change_user(self, request: WebRequest, user: int, form: Form, fields: UserFields) -> None:
        request.require_own_records()
        request.require("users:update")
        codec, session = self._ports.services.user_codec, request.session
        acting = msgspec.structs.replace(fields, on_behalf_of=session.person.user.id)

        async def work(unit: UnitOfWork) -> WriteResult:
            record = await stored_user(unit, user)
            before = _names(codec.user(record.document or b""))
            changed = acting
            if before == (fields.first_name, fields.last_name):
                changed = msgspec.structs.replace(acting, first_name=UNSET, last_name=UNSET)
            return WriteResult(await change_user(unit, codec, record, changed, session.name))

        try:
            await self._ports.writing.write(session.person.organization, work)
        except Refusal as refusal:
            if refusal.code is not Code.INVALID:
                raise
            form.note_refused(refusal.problems, {"email": ("email", "people.email_taken")})


def _role(form: Form) -> Role:
    """Return the role that was chosen. Raises Refusal (invalid)."""
    role = read_role(form.value("role"))
    if role is None:
        raise Refusal(Code.INVALID)
    return role


def _names(user: User) -> tuple[str, str]:
    """Return the first and the last name of a user, who may have one name only."""
    if user.first_name or user.last_name:
        return user.first_name or "", user.last_name or ""
    first, _, last = (user.name or "").partition(" ")
    return first, last.strip()


def _searched(user: User) -> str:
    return f"{person_name(user)} {user.email or ''}".casefold()


def _listed(request: WebRequest, user: User, access: InvitedPerson | None) -> Listed:
    name = person_name(user)
    used = access.last_used_at if access else None
    return Listed(
        user.id,
        name,
        user.email if user.email and user.email != name else "",
        initials(name),
        access.role.value if access else "",
        "" if used is None else moment(request.viewer, used),
        user.disabled,
    )
