"""A row of a table of settings is enough: it makes the option, the variable and the line in the documents."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import pytest
import typer
from typer.testing import CliRunner

from rowen.cli.accounts import AccountOptions
from rowen.cli.change_feed import FollowSettings
from rowen.cli.clients import ClientSettings
from rowen.cli.imports import ImportSettings
from rowen.cli.interview_filters import ExportFilters, InterviewFilters
from rowen.cli.keys import KeySettings
from rowen.cli.main import app
from rowen.cli.mirror import MirrorSettings
from rowen.cli.options import with_settings
from rowen.settings import CommandSettings, HostName, ServerSettings, Setting, SettingRow, settings_of
from tests.support.documents import ROOT

TABLES: Final = (
    (ServerSettings, "settings.md", ("serve",)),
    (CommandSettings, "commands.md", ("export",)),
    (ImportSettings, "commands.md", ("import",)),
    (AccountOptions, "commands.md", ("import",)),
    (MirrorSettings, "commands.md", ("mirror",)),
    (KeySettings, "commands.md", ("keys", "create")),
    (ClientSettings, "commands.md", ("clients", "create")),
    (FollowSettings, "commands.md", ("follow",)),
    (ExportFilters, "commands.md", ("export",)),
    (InterviewFilters, "commands.md", ("interviews", "adopt")),
)
ROWS: Final = [
    pytest.param(row, document, words, id=f"{' '.join(words)} {row.option}")
    for table, document, words in TABLES
    for row in settings_of(table)
]


def option_of(words: tuple[str, ...], name: str) -> Any:
    """Return Click's option of that name."""
    command: Any = typer.main.get_command(app)
    for word in words:
        command = command.commands[word]
    (found,) = [each for each in command.params if name in each.opts]
    return found


def documented(document: str, words: tuple[str, ...], name: str) -> list[str]:
    """Return the cells of an option's line in the document, in the part about its command."""
    text = (ROOT / "docs/reference" / document).read_text()
    part = text if words == ("serve",) else text.partition(f"### `rowen {' '.join(words)}")[2].partition("###")[0]
    (line,) = [each for each in part.splitlines() if each.startswith(f"| `{name}` |")]
    return [cell.strip() for cell in line.strip("|").split(" | ")]


@pytest.mark.parametrize(("row", "document", "words"), ROWS)
def test_every_row_has_an_option_a_variable_and_a_documented_line(
    row: Setting, document: str, words: tuple[str, ...]
) -> None:
    option = option_of(words, row.option)
    assert option.envvar == row.variable
    assert option.help == row.help
    assert (option.default or None) == (row.default or None), "no value is None, False and () alike"
    assert (option.min, option.max) == (row.least, row.most)
    default = "" if row.default in (None, ()) else f"`{row.default}`"
    if isinstance(row.default, bool):
        default = "on" if row.default else "off"
    assert documented(document, words, row.option) == [f"`{row.option}`", f"`{row.variable}`", default, row.help]


def test_every_option_of_serve_is_a_row() -> None:
    command: Any = typer.main.get_command(app)
    options = {name for each in command.commands["serve"].params for name in each.opts}
    assert options - {"--help", "-h"} == {row.option for row in settings_of(ServerSettings)}


@dataclass(frozen=True, slots=True)
class Table:
    """A table of each type that a setting can have."""

    colour: Annotated[str, SettingRow("A text.")] = "red"
    most_guests: Annotated[int, SettingRow("A number.", 1, 9)] = 3
    loud: Annotated[bool, SettingRow("A flag.")] = False
    guests: Annotated[tuple[HostName, ...], SettingRow("Texts of a type.", option="--guest")] = ()
    card: Annotated[Path | None, SettingRow("A file.")] = None


def given(arguments: list[str], variables: dict[str, str] | None = None) -> Table | str:
    """Return the table that a command gets, or the error about its arguments."""
    seen: list[Table] = []
    command = typer.Typer()

    @command.command()
    @with_settings
    def party(table: Table) -> None:
        seen.append(table)

    result = CliRunner().invoke(command, arguments, env={"TERM": "dumb", "COLUMNS": "200", **(variables or {})})
    return seen[0] if seen else result.output


def test_a_new_row_needs_no_other_place(tmp_path: Path) -> None:
    card = tmp_path / "card.txt"
    card.touch()
    assert given([]) == Table()
    assert given(
        ["--colour", "blue", "--most-guests", "9", "--loud", "--guest", "a", "--guest", "b", "--card", str(card)]
    ) == Table("blue", 9, True, (HostName("a"), HostName("b")), card)
    assert given([], {"ROWEN_MOST_GUESTS": "1", "ROWEN_LOUD": "1", "ROWEN_GUEST": "a b"}) == Table(
        most_guests=1, loud=True, guests=(HostName("a"), HostName("b"))
    )


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--most-guests", "10"], "should be less than or equal to 9"),
        (["--guest", "guest:80"], "must be a host name or an address, without a port (guest:80)"),
        (["--card", "/nowhere"], "does not exist"),
    ],
)
def test_a_value_outside_its_type_is_refused(arguments: list[str], reason: str) -> None:
    assert reason in str(given(arguments))
