"""`rowen busy`.

Owns the CSV files of people's busy times and of the addresses of their calendars, and listing and removing sources.
Must not know how busy times are stored, or how an address is read.
"""

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import typer

from rowen import wiring
from rowen.api.reading.busy_fields import BUSY, busy_fields, read_source_name
from rowen.app.busy import PUSH_MOST, BusyFields, put_busy, remove_busy
from rowen.app.organizations import Organization as FoundOrganization
from rowen.app.setups import OPERATOR
from rowen.app.unit_of_work import UnitOfWork, WriteResult
from rowen.cli.console import print_table
from rowen.cli.options import Database, Organization, WebhookAllow
from rowen.cli.setups import all_users, at_line, name_of, print_csv, read_table, user_of
from rowen.cli.store import in_organization
from rowen.interviews.busy import BusySource
from rowen.interviews.errors import Code, FieldProblem, Problems, Refusal
from rowen.interviews.moments import Instant
from rowen.settings import DEFAULT_DATABASE, DEFAULT_ORGANIZATION
from rowen.wiring import Store

app = typer.Typer(no_args_is_help=True, help="When people are busy: pushed times, and the calendars that are read.")

COLUMNS: Final = ("user", "source", "from", "to", "url")
"""The columns of files: a row for each busy time, or for each address."""

_ENDS: Final = frozenset(("from", "to"))
_BUSY_TIME: Final = re.compile(r"busy\[(\d+)\](?:\.(\w+))?")

Row = tuple[int, Mapping[str, str]]
"""A row of a file, after its line."""


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV file; - is standard input.", show_default=False)],
    starts: Annotated[
        str | None, typer.Option("--from", envvar="ROWEN_FROM", metavar="TIME", help="Where the window begins.")
    ] = None,
    ends: Annotated[
        str | None, typer.Option("--to", envvar="ROWEN_TO", metavar="TIME", help="Where the window ends.")
    ] = None,
    webhook_allow: WebhookAllow = None,
    organization: Organization = DEFAULT_ORGANIZATION,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Replace the busy times of people in a window, and connect their calendars, as in a CSV file.

    Each row has a user (an id or e-mail address) and the name of a source. With `from` and `to` it is a busy time in
    the window from --from to --to. With neither the source has no busy times in the window. With `url` it is the
    address of a calendar, which servers read by themselves; it needs no window. Times are in ISO 8601, and in UTC
    without an offset. Busy times count as read now; a source takes
    at most 5,000 at a time. All rows are taken, or none if one is wrong. Sources that are not in the file stay as they
    are.

    \b
    Examples:
      rowen busy import busy.csv --from 2031-02-01 --to 2031-03-01
      rowen busy import calendars.csv
    """
    rows = read_table(file, COLUMNS, ("user", "source"))
    window = _window({"from": starts, "to": ends}) if any("url" not in row for _, row in rows) else {}

    async def imported(store: Store, found: FoundOrganization) -> None:
        objections = await _objections(store, rows, webhook_allow or ())

        async def work(unit: UnitOfWork) -> WriteResult:
            problems = Problems()
            sources = await _by_source(unit, rows, problems)
            read = [(key[0], of[0][0], _fields(key[1], of, window, problems)) for key, of in sources.items()]
            for _, line, fields in read:
                at_line(line, Problems(objections.get(fields.url or "", ())), problems)
            problems.raise_any()
            for user, line, fields in read:
                await _put(unit, user, line, fields, problems)
            problems.raise_any()
            return WriteResult(b"")

        await store.writing.write(found, work)

    in_organization(database, organization, imported)
    count = len({(row.get("user"), row.get("source")) for _, row in rows})
    typer.echo(f"{count} {'source is' if count == 1 else 'sources are'} as in the file.", err=True)


def _window(given: Mapping[str, str | None]) -> dict[str, str | None]:
    """Return the window of the options. Raises Refusal (invalid), with their names."""
    problems, found = Problems(), Problems()
    for name, text in given.items():
        if text is None:
            problems.note(f"--{name}", "Is required, as the file has busy times")
    problems.raise_any()
    busy_fields("", BUSY.read_values({"window": given, "busy": []}, found), found)
    for each in found.found:
        problems.note(each.field.replace("window.", "--"), each.message)
    problems.raise_any()
    return dict(given)


async def _objections(
    store: Store, rows: Iterable[Row], allow: Sequence[str]
) -> Mapping[str, tuple[FieldProblem, ...]]:
    """Return what is wrong with addresses; hosts of `allow` may have a private one."""
    urls = list({row["url"] for _, row in rows if "url" in row})
    if not urls:
        return {}
    async with aclosing(wiring.sender(allow)) as sender:
        found = await asyncio.gather(*map(wiring.webhooks(store, sender).objections, urls))
    return dict(zip(urls, found, strict=True))


async def _by_source(unit: UnitOfWork, rows: Iterable[Row], problems: Problems) -> Mapping[tuple[int, str], list[Row]]:
    """Return the rows of each user and source; an unknown user is a problem."""
    found: dict[tuple[int, str], list[Row]] = {}
    for line, row in rows:
        user = await user_of(unit, row.get("user"), f"line {line}: user", problems)
        if user is not None:
            found.setdefault((user, row.get("source", "")), []).append((line, row))
    return found


def _fields(source: str, rows: Sequence[Row], window: Mapping[str, str | None], problems: Problems) -> BusyFields:
    """Return what the rows of a source put, after noting what is wrong with them."""
    times = [each for each in rows if _ENDS & each[1].keys()]
    urls = [each for each in rows if "url" in each[1]]
    if urls and (times or len(urls) < len(rows)):
        problems.note(f"line {urls[0][0]}: url", "Must not be given beside busy times")
    elif len(urls) > 1:
        problems.note(f"line {urls[1][0]}: url", "Must be given once")
    if len(times) > PUSH_MOST:
        problems.note(f"line {times[PUSH_MOST][0]}: from", f"Must be that of one of at most {PUSH_MOST:,} busy times")
    busy = [{name: row[name] for name in _ENDS & row.keys()} for _, row in times[:PUSH_MOST]]
    body: dict[str, Any] = {"url": urls[0][1]["url"]} if urls else {"window": window, "busy": busy}
    found = Problems()
    try:
        read_source_name(source)
    except ValueError as error:
        found.note("source", str(error))
    fields = busy_fields(source, BUSY.read_values(body, found), found)
    for field, message in found.found:
        busy_time = _BUSY_TIME.match(field)
        line = times[int(busy_time[1])][0] if busy_time else (urls or rows)[0][0]
        problems.note(f"line {line}: {busy_time[2] or 'from' if busy_time else field}", message)
    return fields


async def _put(unit: UnitOfWork, user: int, line: int, fields: BusyFields, problems: Problems) -> None:
    """Put a source of a user, and note why it is refused.

    Busy times do not replace the address of a calendar, which is a secret that nobody may have any more.
    """
    known = await unit.busy.find(user, fields.source)
    if known is not None and known.url is not None and fields.url is None:
        problems.note(f"line {line}: source", "Is the address of a calendar: remove it first")
        return
    try:
        await put_busy(unit, user, fields, OPERATOR)
    except Refusal as refusal:
        if refusal.code is not Code.INVALID:
            raise
        at_line(line, Problems(refusal.problems), problems)


@app.command("export")
def export(organization: Organization = DEFAULT_ORGANIZATION, database: Database = DEFAULT_DATABASE) -> None:
    """Print the busy times that were pushed, and the addresses of calendars, as CSV. Addresses are secrets.

    \b
    Example:
      rowen busy export > busy.csv
    """

    async def read(store: Store, found: FoundOrganization) -> list[tuple[object, ...]]:
        rows: list[tuple[object, ...]] = []
        for name, each in await _all(store, found):
            whole = None if each.url else await store.busy.find(found, each.user_id, each.source)
            times = [map(Instant, span) for span in whole.busy] if whole else []
            rows += [(name, each.source, *span, each.url) for span in times or (("", ""),)]
        return rows

    print_csv(COLUMNS, in_organization(database, organization, read))


@app.command("list")
def list_sources(organization: Organization = DEFAULT_ORGANIZATION, database: Database = DEFAULT_DATABASE) -> None:
    """List the sources of busy times: when each was read, until when it knows busy times, and why reading failed.

    A source with a host is the address of a calendar there.

    \b
    Example:
      rowen busy list
    """
    rows = [
        (
            name,
            each.source,
            urlsplit(each.url or "").hostname or "",
            each.read_at or "never",
            _until(each),
            each.error or "",
        )
        for name, each in in_organization(database, organization, _all)
    ]
    print_table("Sources of busy times", ("user", "source", "host", "read_at", "until", "error"), rows)


@app.command("remove")
def remove(
    user: Annotated[str, typer.Argument(metavar="USER", help="An id or e-mail address.", show_default=False)],
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="The name of the source.", show_default=False)],
    organization: Organization = DEFAULT_ORGANIZATION,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Remove a source of a user's busy times.

    \b
    Example:
      rowen busy remove ada@example.com google
    """

    async def work(unit: UnitOfWork) -> WriteResult:
        problems = Problems()
        known = await user_of(unit, user, "user", problems)
        problems.raise_any()
        try:
            await remove_busy(unit, known or 0, source, None, OPERATOR)
        except Refusal as refusal:
            message = f"{user} has no source {source!r}; `rowen busy list` shows all sources"
            raise Refusal(refusal.code, message) from None
        return WriteResult(b"")

    in_organization(database, organization, lambda store, found: store.writing.write(found, work))
    typer.echo(f"Source {source} removed.", err=True)


async def _all(store: Store, organization: FoundOrganization) -> list[tuple[str, BusySource]]:
    """Return all sources without their busy times, each with how files name its user."""
    users = await all_users(store, organization)
    return [(name_of(user), each) for user in users for each in await store.busy.all(organization, user.id)]


def _until(source: BusySource) -> str:
    return str(Instant(source.windows[-1].ends)) if source.windows else ""
