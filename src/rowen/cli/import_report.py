"""What `rowen import` prints when it ends.

Owns its table and sentences. Must not know how records are read or merged.
"""

from shlex import quote

import typer

from rowen.app.imports import MergeCounts
from rowen.cli.console import print_table
from rowen.imports.future_times import FutureTimes
from rowen.imports.pipeline import ImportReport
from rowen.interviews.moments import Instant


def print_report(report: ImportReport, *, dry_run: bool) -> None:
    """Print what came of an import: a table on standard output, and what was left out on standard error."""
    for name, count in sorted(report.unknown.items()):
        typer.echo(f"Unknown field {name} was left out of {count} records", err=True)
    for name, count in sorted(report.skipped.items()):
        typer.echo(f"Skipped: {count} {name}", err=True)
    for place in () if report.stopped else report.unread:
        typer.echo(f"{place}: the rest could not be read and was not imported", err=True)
    for name in report.stopped:
        typer.echo(f"{name}: not imported completely; correct it, or use --keep-going", err=True)
    rows = [
        (resource, tally.read, *_outcomes(tally.counts), tally.rejected) for resource, tally in report.tallies.items()
    ]
    columns = ("resource", "read", "new", "changed", "unchanged", "older", "rejected")
    print_table("Dry run: nothing was written" if dry_run else "Imported", columns, rows or [("none", *[0] * 6)])


def _outcomes(counts: MergeCounts) -> tuple[int, ...]:
    return counts.new, counts.changed, counts.unchanged, counts.older


def print_remarks(
    report: ImportReport, future_times: FutureTimes | None, organization: str, now: Instant, *, dry_run: bool
) -> None:
    """Print what the operator should know about an import, and which command helps, on standard error."""
    counts = report.interviews
    if future_times is not None and future_times.count:
        typer.echo(
            f"{_count(future_times.count, 'record')} rejected for times more than a day in the future: correct them, "
            "or import with --clamp-updated-at to set such times to now",
            err=True,
        )
    if counts.adopted:
        can = "could" if dry_run else "can"
        typer.echo(
            f"Clients {can} now change {_count(counts.adopted, 'interview')} that they could not before", err=True
        )
    if counts.frozen:
        typer.echo(
            f"Clients cannot change {_count(counts.frozen, 'imported interview')} scheduled in the future.\n"
            "To let them, import the records again with --created-through-api, or run\n"
            f"  rowen interviews adopt --organization {quote(organization)} --starts-after {now}",
            err=True,
        )


def _count(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
