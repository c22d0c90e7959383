"""`rowen export`.

Owns the export command: its filters, and that a file appears complete or not at all. Must not know how a
format is written.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from rowen.cli.console import interruptible, run, write_bytes
from rowen.cli.interview_filters import ExportFilters
from rowen.cli.options import Database, Organization, with_settings
from rowen.cli.store import open_organization, require_database
from rowen.exports import Format, Write, write_export, write_spreadsheet
from rowen.interviews.query import InterviewQuery
from rowen.settings import DEFAULT_DATABASE, DEFAULT_ORGANIZATION
from rowen.store.engines.base import Location


class ExportReader(StrEnum):
    """The intended reader of an export."""

    SPREADSHEET = "spreadsheet"


@with_settings
def export_interviews(
    *,
    form: Annotated[
        Format | None,
        typer.Option(
            "--format", envvar="ROWEN_FORMAT", help="The format of the output.", show_default=Format.JSONL.value
        ),
    ] = None,
    reader: Annotated[
        ExportReader | None,
        typer.Option(
            "--for",
            envvar="ROWEN_FOR",
            help="Write for this reader. A spreadsheet gets CSV with local dates, and names instead of ids; "
            "it cannot be imported again.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(envvar="ROWEN_OUTPUT", dir_okay=False, help="The file to write. Default: standard output."),
    ] = None,
    filters: ExportFilters,
    organization: Organization = DEFAULT_ORGANIZATION,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Export interviews as the API returns them: imported records come out byte for byte.

    CSV can be imported again. Text that a spreadsheet would run as a formula gets an apostrophe, which the import
    removes.

    \b
    Examples:
      rowen export > interviews.jsonl
      rowen export --format csv --output interviews.csv
      rowen export --for spreadsheet --output upcoming.csv --starts-after 2026-11-30
    """
    if reader is not None and form not in (None, Format.CSV):
        raise typer.BadParameter(f"writes CSV, not {form}", param_hint="'--for'")
    query = filters.query()
    location = require_database(database)
    with _destination(output) as write, interruptible(at_once=location.in_process):
        run(_export(location, organization, query, reader or form or Format.JSONL, write))


async def _export(
    location: Location, name: str, query: InterviewQuery, form: Format | ExportReader, write: Write
) -> None:
    async with open_organization(location, name) as (store, organization):
        documents = store.interviews.documents(organization, query)
        if form is ExportReader.SPREADSHEET:
            count = await write_spreadsheet(documents, ZoneInfo(organization.time_zone), write)
            typer.echo(f"{count} interviews, times in {organization.time_zone}", err=True)
        else:
            count = await write_export(documents, form, write)
            typer.echo(f"{count} interviews", err=True)


@contextmanager
def _destination(path: Path | None) -> Iterator[Write]:
    """Open the destination, and yield what writes to it; a file gets its name when it is complete."""
    if path is None or str(path) == "-":
        yield write_bytes
        sys.stdout.buffer.flush()
        return
    path = path.resolve()  # writes to the target of a link, and keeps the link
    if path.exists() and not path.is_file():
        with path.open("wb") as pipe:
            yield pipe.write
        return
    partial: Path | None = None
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        partial = Path(name)
        os.fchmod(descriptor, 0o600)  # whatever the umask
        with open(descriptor, "wb") as file:  # noqa: PTH123  (a descriptor)
            yield file.write
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        typer.echo(f"rowen: {path}: {error.strerror}", err=True)
        raise typer.Exit(1) from error
    finally:
        if partial is not None:
            partial.unlink(missing_ok=True)
