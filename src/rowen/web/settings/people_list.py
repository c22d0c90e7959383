"""A list of people as text: a line with name, e-mail address and perhaps role each, as a spreadsheet saves it.

Owns which forms of lines are understood, and what is wrong with a line. Must not know who is in the organization, or
HTML.
"""

import csv
from collections.abc import Sequence
from typing import Final, NamedTuple

from rowen.api.reading import values
from rowen.app.roles import Role
from rowen.interviews.errors import Problems
from rowen.interviews.people import fold

MOST_LINES: Final = 500
"""How many people a list may have; `rowen import` reads longer ones."""

_DELIMITERS: Final = ",;\t"
_TITLES: Final = frozenset({"mail", "email", "e-mail", "name", "email address", "address", "e-mail-adresse"})
_ROLE_TITLES: Final = frozenset({"role", "rolle"})
_VALUES: Final = {each.value: each for each in Role}
_ROLES: Final = {
    **_VALUES,
    **dict.fromkeys(("administrator", "administration"), Role.ADMIN),
    **dict.fromkeys(("koordination", "koordinator", "koordinatorin"), Role.COORDINATOR),
    **dict.fromkeys(("interviewerin", "interviews"), Role.INTERVIEWER),
}
"""The words for roles in a column that is titled as one, in every language of the pages."""


class PeopleLine(NamedTuple):
    """A line: its number, the name and address in it, and the key of its problem, if it has one.

    `role` is None without one in the line; `ignored` is text that is neither a name nor an address nor a role.
    """

    number: int
    name: str
    email: str
    problem: str | None = None
    other: int = 0
    role: Role | None = None
    ignored: str = ""


def read_people(text: str) -> list[PeopleLine]:
    """Return the lines with people; empty lines and a line of titles are left out."""
    rows = csv.reader(text.replace("\r\n", "\n").split("\n"), delimiter=_delimiter(text), skipinitialspace=True)
    found: list[PeopleLine] = []
    titles: Sequence[str] = ()
    seen: dict[str, int] = {}
    try:
        for row in rows:
            cells = [cell.strip() for cell in row]
            if not any(cells):
                continue
            if not found and _is_title(cells):
                titles = [cell.casefold() for cell in cells]
                continue
            line = _line(rows.line_num, cells, _role_column(cells, titles))
            first = seen.setdefault(fold(line.email), line.number) if line.problem is None else line.number
            if first != line.number:
                line = line._replace(problem="people.line_twice", other=first)
            found.append(line)
    except csv.Error:
        found.append(PeopleLine(rows.line_num, "", "", "people.line_unreadable"))
    return found


def _line(number: int, cells: Sequence[str], role_column: int | None) -> PeopleLine:
    place = next((place for place, cell in enumerate(cells) if "@" in cell), len(cells))
    email = cells[place] if place < len(cells) else ""
    titled = cells[role_column] if role_column is not None and role_column < len(cells) else ""
    role = _ROLES.get(titled.casefold())
    others = [cell for each, cell in enumerate(cells) if cell and each not in (place, role_column)]
    before = sum(1 for each in cells[:place] if each in others)
    name, ignored = " ".join(others[: before or 1]), ", ".join(others[before or 1 :])
    if titled and role is None:
        return PeopleLine(number, name, email, "people.line_bad_role")
    if not email:
        return PeopleLine(number, name, "", "people.line_no_email")
    if "<" in email and not name:  # as mail programs copy it: Ann Lee <ann@example.com>
        name, _, email = (part.strip(" <>\"'") for part in email.partition("<"))
    if values.email.read(Problems(), "email", email) is None:
        return PeopleLine(number, name, email, "people.line_bad_email")
    name = name or email.partition("@")[0]
    if values.name.read(Problems(), "name", name) is None:
        return PeopleLine(number, name, email, "people.line_bad_name")
    return PeopleLine(number, name, email, role=role, ignored=ignored)


def _role_column(cells: Sequence[str], titles: Sequence[str]) -> int | None:
    """Return the place of the role, None without one. Without titles it is the last cell, if that is a role's value.

    Any other word may be a name or a department: "Administration" makes nobody an admin.
    """
    if titles:
        return next((place for place, title in enumerate(titles) if title in _ROLE_TITLES), None)
    last = max(place for place, cell in enumerate(cells) if cell)
    return last if last > 1 and cells[last].casefold() in _VALUES else None


def _delimiter(text: str) -> str:
    """Return the delimiter that the first lines have most of."""
    head = text[:2_000]
    return max(_DELIMITERS, key=head.count)


def _is_title(cells: Sequence[str]) -> bool:
    return not any("@" in cell for cell in cells) and any(cell.casefold() in _TITLES for cell in cells)
