"""What people see: tables and progress, on a terminal and elsewhere.

Owns the difference between the two. Must not know what is shown.
"""

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from types import FrameType
from typing import Any, Final, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

Result = TypeVar("Result")

_LINE_SECONDS: Final = 5


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a command's work to its end."""
    return asyncio.run(work)


@contextmanager
def interruptible(*, at_once: bool) -> Iterator[None]:
    """Let Ctrl-C end the work in the block at once, by KeyboardInterrupt.

    Left to itself, asyncio waits for the next `await`, or for Ctrl-C once more: reading a slow pipe or server goes on
    for as long. So it is where that is not safe `at_once`, as with drivers that call Python out of C.
    """
    handled = signal.getsignal(signal.SIGINT)
    if not at_once or handled is not signal.default_int_handler:  # a shell's background job ignores Ctrl-C, and shall
        yield
        return
    signal.signal(signal.SIGINT, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handled)


def _interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table: drawn on a terminal, separated by tabs elsewhere."""
    if not sys.stdout.isatty():
        for row in (columns, *rows):
            typer.echo("\t".join(str(cell) for cell in row))
        return
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")  # nothing is cut off
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    Console().print(table)


Report = Callable[[str, int, int | None, str], None]
"""Told what is being done, how much of how much, and a remark."""


@contextmanager
def progress() -> Iterator[Report]:
    """Show progress on standard error: a bar on a terminal, a line every few seconds elsewhere."""
    if not sys.stderr.isatty():
        yield _plain_lines()
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(show_speed=False),
        TextColumn("{task.fields[remark]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, Any] = {}

        def report(doing: str, done: int, total: int | None, remark: str) -> None:
            if doing not in tasks:
                tasks[doing] = bars.add_task(doing, total=total, remark=remark)
            bars.update(tasks[doing], completed=done, total=total, remark=remark)

        yield report


def _plain_lines() -> Report:
    last = monotonic()

    def report(doing: str, done: int, total: int | None, remark: str) -> None:
        nonlocal last
        if monotonic() - last >= _LINE_SECONDS:
            last = monotonic()
            share = f" {done / total:.0%}" if total else ""
            typer.echo(f"{doing}{share} {remark}", err=True)

    return report
