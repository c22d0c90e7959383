"""What the commands of rooms, pools, availability and busy times have in common.

Owns reading and writing their CSV files, and finding users in them. Must not know a single command.
"""

import csv
import io
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
import typer

from rowen.api.identifiers import read_identifier
from rowen.app.organizations import Organization
from rowen.app.records import USERS, RecordQuery
from rowen.app.unit_of_work import UnitOfWork
from rowen.interviews.errors import Code, Problems, Refusal
from rowen.interviews.people import User, UserId, fold
from rowen.interviews.pools import Pool
from rowen.interviews.query import LARGEST_PAGE_SIZE, PageRequest
from rowen.interviews.rooms import Room
from rowen.wiring import Store

_LARGEST_FILE: Final = 64 << 20
_MOST_DIGITS: Final = 15
_users: Final = msgspec.json.Decoder(list[User])
Found = TypeVar("Found", User, Pool, Room)


def read_table(path: Path, columns: Sequence[str], required: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    """Return the rows of a CSV file (`-` is standard input), each with its line; empty cells are left out.

    Raises Refusal (invalid) for a file that is not one, and for unknown and missing columns.
    """
    content = sys.stdin.buffer.read(_LARGEST_FILE + 1) if str(path) == "-" else path.read_bytes()
    if len(content) > _LARGEST_FILE:
        raise Refusal(Code.INVALID, f"{path}: is larger than {_LARGEST_FILE >> 20} MiB")
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        names = reader.fieldnames or []
        unknown = [name for name in names if name not in columns]
        missing = [name for name in required if name not in names]
        if unknown or missing:
            wrong = f"has no column {missing[0]}" if missing else f"has a column {unknown[0]!r} that is not known"
            raise Refusal(Code.INVALID, f"{path}: {wrong}; the columns are {', '.join(columns)}")
        rows = []
        for row in reader:
            if None in row or None in row.values():
                raise Refusal(Code.INVALID, f"{path}: line {reader.line_num} has not as many cells as the first line")
            rows.append((reader.line_num, {name: cell.strip() for name, cell in row.items() if cell.strip()}))
    except (UnicodeDecodeError, csv.Error) as error:
        raise Refusal(Code.INVALID, f"{path}: is not CSV in UTF-8 ({error})") from None
    return rows


def print_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    typer.echo(text.getvalue(), nl=False)


async def user_of(unit: UnitOfWork, cell: str | None, field: str, problems: Problems) -> int | None:
    """Return the id of the user whom a text names by id or e-mail address; None, after noting the problem."""
    found: list[User | None] = []
    if cell is not None:
        number = read_identifier(cell)
        found = [*await unit.users_by_email(fold(cell))] if number is None else [await unit.user(UserId(number))]
    known = [each.id for each in found if each is not None]
    if len(known) == 1:
        return known[0]
    problems.note(field, "Must be the id or e-mail address of one user")
    return None


async def all_records(
    store: Store, organization: Organization, resource: str, decoder: msgspec.json.Decoder[list[Found]]
) -> list[Found]:
    """Return all records of a resource of an organization, ordered by id."""
    found: list[Found] = []
    while True:
        request = PageRequest(size=LARGEST_PAGE_SIZE, after=found[-1].id if found else 0)
        page = await store.records.page(organization, RecordQuery(resource), request)
        found += decoder.decode(page.body)
        if not page.more:
            return found


async def all_users(store: Store, organization: Organization) -> list[User]:
    """Return the users of an organization, ordered by id."""
    return await all_records(store, organization, USERS, _users)


def name_of(user: User) -> str:
    """Return how files name a user: by e-mail address, or else by id."""
    return user.email or str(user.id)


def at_line(line: int, found: Problems, problems: Problems) -> None:
    """Add the problems of a row, each with its line."""
    for each in found.found:
        problems.note(f"line {line}: {each.field}", each.message)


def listed(cell: str | None) -> list[str]:
    """Return the parts of a cell, which are separated by commas or semicolons."""
    parts = (cell or "").replace(";", ",").split(",")
    return [part.strip() for part in parts if part.strip()]


def spans(cell: str | None, separator: str) -> list[dict[str, str]]:
    """Return the stretches in a cell, such as `09:00-12:00, 13:00-17:00`."""
    found = []
    for each in listed(cell):
        first, _, last = each.partition(separator)
        found.append({"from": first.strip(), "to": last.strip()})
    return found


def numbers(row: Mapping[str, str], names: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    """Yield the fields that columns of whole numbers give, by the names of fields."""
    for column, name in names.items():
        if column in row:
            text = row[column]
            yield name, int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else text
