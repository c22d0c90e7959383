"""`rowen availability`.

Owns the CSV files of people's availability. Must not know how availability is stored.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from rowen.api.codec import setups
from rowen.api.reading.setup_fields import AVAILABILITY as BODY
from rowen.app.availability import replace_availability, stored_availability
from rowen.app.organizations import Organization as FoundOrganization
from rowen.app.records import AVAILABILITY, RecordQuery
from rowen.app.setups import OPERATOR
from rowen.app.unit_of_work import UnitOfWork, WriteResult
from rowen.cli.options import Database, Organization
from rowen.cli.setups import all_users, at_line, name_of, numbers, print_csv, read_table, spans, user_of
from rowen.cli.store import in_organization
from rowen.interviews.availability import WEEKDAYS, Availability, AvailabilityFields
from rowen.interviews.errors import Problems
from rowen.settings import DEFAULT_DATABASE, DEFAULT_ORGANIZATION
from rowen.wiring import Store

app = typer.Typer(no_args_is_help=True, help="When people can hold interviews: hours, limits, holidays and time off.")

_NUMBERS: Final = {"buffer_before": "before", "buffer_after": "after", "per_day": "per_day", "per_week": "per_week"}
COLUMNS: Final = ("user", "time_zone", *WEEKDAYS, *_NUMBERS, "minimum_notice_minutes", "holidays", "time_off")
"""The columns of files."""


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV file; - is standard input.", show_default=False)],
    organization: Organization = DEFAULT_ORGANIZATION,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Replace the availability of people by that in a CSV file: of all its rows, or of none if one is wrong.

    A user is an id or an e-mail address. Hours are like `09:00-12:00, 13:00-17:00`; time off is like
    `2031-02-03/2031-02-05`, the second date not included. `rowen availability export` prints all columns.

    \b
    Example:
      rowen availability import people.csv
    """
    rows = read_table(file, COLUMNS, ("user", "time_zone"))

    async def work(unit: UnitOfWork) -> WriteResult:
        problems = Problems()
        read = []
        for line, row in rows:
            read.append(
                (await user_of(unit, row.get("user"), f"line {line}: user", problems), _values(line, row, problems))
            )
        problems.raise_any()
        for user, fields in read:
            if user is not None:
                before = await stored_availability(unit, user) or (AVAILABILITY, user)
                value = AvailabilityFields(Availability(**fields), None, ())
                await replace_availability(unit, setups, before, value, OPERATOR)
        return WriteResult(b"")

    in_organization(database, organization, lambda store, found: store.writing.write(found, work))
    typer.echo(f"{len(rows)} people have their availability.", err=True)


@app.command("export")
def export(organization: Organization = DEFAULT_ORGANIZATION, database: Database = DEFAULT_DATABASE) -> None:
    """Print the availability of all people who have one as CSV.

    \b
    Example:
      rowen availability export > people.csv
    """

    async def read(store: Store, found: FoundOrganization) -> list[tuple[object, ...]]:
        rows = []
        for user in await all_users(store, found):
            document = await store.records.document(found, RecordQuery(AVAILABILITY), user.id)
            if document is not None:
                rows.append((name_of(user), *_cells(setups.availability(document))))
        return rows

    print_csv(COLUMNS, in_organization(database, organization, read))


def _values(line: int, row: Mapping[str, str], problems: Problems) -> dict[str, Any]:
    """Return the values of a row, read as the body of a request is."""
    body: dict[str, Any] = {
        "time_zone": row.get("time_zone", ""),
        "working_hours": {day: spans(row[day], "-") for day in WEEKDAYS if day in row},
        "time_off": spans(row.get("time_off"), "/"),
    }
    given = dict(numbers(row, {**_NUMBERS, "minimum_notice_minutes": "minimum_notice_minutes"}))
    body["buffer_minutes"] = {name: given[name] for name in ("before", "after") if name in given}
    body["limits"] = {name: given[name] for name in ("per_day", "per_week") if name in given}
    body |= {name: given[name] for name in ("minimum_notice_minutes",) if name in given}
    body |= {"holidays": row["holidays"]} if "holidays" in row else {}
    found = Problems()
    values = BODY.read_values(body, found)
    at_line(line, found, problems)
    if "buffer_minutes" in values:
        values["buffer"] = values.pop("buffer_minutes")
    return values


def _cells(found: Availability) -> tuple[object, ...]:
    hours = (
        ", ".join(f"{_clock(each.starts)}-{_clock(each.ends)}" for each in found.working_hours.get(day, ()))
        for day in WEEKDAYS
    )
    counts = (*found.buffer, *("" if each is None else each for each in found.limits))
    off = ", ".join(f"{each.starts}/{each.ends}" for each in found.time_off)
    return (found.time_zone, *hours, *counts, found.minimum_notice_minutes, found.holidays or "", off)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
