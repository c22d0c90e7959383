"""Schemathesis, run over the OpenAPI document of a server.

Owns how it is configured and started, and how much of its work is done (`scale.py`). Must not know an operation.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from rowen.api.operations import OPERATIONS
from tests.support.scale import sample
from tests.support.server import Server
from tests.support.storage import Storage

_EXAMPLES: Final = 20
_SAMPLE: Final = 4  # it has creating and changing interviews, and not the largest bodies
_WITHOUT_BOUNDARIES: Final = "\n[phases.coverage]\nenabled = false\n"
_COUNTED: Final = re.compile(r"([0-9]+) generated, ([0-9]+) passed")


def configured(text: str, storage: Storage) -> str:
    """Return a configuration for an engine, with as many examples as the scale asks for.

    The boundaries of each schema are four fifths of the work. No engine affects them: they are tried on one only, and
    below the full scale for a sample of the operations.
    """
    text = text.replace(f"max-examples = {_EXAMPLES}\n", f"max-examples = {storage.scaled(_EXAMPLES)}\n")
    if storage.portion < 1:
        return text + _WITHOUT_BOUNDARIES
    tried = [f"{each.method} {each.path}" for each in sample(OPERATIONS, _SAMPLE)]
    return f"{text}\n[[operations]]\nexclude-name = {json.dumps(tried)}\nphases.coverage.enabled = false\n"


def violations(server: Server, configuration: str, folder: Path, *options: str) -> str:
    """Return what a run reports, "" if every generated request passed every check."""
    file = folder / "schemathesis.toml"
    file.write_text(configuration)
    command = (sys.executable, "-m", "schemathesis.cli", "--config-file", file)
    wanted = ("run", f"{server.url}/openapi.json", "--checks", "all", "--no-color", "--suppress-health-check", "all")
    done = subprocess.run([*command, *wanted, *options], cwd=folder, capture_output=True, text=True, check=False)
    counted = _COUNTED.search(done.stdout)
    is_sound = done.returncode == 0 and counted is not None and counted[1] == counted[2]
    return "" if is_sound else done.stdout + done.stderr
