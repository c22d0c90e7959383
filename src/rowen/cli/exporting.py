"""`rowen export`.

Owns the export command: its filters, and that a file appears whole or not at all.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, BinaryIO
from urllib.parse import urlencode

import typer

from rowen import wiring
from rowen.cli.console import interruptible, run
from rowen.cli.options import Database, Organization
from rowen.exchange.exporting import Format, write_export
from rowen.harvest.parameters import read_parameters
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.interview import LARGEST_ID, ApplicationId
from rowen.interviews.query import InterviewQuery
from rowen.settings import DEFAULT_DATABASE, DEFAULT_ORGANIZATION
from rowen.store.database import locate, upgrade
from rowen.store.engine import Location


def _time(variable: str) -> Any:
    return typer.Option(envvar=variable, metavar="TIME", help="As in the API: an ISO-8601 date or time.")


def export_interviews(
    form: Annotated[Format, typer.Option("--format", envvar="ROWEN_FORMAT", help="How to write.")] = Format.JSONL,
    output: Annotated[
        Path | None, typer.Option(envvar="ROWEN_OUTPUT", dir_okay=False, help="Where to; standard output otherwise.")
    ] = None,
    created_after: Annotated[str | None, _time("ROWEN_CREATED_AFTER")] = None,
    created_before: Annotated[str | None, _time("ROWEN_CREATED_BEFORE")] = None,
    updated_after: Annotated[str | None, _time("ROWEN_UPDATED_AFTER")] = None,
    updated_before: Annotated[str | None, _time("ROWEN_UPDATED_BEFORE")] = None,
    starts_after: Annotated[str | None, _time("ROWEN_STARTS_AFTER")] = None,
    starts_before: Annotated[str | None, _time("ROWEN_STARTS_BEFORE")] = None,
    ends_after: Annotated[str | None, _time("ROWEN_ENDS_AFTER")] = None,
    ends_before: Annotated[str | None, _time("ROWEN_ENDS_BEFORE")] = None,
    application_id: Annotated[
        int | None,
        typer.Option(envvar="ROWEN_APPLICATION_ID", min=1, max=LARGEST_ID, help="Only interviews of this application."),
    ] = None,
    external_event_id: Annotated[
        str | None, typer.Option(envvar="ROWEN_EXTERNAL_EVENT_ID", help="Only interviews of this external event.")
    ] = None,
    actionable: Annotated[
        bool,
        typer.Option("--actionable", envvar="ROWEN_ACTIONABLE", help="Only interviews that can still be changed."),
    ] = False,
    organization: Organization = DEFAULT_ORGANIZATION,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Write interviews as they are served: what was imported comes out again, byte for byte.

    \b
    Examples:
      rowen export > interviews.jsonl
      rowen export --format csv --output week.csv --starts-after 2026-11-23 --starts-before 2026-11-30
    """
    times = {
        "created_after": created_after,
        "created_before": created_before,
        "updated_after": updated_after,
        "updated_before": updated_before,
        "starts_after": starts_after,
        "starts_before": starts_before,
        "ends_after": ends_after,
        "ends_before": ends_before,
    }
    given = {name: value for name, value in times.items() if value is not None}
    if external_event_id is not None:
        given["external_event_id"] = external_event_id
    if actionable:
        given["actionable"] = "true"
    query = read_parameters(urlencode(given, errors="surrogateescape")).query
    if application_id is not None:
        query = replace(query, application_id=ApplicationId(application_id))
    location = locate(database)
    upgrade(location, create=False)
    with _destination(output) as file, interruptible(at_once=location.runs_here):
        run(_export(location, organization, query, form, file))


async def _export(location: Location, name: str, query: InterviewQuery, form: Format, file: BinaryIO) -> None:
    async with wiring.opened(location) as store:
        organization = await store.organizations.find(name)
        if organization is None:
            raise Refusal(Code.NOT_FOUND, f"there is no organization {name!r}")
        count = await write_export(store.interviews.documents(organization, query), form, file.write)
    typer.echo(f"{count} interviews", err=True)


@contextmanager
def _destination(path: Path | None) -> Iterator[BinaryIO]:
    """Open what is written to; a file takes its name once it is complete."""
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = path.resolve()  # a link stays one
    if path.exists() and not path.is_file():
        with path.open("wb") as pipe:
            yield pipe
        return
    partial: Path | None = None
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        partial = Path(name)
        with open(descriptor, "wb") as file:  # noqa: PTH123  (a descriptor)
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        typer.echo(f"rowen: {path}: {error.strerror}", err=True)
        raise typer.Exit(1) from error
    finally:
        if partial is not None:
            partial.unlink(missing_ok=True)
