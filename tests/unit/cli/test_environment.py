"""A variable without effect causes a warning, and its value is never shown."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.command import ROWEN, environment

INSTALLED = Path(sys.executable).with_name("rowen")
SECRET = "postgresql://rowen:s3cret@db.example.com/rowen"


def errors_of(*arguments: str, known: Mapping[str, str], status: int = 0, cwd: Path | None = None) -> str:
    """Run a command with variables, and return its standard error."""
    done = subprocess.run([*ROWEN, *arguments], env=environment(known), capture_output=True, text=True, cwd=cwd)
    assert done.returncode == status, done.stderr
    assert SECRET not in done.stdout + done.stderr
    assert "s3cret" not in done.stdout + done.stderr
    return done.stderr


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("ROWEN_DATABSE", "ROWEN_DATABASE"),
        ("ROWEN_DATABASE_URL", "ROWEN_DATABASE"),
        ("rowen_database", "ROWEN_DATABASE"),
        ("Rowen_Database", "ROWEN_DATABASE"),
        ("ROWAN_DATABASE", "ROWEN_DATABASE"),
        ("ROWEN_TLS_CERT", "ROWEN_TLS_CERTIFICATE"),
        ("ROWEN_RATELIMIT", "ROWEN_RATE_LIMIT"),
    ],
)
def test_a_misspelt_variable_is_suggested(name: str, meant: str) -> None:
    expected = f"rowen: the environment variable {name} is unknown and has no effect. Did you mean {meant}?\n"
    assert errors_of("--version", known={name: SECRET}) == expected


@pytest.mark.parametrize("command", [("keys", "list"), ("export",), ("db", "check"), ("serve", "--port", "0")])
def test_every_command_warns_once(tmp_path: Path, command: tuple[str, ...]) -> None:
    status = 2 if command[0] == "serve" else 1
    said = errors_of(*command, cwd=tmp_path, status=status, known={"ROWEN_FROBNICATE": SECRET})
    assert said.startswith("rowen: the environment variable ROWEN_FROBNICATE is unknown and has no effect\n")
    assert said.count("FROBNICATE") == 1


def test_known_and_foreign_variables_cause_no_warning() -> None:
    foreign = {"OWEN_DATABASE": SECRET, "ROW_PORT": "1", "ROWENX": "1", "BROWEN_PORT": "1"}
    known = {"ROWEN_DATABASE": "sqlite:///x.db", "ROWEN_RESUME": "1", "ROWEN_KEY": SECRET}
    assert errors_of("--version", known={**known, **foreign}) == ""


def test_many_variables_are_bounded() -> None:
    said = errors_of("--version", known={f"ROWEN_{number:04}": "x" for number in range(1_000)}).splitlines()
    assert len(said) == 11
    assert said[-1] == "rowen: 990 other variables have no effect either"


def test_completion_stays_quiet() -> None:
    asked = {"_ROWEN_COMPLETE": "complete_bash", "COMP_WORDS": "rowen ke", "COMP_CWORD": "1", "ROWEN_X": "1"}
    done = subprocess.run([INSTALLED], env=environment(asked), capture_output=True, text=True, check=True)
    assert (done.stdout.split(), done.stderr) == (["keys"], "")


def test_variables_that_kubernetes_sets_for_a_service_named_rowen_do_no_harm(tmp_path: Path) -> None:
    links = {
        "ROWEN_SERVICE_HOST": "10.0.0.7",
        "ROWEN_SERVICE_PORT": "8000",
        "ROWEN_SERVICE_PORT_HTTP": "8000",
        "ROWEN_PORT_8000_TCP": "tcp://10.0.0.7:8000",
        "ROWEN_PORT_8000_TCP_ADDR": "10.0.0.7",
        "ROWEN_DB_PORT": "tcp://10.0.0.8:5432",
        "ROWEN_DB_SERVICE_HOST": "10.0.0.8",
    }
    assert errors_of("--version", known=links) == ""
    said = errors_of(
        "serve", "--host", "192.0.2.1", cwd=tmp_path, status=1, known={**links, "ROWEN_PORT": "tcp://10.0.0.7:8000"}
    )
    assert said.startswith("rowen: ROWEN_PORT is ignored: Kubernetes has set it for a service. ")
    assert "cannot listen on 192.0.2.1:8000" in said
