"""What a CSV file contains, by the names of its columns.

Owns the columns of every kind of table, the choice between them, and how the cells of a row become a record. Must not
know files, or how cells are separated.

A header decides only if it is unambiguous. With `--resource`, columns may be missing and unknown ones are ignored; but
a table that clearly belongs to another resource is refused all the same.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rowen.app.records import APPLICATIONS, INTERVIEWS, USERS
from rowen.imports.formats.csv_cells import unescape
from rowen.imports.formats.csv_interviews import (
    COLUMNS,
    SPREADSHEET_COLUMNS,
    WAREHOUSE_COLUMNS,
    integer,
    record_of,
    warehouse_record_of,
)
from rowen.imports.formats.envelopes import bounded

Cells = Mapping[str, str]

_LIST: Final = re.compile(r"[;,]")
_BLANK: Final = re.compile(r"\s+")
_BOOLEANS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_NAMED_IN_MESSAGES: Final = 8
_OF_TOOLS: Final = ("_airbyte_", "_fivetran_", "_sdc_")
"""How the names of columns begin in which ELT tools keep their own accounts."""


class TableError(Exception):
    """A first row that does not name the columns of a table. The text completes the sentence "file:1: …"."""


ROWS: Final = "rows"
"""In place of a resource: the rows of a file are passed on as they are."""


@dataclass(frozen=True, slots=True)
class Table:
    """One kind of table.

    `marks` are columns that no other kind has: without one of them a header decides nothing. `needed` have to be
    there unless the user names the resource, `required` in any case. `by_email` means that its records have no id: the
    e-mail address identifies them.
    """

    resource: str
    columns: tuple[str, ...]
    marks: frozenset[str]
    needed: tuple[str, ...]
    required: tuple[str, ...]
    record: Callable[[Cells], dict[str, Any]]
    by_email: bool = False

    def describe(self) -> str:
        """Return which columns are expected, for a message."""
        if self.needed == self.columns:
            return f"{self.resource} ({', '.join(self.columns)})"
        others = [name for name in self.columns if name not in self.needed]
        return f"{self.resource} ({', '.join(self.needed)} and any of {', '.join(others)})"


def read_header(cells: Sequence[str]) -> list[str]:
    """Return the names of the columns: lower case, underscores for spaces, without empty ones at the end."""
    names = [_BLANK.sub("_", cell.strip().lower()) for cell in cells]
    while names and not names[-1]:
        names.pop()
    return names


def is_header(names: Sequence[str]) -> bool:
    """Return whether a first row looks like one that names columns, in a file whose name does not say what it is."""
    return ("id" in names and len(names) > 1) or _lists_people(names)


def choose_table(names: Sequence[str], resource: str | None = None) -> Table:
    """Return the kind of table that has these columns; `resource` is the resource that the user named.

    Raises TableError if the columns are ambiguous, or are not those of the resource.
    """
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise TableError(f"the column {_quoted([name])} appears twice")
        seen.add(name)
    if resource == ROWS:
        return Table(ROWS, tuple(names), frozenset(), (), (), _filled)
    names = [name for name in names if not name.startswith(_OF_TOOLS)]
    seen = set(names)
    if seen == set(SPREADSHEET_COLUMNS):
        raise TableError(
            "this was written by `rowen export --for spreadsheet`, which leaves out ids and the time zone; "
            "import what `rowen export --format csv` writes"
        )
    if "id" not in seen:
        if resource in (None, USERS) and _lists_people(names, others=resource is not None):
            return PEOPLE
        raise TableError(
            "the first row must name the columns, and one of them must be `id`; a list of people needs `name` and"
            f" `email` only. {_expected()}"
        )
    fitting = [table for table in TABLES if seen <= set(table.columns) and not table.marks.isdisjoint(seen)]
    return _found(seen, names, fitting) if resource is None else _named(seen, fitting, resource)


def _lists_people(names: Sequence[str], *, others: bool = False) -> bool:
    """Return whether columns are those of a list of people: one address, a name, and `others` only where allowed."""
    fields = [_PEOPLE_COLUMNS[name][0] for name in names if name in _PEOPLE_COLUMNS]
    return (
        (others or len(fields) == len(names))
        and len(fields) == len(set(fields))
        and "primary_email_address" in fields
        and not {"name", "first_name"}.isdisjoint(fields)
    )


def _found(seen: set[str], names: Sequence[str], fitting: list[Table]) -> Table:
    """Return the one kind that has all columns. Raises TableError."""
    if len(fitting) == 1:
        table = fitting[0]
        missing = [name for name in table.needed if name not in seen]
        if missing:
            raise TableError(
                f"missing columns: {_quoted(missing)}. Expected are those of {table.describe()}; "
                f"with --resource {table.resource} the records are imported without them"
            )
        return table
    likely = [table for table in TABLES if not table.marks.isdisjoint(seen)]
    if len({table.resource for table in likely}) == 1:
        table = likely[0]
        foreign = [name for name in names if name not in table.columns]
        raise TableError(
            f"unknown columns: {_quoted(foreign)}. Expected are those of {table.describe()}; "
            f"with --resource {table.resource} others are ignored"
        )
    raise TableError(
        f"the columns {_quoted(names)} do not show what the records are: name it with --resource. {_expected()}"
    )


def _named(seen: set[str], fitting: list[Table], resource: str) -> Table:
    """Return the kind that the user named. Raises TableError."""
    own = [table for table in TABLES if table.resource == resource]
    table = next((table for table in own if not table.marks.isdisjoint(seen)), own[-1] if own else None)
    if table is None:
        raise TableError(f"{resource} cannot be imported from CSV, only from JSON. {_expected()}")
    if fitting and table not in fitting:
        raise TableError(f"these are the columns of {fitting[0].resource}, not of {table.describe()}")
    missing = [name for name in table.required if name not in seen]
    if missing or seen.isdisjoint(set(table.columns) - _COMMON_COLUMNS):
        reason = f"missing columns: {_quoted(missing)}" if missing else f"these are not the columns of {resource}"
        raise TableError(f"{reason}. Expected are those of {table.describe()}")
    return table


def _expected() -> str:
    return f"Expected are the columns of {', of '.join(table.describe() for table in TABLES)}"


def _quoted(names: Sequence[str]) -> str:
    shown = [f"`{bounded(name)}`" for name in names[:_NAMED_IN_MESSAGES]]
    return ", ".join(shown) + (f" and {len(names) - len(shown)} more" if len(names) > len(shown) else "")


def _list(cell: str) -> list[str]:
    return [part for piece in _LIST.split(unescape(cell)) if (part := piece.strip())]


def _boolean(cell: str) -> bool | str:
    return _BOOLEANS.get(cell.lower(), cell)


def _text(cell: str) -> str:
    return unescape(cell).strip()


def _jobs(cell: str) -> list[dict[str, Any]]:
    return [{"id": integer(part), "name": None} for part in _list(cell)]


# A value that cannot be read is passed on as it is: the check of the record reports the field and the value.
_USER_COLUMNS: Final[dict[str, tuple[str, Callable[[str], Any]]]] = {
    "id": ("id", integer),
    "name": ("name", _text),
    "first_name": ("first_name", _text),
    "last_name": ("last_name", _text),
    "email": ("primary_email_address", _text),
    "primary_email_address": ("primary_email_address", _text),
    "emails": ("emails", _list),
    "employee_id": ("employee_id", _text),
    "disabled": ("disabled", _boolean),
    "site_admin": ("site_admin", _boolean),
    "created_at": ("created_at", str),
    "updated_at": ("updated_at", str),
}
_APPLICATION_COLUMNS: Final[dict[str, tuple[str, Callable[[str], Any]]]] = {
    "id": ("id", integer),
    "candidate_id": ("candidate_id", integer),
    "status": ("status", _text),
    "prospect": ("prospect", _boolean),
    "job_ids": ("jobs", _jobs),
    "applied_at": ("applied_at", str),
    "rejected_at": ("rejected_at", str),
    "last_activity_at": ("last_activity_at", str),
}


_PEOPLE_COLUMNS: Final[dict[str, tuple[str, Callable[[str], Any]]]] = {
    **dict.fromkeys(("name", "full_name"), ("name", _text)),
    **dict.fromkeys(("first_name", "firstname", "given_name"), ("first_name", _text)),
    **dict.fromkeys(("last_name", "lastname", "family_name", "surname"), ("last_name", _text)),
    **dict.fromkeys(
        ("email", "e-mail", "mail", "email_address", "e-mail_address", "primary_email_address"),
        ("primary_email_address", _text),
    ),
    "employee_id": ("employee_id", _text),
}
"""The columns of a list of people, which has no ids, in their usual spellings."""


def _record(columns: Mapping[str, tuple[str, Callable[[str], Any]]], cells: Cells) -> dict[str, Any]:
    """Return the record in the cells of a row; empty cells are left out."""
    return {
        columns[name][0]: columns[name][1](text.strip())
        for name, text in cells.items()
        if name in columns and text.strip()
    }


def _filled(cells: Cells) -> dict[str, Any]:
    return {name: unescape(text) for name, text in cells.items() if text}


def _user(cells: Cells) -> dict[str, Any]:
    """Return a user's record: a full name is split into first and last name."""
    return _with_names(_record(_USER_COLUMNS, cells))


def _person(cells: Cells) -> dict[str, Any]:
    return _with_names(_record(_PEOPLE_COLUMNS, cells))


def _with_names(user: dict[str, Any]) -> dict[str, Any]:
    if "name" in user and "first_name" not in user and "last_name" not in user:
        first, _, last = user["name"].partition(" ")
        user |= {"first_name": first, "last_name": last.strip() or None}
    return user


def _application(cells: Cells) -> dict[str, Any]:
    return _record(_APPLICATION_COLUMNS, cells)


_COMMON_COLUMNS: Final = frozenset({"id", "created_at", "updated_at"})
"""Columns that records of every kind have."""

TABLES: Final = (
    Table(
        USERS,
        tuple(_USER_COLUMNS),
        # Names are not a sign of a user: candidates, jobs and offices have names, too.
        frozenset({"email", "primary_email_address", "emails", "employee_id", "disabled", "site_admin"}),
        ("id",),
        ("id",),
        _user,
    ),
    Table(
        APPLICATIONS,
        tuple(_APPLICATION_COLUMNS),
        frozenset({"prospect", "job_ids", "applied_at", "rejected_at", "last_activity_at"}),
        ("id",),
        ("id",),
        _application,
    ),
    Table(
        INTERVIEWS,
        WAREHOUSE_COLUMNS,
        frozenset(WAREHOUSE_COLUMNS) - set(COLUMNS),
        ("id", "application_id", "start", "end", "status", "interviewers"),
        ("id", "application_id", "start", "end", "status"),
        warehouse_record_of,
    ),
    Table(
        INTERVIEWS,
        COLUMNS,
        frozenset(COLUMNS) - {"id", "status", "location", "created_at", "updated_at", "application_id"},
        COLUMNS,
        ("id", "application_id", "start", "end", "status"),
        record_of,
    ),
)
"""The kinds of tables that can be imported."""

PEOPLE: Final = Table(
    USERS, tuple(_PEOPLE_COLUMNS), frozenset({"email"}), ("name", "email"), ("email",), _person, by_email=True
)
"""A list of people without ids."""
