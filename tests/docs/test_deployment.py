"""The files for deployment, as far as they can be checked without Docker, and without systemd as init."""

import configparser
import json
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec
import pytest
import typer

from rowen.cli.environment import variables
from rowen.cli.main import app
from tests.support.documents import ROOT
from tests.support.programs import quiet_port
from tests.support.server import Server, serving

DOCKERFILE: Final = (ROOT / "Dockerfile").read_text().replace("\\\n", "")
COMPOSE: Final[dict[str, Any]] = msgspec.yaml.decode((ROOT / "compose.yaml").read_bytes())
WORKFLOW: Final[dict[str, Any]] = msgspec.yaml.decode((ROOT / ".github/workflows/ci.yml").read_bytes())
MATRIX: Final[dict[str, Any]] = WORKFLOW["jobs"]["test"]["strategy"]["matrix"]
PYPROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text())
UNIT: Final = ROOT / "contrib/systemd/rowen.service"
LONGEST_STOP: Final = 8
HIGHEST_EXPOSURE: Final = 2.0


def instructions(name: str) -> list[str]:
    """Return the arguments of an instruction of the Dockerfile, wherever it stands."""
    return re.findall(rf"^{name} (.*)$", DOCKERFILE, re.MULTILINE)


def service() -> dict[str, list[str]]:
    """Return the settings of the service, each with all its values."""
    found: dict[str, list[str]] = {}
    for line in UNIT.read_text().partition("[Service]")[2].partition("[Install]")[0].splitlines():
        name, is_set, value = line.partition("=")
        if is_set and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(f"sqlite:///{tmp_path_factory.mktemp('database') / 'rowen.db'}") as served:
        yield served


def test_the_image_has_a_python_that_is_tested() -> None:
    (version,) = set(re.findall(r"^FROM python:([\d.]+)-slim", DOCKERFILE, re.MULTILINE))
    assert version in MATRIX["python"]
    assert PYPROJECT["project"]["requires-python"] == f">={MATRIX['python'][0]}"


def test_the_image_is_built_without_what_git_ignores() -> None:
    left_out = {line.removeprefix("**/") for line in (ROOT / ".dockerignore").read_text().splitlines()}
    assert set((ROOT / ".gitignore").read_text().splitlines()) <= left_out
    assert {"tests/", ".git/"} <= left_out


@pytest.mark.parametrize("status", [0, 1])
def test_the_health_check_of_the_image_asks_the_server(server: Server, status: int) -> None:
    (check,) = instructions("HEALTHCHECK")
    python, *arguments = json.loads(check.partition("CMD ")[2])
    assert python == "python"
    port = server.port if status == 0 else quiet_port()
    command = [sys.executable, *(each.replace(":8000", f":{port}") for each in arguments)]
    assert subprocess.run(command, capture_output=True).returncode == status


def test_the_image_runs_the_command_without_a_shell_and_not_as_root() -> None:
    assert json.loads(instructions("ENTRYPOINT")[0]) == list(PYPROJECT["project"]["scripts"])
    assert json.loads(instructions("CMD")[0]) == ["serve"]
    assert instructions("USER") == ["10001:10001"]
    assert instructions("STOPSIGNAL") == ["SIGTERM"]


def test_every_variable_is_a_setting() -> None:
    known = set(variables(typer.main.get_command(app)))
    rowen = COMPOSE["services"]["rowen"]["environment"]
    texts = [*instructions("ENV"), *service()["Environment"], *(f"{name}=" for name in rowen)]
    named = {name for text in texts for name in re.findall(r"\b(ROWEN_\w+)=", text)}
    assert {"ROWEN_DATABASE", "ROWEN_HOST", "ROWEN_WORKERS"} <= named <= known


def test_the_database_and_the_rate_limit_store_of_compose_are_services_that_are_waited_for() -> None:
    rowen = COMPOSE["services"]["rowen"]
    addresses = [rowen["environment"][name] for name in ("ROWEN_DATABASE", "ROWEN_RATE_LIMIT_STORE")]
    assert [httpx.URL(address).host for address in addresses] == list(rowen["depends_on"])
    for name, condition in rowen["depends_on"].items():
        assert condition == {"condition": "service_healthy"}
        assert "healthcheck" in COMPOSE["services"][name]
    assert int(COMPOSE["services"]["postgres"]["image"].partition(":")[2]) in MATRIX["postgres"]


def test_compose_gives_the_password_by_file_only(tmp_path: Path) -> None:
    """The entry point of the service writes the password to a file that PostgreSQL's clients accept."""
    (tmp_path / "postgres_password").write_text("it's %s secret\n")
    shell, options, script, *name = COMPOSE["services"]["rowen"]["entrypoint"]
    script = script.replace("$$", "$").replace("/run/secrets", str(tmp_path))
    passwords = tmp_path / "pgpass"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {"PATH": path, "PGPASSFILE": str(passwords)}
    done = subprocess.run(
        [shell, options, script, *name, "--version"], env=environment, check=True, capture_output=True, text=True
    )
    assert done.stdout.startswith("rowen ")
    assert passwords.read_text() == "postgres:5432:*:rowen:it's %s secret"
    assert stat.S_IMODE(passwords.stat().st_mode) == 0o600
    assert "password" not in " ".join(map(str, COMPOSE["services"]["rowen"]["environment"])).lower()


def test_compose_does_not_start_rowen_without_a_readable_password(tmp_path: Path) -> None:
    shell, options, script, *name = COMPOSE["services"]["rowen"]["entrypoint"]
    script = script.replace("$$", "$").replace("/run/secrets", str(tmp_path))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {"PATH": path, "PGPASSFILE": str(tmp_path / "pgpass")}
    done = subprocess.run([shell, options, script, *name, "--version"], env=environment, capture_output=True)
    assert done.returncode != 0
    assert done.stdout == b""
    assert not (tmp_path / "pgpass").exists()


def test_the_unit_runs_a_command_that_exists_and_leaves_it_time_to_stop() -> None:
    settings = service()
    (command,) = settings["ExecStart"]
    program, *arguments = shlex.split(command)
    assert Path(program).name in PYPROJECT["project"]["scripts"]
    done = subprocess.run([sys.executable, "-m", "rowen", *arguments, "--help"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(settings["TimeoutStopSec"][0]) > LONGEST_STOP


def test_the_unit_can_be_enabled() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.read(UNIT)
    assert unit["Install"]["WantedBy"] == "multi-user.target"


@pytest.mark.parametrize("path", sorted((ROOT / ".github/workflows").iterdir()), ids=lambda path: path.name)
def test_workflows_have_no_more_permissions_than_their_jobs_name_and_pin_actions(path: Path) -> None:
    workflow: dict[str, Any] = msgspec.yaml.decode(path.read_bytes())
    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        assert job["permissions"]
        assert job["timeout-minutes"]
        for action in (step["uses"] for step in job["steps"] if "uses" in step):
            assert re.fullmatch(r"[\w-]+/[\w-]+@(v\d+(\.\d+)*|[0-9a-f]{40})", action), action


def test_every_pair_of_python_and_postgresql_is_tested_once() -> None:
    pairs = {(python, postgres) for python in MATRIX["python"] for postgres in MATRIX["postgres"]}
    everything = {(each["python"], each["postgres"]) for each in MATRIX["include"]}
    contract = pairs - {(each["python"], each["postgres"]) for each in MATRIX["exclude"]}
    assert contract | everything == pairs
    assert not contract & everything


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_accepts_the_unit_and_finds_it_little_exposed(tmp_path: Path) -> None:
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/opt/rowen/bin/rowen", str(Path(sys.executable).with_name("rowen"))))
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--recursive-errors=no", unit], capture_output=True, text=True
    )
    assert (verified.returncode, verified.stderr) == (0, "")
    analyze = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(unit)]
    found = subprocess.run(analyze, capture_output=True, text=True, check=True)
    (exposure,) = re.findall(r"exposure level for rowen\.service: ([\d.]+)", found.stdout)
    assert float(exposure) <= HIGHEST_EXPOSURE
