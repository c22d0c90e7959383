"""Clients of others, each in an environment of its own, which `scripts/install-clients` makes.

Owns how such a client is started next to a server, and how it is called: a driver reads one call a line and writes one
answer a line. Must not know what the calls mean.
"""

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import pytest

_ROOT: Final = Path(__file__).resolve().parents[2]
_INSTALLED: Final = _ROOT / ".venv-clients"
_TESTS: Final = _ROOT / "tests" / "clients"
_NOWHERE: Final = "http://127.0.0.1:9"  # the port of `discard`, where nobody listens
_ISOLATED: Final = {
    "HTTPS_PROXY": _NOWHERE,  # a server under test is reached over http: nothing else is reached at all
    "https_proxy": _NOWHERE,
    "NO_PROXY": "127.0.0.1",
    "AIRBYTE_TELEMETRY_MODE": "disabled",
    "OTEL_SDK_DISABLED": "true",
    "PATH": "/usr/local/bin:/usr/bin:/bin",
}


class ClientError(Exception):
    """An error that a client raised for a call."""


@dataclass(frozen=True, slots=True)
class ForeignClient:
    """A client that runs."""

    calls: IO[str]
    answers: IO[str]

    def call(self, name: str, /, **arguments: Any) -> Any:
        """Make one call and return its result; raise `ClientError` for an error."""
        self.calls.write(json.dumps([name, arguments]) + "\n")
        self.calls.flush()
        line = self.answers.readline()
        assert line, "the driver ended; its traceback is in the captured output"
        answer = json.loads(line)
        if "raised" in answer:
            raise ClientError(answer["raised"])
        return answer["result"]


def python_of(package: str) -> str:
    """Return the interpreter of a package's environment; skip the test if the package is not installed."""
    lock = _TESTS / "packages" / f"{package}.txt"
    if not _is_current(_INSTALLED / "installed" / package, lock):
        pytest.skip(f"{package} is not installed: run scripts/install-clients")
    return str(_INSTALLED / package / "bin" / "python")


def node() -> str:
    """Return Node's interpreter; skip the test if it or the packages for it are not installed."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("Node is not installed")
    if not _is_current(_INSTALLED / "installed" / "npm", _TESTS / "packages" / "npm" / "package-lock.json"):
        pytest.skip("the packages from npm are not installed: run scripts/install-clients")
    return found


def _is_current(installed: Path, lock: Path) -> bool:
    return installed.exists() and installed.read_bytes() == lock.read_bytes()


@contextmanager
def running(
    interpreter: str, driver: str, address: str, home: Path, settings: Mapping[str, str]
) -> Iterator[ForeignClient]:
    """Run a driver with a client's own settings until the end of the block.

    The client finds its packages in `ROWEN_CLIENTS`, the server in `ROWEN_ADDRESS`, and a home directory of its own.
    """
    command: Sequence[str] = (interpreter, str(_TESTS / "drivers" / driver))
    places = {"ROWEN_ADDRESS": address, "ROWEN_CLIENTS": str(_INSTALLED), "HOME": str(home)}
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=home,
        env={**_ISOLATED, **places, **settings},
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield ForeignClient(process.stdin, process.stdout)
        finally:
            process.stdin.close()
            process.wait(60)
