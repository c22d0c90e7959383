"""The form of an interview's panel.

Owns how its members are shown, and how a typed name becomes one of them. Must not know how changes are saved. Members
are in the form as the API names them: users by their ids, guests by their addresses.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from rowen.api.reading import values
from rowen.interviews.errors import Problems
from rowen.interviews.interview import Interviewer
from rowen.interviews.people import User, fold
from rowen.interviews.scheduling import MOST_INTERVIEWERS
from rowen.web.directory import Directory, person_name
from rowen.web.editing import Edited, Editing, WantedInterview, page_of
from rowen.web.forms import Form
from rowen.web.request import Answer, Redirected, WebRequest
from rowen.web.views import initials, name_of

_KEYS: Final = {"interviewers": ("add", "new.not_available")}


class Member(NamedTuple):
    """A member in the form: `key` is the id of a user, or the address of a guest."""

    key: str
    name: str
    detail: str
    initials: str
    stays: bool = True


class PanelPage:
    """The page of an interview's panel."""

    def __init__(self, editing: Editing, directory: Directory) -> None:
        self._editing = editing
        self._directory = directory

    async def show(self, request: WebRequest) -> Answer:
        """Show the panel."""
        detail = await self._editing.open(request)
        members = [_member(each) for each in detail.entry.interview.interviewers]
        return await self._page(request, Edited(detail, Form(request.language)), members)

    async def save(self, request: WebRequest) -> Answer:
        """Add a member to the form, or change the panel."""
        detail = await self._editing.open(request)
        form = Form(request.language, request.form)
        people = await self._directory.people(request.session.person.organization)
        panel = detail.entry.interview.interviewers
        members = _chosen(form, panel, people)
        added = _added(form, people)
        if added is not None and added.key not in {each.key for each in members}:
            members.append(added)
        staying = [each for each in members if each.stays]
        if not staying and not form.problems:
            form.note("add", "edit.nobody")
        if len(staying) > MOST_INTERVIEWERS:
            form.note("add", "new.panel_large", most=MOST_INTERVIEWERS)
        if form.problems or form.value("do") == "add":
            if not form.problems:
                form.clear("add")
            return await self._page(request, Edited(detail, form), members)
        body = {"interviewers": [_named(each, panel) for each in staying]}
        wanted = WantedInterview(body, [each.name for each in staying], _KEYS)
        refused = await self._editing.change(request, detail, form, wanted)
        if refused is not None:
            return await self._page(request, refused, _with_newer(members, refused))
        return Redirected(f"/interviews/{detail.entry.interview.id}", message="saved")

    async def _page(self, request: WebRequest, edited: Edited, members: Sequence[Member]) -> Answer:
        people = await self._directory.people(request.session.person.organization)
        present = {each.key for each in members}
        offered = [(person_name(each), each.email or "") for each in people if str(each.id) not in present]
        return page_of(request, "panel.html", edited, members=members, offered=offered)


def _member(interviewer: Interviewer) -> Member:
    name = name_of(interviewer)
    key = str(interviewer.id) if interviewer.id is not None else interviewer.email or ""
    return Member(key, name, interviewer.email or "", initials(name))


def _with_newer(members: Sequence[Member], edited: Edited) -> Sequence[Member]:
    """Return the members of a form with those whom somebody else has added meanwhile, who stay unless removed here."""
    known = {each.key for each in members}
    now = map(_member, edited.detail.entry.interview.interviewers) if edited.overtaken else ()
    return [*members, *(each for each in now if each.key not in known)]


def _of_user(user: User) -> Member:
    name = person_name(user)
    return Member(str(user.id), name, user.email or "", initials(name))


def _chosen(form: Form, panel: Sequence[Interviewer], people: Sequence[User]) -> list[Member]:
    """Return the members that a form has: those of the interview, users and guests."""
    known = {str(each.id): _of_user(each) for each in people} | {each.key: each for each in map(_member, panel)}
    staying = set(form.all("keep"))
    found = []
    for key in list(dict.fromkeys(form.all("member")))[: 2 * MOST_INTERVIEWERS]:
        member = known.get(key) or (_guest(key) if "@" in key else None)
        if member is not None:
            found.append(member._replace(stays=key in staying))
    return found


def _added(form: Form, people: Sequence[User]) -> Member | None:
    """Return the person whose name or address was typed; None if nothing was, or after noting the problem."""
    text = form.text("add")
    if not text:
        return None
    wanted = fold(text)
    found = [
        each for each in people if wanted in {fold(person_name(each)), *map(fold, each.emails), fold(each.email or "")}
    ]
    if len(found) == 1:
        return _of_user(found[0])
    if found:
        form.note("add", "edit.several", person=text)
    elif values.email.read(Problems(), "add", text) is not None:
        return _guest(text)
    else:
        form.note("add", "edit.unknown", person=text)
    return None


def _guest(address: str) -> Member:
    return Member(address, address, "", initials(address))


def _named(member: Member, panel: Sequence[Interviewer]) -> dict[str, Any]:
    """Return a member as the API takes it; a guest keeps the name."""
    if member.key.isdigit():
        return {"user_id": int(member.key)}
    present = next((each for each in panel if each.id is None and each.email == member.key), None)
    named = {} if present is None or present.name is None else {"name": present.name}
    return {"email": member.key, **named}
