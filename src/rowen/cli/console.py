"""Output: tables and progress, on a terminal and elsewhere.

Owns the difference between the two. Must not know what is shown.
"""

import asyncio
import signal
import sys
from collections.abc import Callable, Collection, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from types import FrameType
from typing import Any, Final, TypeVar

import typer
from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

Result = TypeVar("Result")

LINE_SECONDS: Final = 5
_USUAL_WIDTH: Final = 80  # of a terminal, in characters


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a command's coroutine to its end."""
    return asyncio.run(work)


@contextmanager
def interruptible(*, at_once: bool) -> Iterator[None]:
    """Let Ctrl-C end the work in the block by KeyboardInterrupt.

    By default asyncio delivers Ctrl-C at the next `await`, which a slow pipe or server can delay, or at a second
    Ctrl-C. With `at_once`, it interrupts immediately; that is unsafe with C drivers that call back into Python.
    """
    handled = signal.getsignal(signal.SIGINT)
    if not at_once or handled is not signal.default_int_handler:  # a shell's background job ignores Ctrl-C
        yield
        return
    signal.signal(signal.SIGINT, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handled)


def _interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt


def write_bytes(content: bytes) -> None:
    """Write all to standard output: with PYTHONUNBUFFERED, a signal as that of `fg` makes Python write a part only."""
    rest = memoryview(content)
    while rest:
        rest = rest[sys.stdout.buffer.write(rest) :]


def is_drawn() -> bool:
    """Return whether tables are drawn, for people, rather than separated by tabs, for programs."""
    return sys.stdout.isatty()


def print_table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], *, foldable: Collection[str] | None = None
) -> None:
    """Print a table: drawn on a terminal, separated by tabs elsewhere.

    Cells that do not fit are folded. With `foldable` the table has no frame, and on a terminal of 80 characters or more
    only the cells of those columns are folded.
    """
    if not is_drawn():
        for row in (columns, *rows):
            typer.echo("\t".join(str(cell) for cell in row))
        return
    console = Console()
    table = Table(title=title, title_justify="left")
    if foldable is not None:
        table.box, table.padding, table.show_edge = box.SIMPLE_HEAD, 0, False
    for column in columns:
        whole = foldable is not None and column not in foldable and console.width >= _USUAL_WIDTH
        table.add_column(column, overflow="fold", no_wrap=whole)  # fold: nothing is cut off
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    console.print(table)


Report = Callable[[str, int, int | None, str], None]
"""Called with the current step, how much of how much is done, and a remark."""


@contextmanager
def progress() -> Iterator[Report]:
    """Show progress on standard error: a bar on a terminal, a line every few seconds elsewhere."""
    if not sys.stderr.isatty():
        yield plain_lines()
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


def plain_lines() -> Report:
    """Return a report of progress that writes a line now and then, for output that is no terminal."""
    last = monotonic()

    def report(doing: str, done: int, total: int | None, remark: str) -> None:
        nonlocal last
        if monotonic() - last >= LINE_SECONDS:
            last = monotonic()
            share = f" {done / total:.0%}" if total else ""
            typer.echo(f"{doing}{share} {remark}", err=True)

    return report
