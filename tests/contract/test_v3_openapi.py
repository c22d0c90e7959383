"""The OpenAPI document is true of Harvest v3 (Schemathesis with all its checks).

Lists differ in their names, parameters and fields: some of them stand for all.
"""

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from rowen.api import examples
from tests.support.harness import Harness
from tests.support.storage import Storage
from tests.support.tokens import new_token

pytestmark = pytest.mark.slow

CONFIGURATION: Final = Path(__file__).with_name("schemathesis_v3.toml")
TRIED: Final = "^/v3/(interviews|interviewers|applications|users|offers|departments|application_stages|jobs)(/|$)"


@pytest.mark.heavy
def test_schemathesis_finds_nothing(storage: Storage, harness: Harness, tmp_path: Path) -> None:
    text = CONFIGURATION.read_text().replace("max-examples = 20\n", f"max-examples = {storage.scaled(20)}\n")
    if storage.portion < 1:
        text += "\n[phases.coverage]\nenabled = false\n"  # the boundaries of each schema, which no engine affects
    configuration = tmp_path / "schemathesis.toml"
    configuration.write_text(text)
    tenant = harness.tenant()
    tenant.merge([examples.TIMED, examples.ALL_DAY])
    for resource, example in (("applications", examples.APPLICATION), ("users", examples.USER)):
        tenant.merge_records(resource, [example])
    token = new_token(tenant)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", configuration),
            *("run", f"{harness.server.url}/openapi.json", "--header", f"Authorization: Bearer {token}"),
            *("--include-path-regex", TRIED, "--checks", "all", "--no-color", "--suppress-health-check", "all"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    counted = re.search(r"([0-9]+) generated, ([0-9]+) passed", done.stdout)
    assert counted is not None, done.stdout
    assert int(counted[1]) == int(counted[2]) > (300 if storage.portion == 1 else 50)
