"""The command line as a whole: helpful help, options that are environment variables, errors in one sentence."""

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest
import typer
from typer.testing import CliRunner

from rowen import __version__
from rowen.cli.main import app
from tests.support.command import ROWEN, environment, rowen
from tests.support.records import record, write_json_lines

INSTALLED: Final = Path(sys.executable).with_name("rowen")


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every command with the words that call it."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


COMMANDS: Final = dict(commands(typer.main.get_command(app)))


def test_every_command_is_tested() -> None:
    assert {" ".join(words) for words in COMMANDS} == {
        *("serve", "import", "export", "follow", "slots", "openapi"),
        *("keys create", "keys allow", "keys list", "keys show", "keys revoke"),
        *("clients create", "clients list", "clients revoke"),
        *("mirror status", "mirror end"),
        *("organizations create", "organizations change", "organizations list"),
        *("interviews adopt", "users delete", "people invite", "people list", "people revoke"),
        *("rooms add", "rooms list", "rooms remove", "rooms import", "rooms export"),
        *("availability import", "availability export", "pools import", "pools export"),
        *("busy import", "busy export", "busy list", "busy remove"),
        *("webhooks add", "webhooks list", "webhooks test", "webhooks rotate", "webhooks remove"),
        *("webhooks enable", "webhooks disable", "webhooks deliveries"),
        *("webhooks delivery", "webhooks resend", "webhooks skip"),
        *("db upgrade", "db check", "db repair", "db backup", "db copy", "db distribute"),
    }


def test_the_version() -> None:
    assert rowen("--version").stdout == f"rowen {__version__}\n"


def test_the_help_of_a_group_is_about_its_commands() -> None:
    shown = rowen("--help").stdout
    assert "The users of an organization" in shown
    assert "The interviews of an organization" in shown


def test_help_has_a_short_option() -> None:
    assert rowen("-h").stdout == rowen("--help").stdout
    assert rowen("keys", "create", "-h").stdout == rowen("keys", "create", "--help").stdout


def test_help_of_a_process() -> None:
    assert "self-hosted" in rowen("--help").stdout
    assert "rowen import interviews.jsonl" in rowen("import", "--help").stdout
    assert "Usage" in rowen(status=2).stdout + rowen(status=2).stderr


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_shows_examples(words: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "200", "TERM": "dumb"})
    assert shown.exit_code == 0
    example = shown.output.split("Example")[1]
    assert f"rowen {' '.join(words)}" in example


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_paragraphs_of_help_fill_the_lines(words: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "80", "TERM": "dumb"}).output
    before_examples = [line.strip() for line in shown.partition("Example")[0].splitlines()]
    for line, after in pairwise(before_examples):
        first_word = after.partition(" ")[0]
        if line and first_word:
            assert len(line) + 1 + len(first_word) > 78, f"{line!r} has room for {first_word!r}"


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_option_is_also_an_environment_variable(words: tuple[str, ...]) -> None:
    for parameter in COMMANDS[words].params:
        if parameter.param_type_name != "option" or parameter.name == "help":
            continue
        assert str(parameter.envvar).startswith("ROWEN_"), parameter.name


def test_an_environment_variable_is_obeyed(tmp_path: Path) -> None:
    variables = {"ROWEN_DATABASE": f"sqlite:///{tmp_path}/other.db", "ROWEN_TIME_ZONE": "Europe/Lisbon"}
    for arguments in (["create", "lisbon"], ["list"]):
        done = subprocess.run(
            [*ROWEN, "organizations", *arguments],
            env=environment(variables),
            capture_output=True,
            check=True,
            text=True,
        )
    assert "lisbon\tEurope/Lisbon\t0" in done.stdout


def test_the_description_of_the_api() -> None:
    document = json.loads(rowen("openapi").stdout)
    assert document["openapi"].startswith("3.1")
    assert "/v1/scheduled_interviews" in document["paths"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shell_completion(shell: str) -> None:
    done = subprocess.run(
        [INSTALLED], env=environment({"_ROWEN_COMPLETE": f"source_{shell}"}), capture_output=True, check=True, text=True
    )
    assert "_ROWEN_COMPLETE" in done.stdout
    assert "--show-completion" in rowen("--help").stdout


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("frobnicate",), "No such command"),
        (("keys", "frobnicate"), "No such command"),
        (("import",), "Missing argument"),
        (("import", ""), "must not be empty"),
        (("import", "x", "--frobnicate"), "No such option"),
        (("serve", "--port", "0"), "greater than or equal to 1"),
        (("serve", "--demo", "--host", "0.0.0.0"), "127.0.0.1 only"),
        (("serve", "--tls-key", sys.executable), "go together"),
        (("serve", "--public-url", "nonsense"), "must look like"),
        (("export", "--format", "xml"), "xml"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_requests_that_cannot_be_understood(tmp_path: Path, arguments: tuple[str, ...], part: str) -> None:
    done = rowen(*arguments, cwd=tmp_path, status=2)
    assert done.stdout == ""
    assert part in " ".join(done.stderr.replace("│", " ").split())
    assert list(tmp_path.iterdir()) == []


# --- on a terminal


def on_a_terminal(*arguments: str | Path, cwd: Path) -> str:
    """Run a command on a terminal of its own, and return the terminal's content."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*ROWEN, *map(str, arguments)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=cwd,
        env=environment({"TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"}),
    )
    os.close(theirs)
    drawn = bytearray()
    try:
        while block := os.read(ours, 65_536):
            drawn += block
    except OSError:  # Linux reports in this way that the terminal was closed
        pass
    finally:
        os.close(ours)
    assert process.wait(60) == 0, drawn.decode()
    return drawn.decode()


def test_a_table_is_drawn_and_progress_shown(tmp_path: Path) -> None:
    write_json_lines(tmp_path / "records.jsonl", [record(identifier) for identifier in range(1, 5_001)])
    drawn = on_a_terminal("import", "records.jsonl", cwd=tmp_path)
    assert re.search(r"Checking records\.jsonl.*100%.*5,000 records, [\d,]+/s", drawn)
    assert "Writing records.jsonl" in drawn
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", drawn)
    assert re.search(r"┃ resource\s*┃ read\s*┃ new\s*┃ changed ┃ unchanged ┃ older ┃ rejected ┃", plain)
    assert re.search(r"│ scheduled_interviews\s*│ 5000\s*│ 5000\s*│ 0\s*│ 0\s*│ 0\s*│ 0\s*│", plain)
    assert "\t" not in plain


def test_elsewhere_cells_are_separated_by_tabs(tmp_path: Path) -> None:
    done = rowen("import", "-", cwd=tmp_path, stdin=b"[]")
    assert done.stdout == "resource\tread\tnew\tchanged\tunchanged\tolder\trejected\nnone\t0\t0\t0\t0\t0\t0\n"
    assert "\x1b" not in done.stdout + done.stderr
