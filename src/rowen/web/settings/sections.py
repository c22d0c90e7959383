"""The sections of the settings, and who may open each.

Owns the table that the menu and the pages are made from. Must not know what a section shows.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from rowen.api.identifiers import read_identifier
from rowen.app.roles import Role, roles_with
from rowen.interviews.errors import Code, Refusal
from rowen.web.request import Answer, Redirected, Rendered, WebRequest

PATH: Final = "/settings"
ADMINS: Final = frozenset({Role.ADMIN})


class Section(NamedTuple):
    """A section: the last part of its path, also the key of its title, and the roles that may open it."""

    name: str
    roles: frozenset[Role]

    @property
    def path(self) -> str:
        """The path of its first page."""
        return f"{PATH}/{self.name}"


PEOPLE: Final = Section("people", ADMINS)
HOURS: Final = Section("hours", roles_with("availability:update"))
POOLS: Final = Section("pools", roles_with("pools:create"))
JOBS: Final = Section("jobs", roles_with("jobs:create"))
ROOMS: Final = Section("rooms", roles_with("rooms:create"))
KEYS: Final = Section("keys", ADMINS)
WEBHOOKS: Final = Section("webhooks", roles_with("webhooks:create"))
SIGN_IN: Final = Section("sign-in", ADMINS)
ORGANIZATION: Final = Section("organization", ADMINS)
SECTIONS: Final = (PEOPLE, HOURS, POOLS, JOBS, ROOMS, KEYS, WEBHOOKS, SIGN_IN, ORGANIZATION)
OPENED_BY: Final = frozenset(role for section in SECTIONS for role in section.roles)


async def first_section(request: WebRequest) -> Answer:
    """Lead to the first section that the person may open."""
    return Redirected(_sections_of(request)[0].path)


def rendered(
    request: WebRequest, section: Section, template: str, values: Mapping[str, Any], status: int = 200
) -> Rendered:
    """Return a page of a section."""
    menu = [(each.path, f"settings.{each.name}") for each in _sections_of(request)]
    return Rendered(template, {"sections": menu, "section": section.path, **values}, status)


def is_confirmed(request: WebRequest) -> bool:
    """Return whether a form was sent by the page of a question, or needs none of them."""
    return request.form.get("sure") == "1"


def question(request: WebRequest, section: Section, text: tuple[str, str], button: str, back: str) -> Rendered:
    """Return a page that asks before something is done: it sends the form again.

    `text` are the question and what follows from the answer; `button` is the key of the answer, `back` a path.
    """
    kept = [(name, value) for name, value in request.form.pairs if name not in ("csrf", "sure")]
    shown = {"question": text[0], "consequence": text[1], "button": button, "back": back, "kept": kept}
    return rendered(request, section, "settings_question.html", shown)


def identifier_of(request: WebRequest, name: str = "id") -> int:
    """Return an id in the path. Raises Refusal (not found) if it is none."""
    identifier = read_identifier(request.parameters[name])
    if identifier is None:
        raise Refusal(Code.NOT_FOUND)
    return identifier


def _sections_of(request: WebRequest) -> list[Section]:
    role = request.session.person.role
    return [each for each in SECTIONS if role in each.roles]
