"""The page for a list of people, pasted or read from a file.

Owns the preview, and that a list is stored as a whole or not at all. Must not know which forms of lines there are
(`people_list.py`), or how a link is made.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from rowen.app.roles import Role
from rowen.app.unit_of_work import UnitOfWork, WriteResult
from rowen.app.users import create_user
from rowen.interviews.people import fold
from rowen.web.forms import Form
from rowen.web.new_records import named
from rowen.web.ports import PagePorts
from rowen.web.request import Answer, Redirected, Rendered, WebRequest
from rowen.web.settings.access import access_of, invite, mail_of, read_role, role_choices
from rowen.web.settings.people_list import MOST_LINES, PeopleLine, read_people
from rowen.web.settings.sections import PEOPLE, rendered
from rowen.web.submissions import write_once

_users = msgspec.json.Decoder(dict[str, int])


class KnownPeople(NamedTuple):
    """What is known of the people of a list: the users by their folded addresses, and those who may sign in."""

    users: Mapping[str, int]
    with_access: frozenset[int]


class PeopleListPages:
    """The page for a list of people."""

    def __init__(self, ports: PagePorts) -> None:
        self._ports = ports

    async def show(self, request: WebRequest) -> Answer:
        """Show the form: those without a role in their line become interviewers, unless it says otherwise."""
        form = Form(request.language, defaults={"role": Role.INTERVIEWER.value})
        return self._page(request, form, [], KnownPeople({}, frozenset()))

    async def submit(self, request: WebRequest) -> Answer:
        """Preview a list; or add those who are new, and show links for all who get a role."""
        request.require_own_records()
        request.require("users:create")
        form = Form(request.language, request.form)
        lines = read_people(form.value("lines"))
        if not lines:
            form.note("lines", "people.lines_needed")
        elif len(lines) > MOST_LINES:
            form.note("lines", "people.lines_many", most=MOST_LINES)
            lines = []
        wrong = [str(line.number) for line in lines if line.problem is not None]
        if wrong:
            form.note("lines", "people.lines_wrong", lines=", ".join(wrong))
        known = await self._known(request, lines)
        if form.problems or form.value("action") != "store":
            return self._page(request, form, lines, known)
        users = await self._store(request, lines)
        otherwise = read_role(form.value("role"))
        links = []
        for line in lines:
            user, role = users[fold(line.email)], line.role or otherwise
            if role is not None and user not in known.with_access:
                links.append((line, await invite(self._ports, request, user, role)))
        if not links:
            return Redirected(PEOPLE.path, message="saved")
        shown = {
            "links": [(line.name, line.email, link, mail_of(request, line.email, link)) for line, link in links],
            "all": "\n".join(f"{line.name}, {line.email}, {link}" for line, link in links),
        }
        return rendered(request, PEOPLE, "settings_people_links.html", shown)

    def _page(self, request: WebRequest, form: Form, lines: Sequence[PeopleLine], known: KnownPeople) -> Rendered:
        text, otherwise = request.language.text, read_role(form.value("role"))
        shown, count = [], 0
        for line in lines:
            user = known.users.get(fold(line.email))
            role = line.role or otherwise
            gets_link = role is not None and user not in known.with_access
            if line.problem is not None:
                words = text(line.problem, other=line.other)
            elif user is None:
                words = text("people.new")
            else:
                words = text("people.gets_link" if gets_link else "people.known")
            count += user is None or gets_link
            if line.ignored and line.problem is None:
                words = f"{words}. {text('people.ignored', text=line.ignored)}"
            shown.append((line, text(f"role.{role.value}") if role and (gets_link or user is None) else "", words))
        values = {
            "form": form,
            "lines": shown,
            "count": 0 if form.problems else count,
            "roles": [("", text("people.no_access")), *role_choices(request)],
        }
        return rendered(request, PEOPLE, "settings_people_list.html", values, form.status)

    async def _known(self, request: WebRequest, lines: Sequence[PeopleLine]) -> KnownPeople:
        """Return what is known of the people of a list."""
        organization, wanted = request.session.person.organization, {fold(line.email) for line in lines}
        users = await self._ports.directory.users(organization)
        found = {fold(email): each.id for each in users for email in (*each.emails, each.email or "")}
        access = await access_of(self._ports, organization.id)
        return KnownPeople({email: user for email, user in found.items() if email in wanted}, frozenset(access))

    async def _store(self, request: WebRequest, lines: Sequence[PeopleLine]) -> dict[str, int]:
        """Add the people of a list who are new, and return the users of all by their folded addresses."""
        codec, session = self._ports.services.user_codec, request.session

        async def work(unit: UnitOfWork) -> WriteResult:
            users = {}
            for line in lines:
                found = await unit.users_by_email(fold(line.email))
                if found:
                    users[fold(line.email)] = found[0].id
                    continue
                fields = named(line.name, line.email, session.person.user.id)
                users[fold(line.email)] = codec.user(await create_user(unit, codec, fields, session.name)).id
            return WriteResult(msgspec.json.encode(users))

        return _users.decode((await write_once(self._ports.writing, request, "people", work)).body)
