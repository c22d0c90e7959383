"""Unreleased code and each release have versions of their own, and only a release is built for publishing."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from packaging.version import Version

from rowen import __version__
from tests.support.documents import ROOT

RELEASES = [
    Version(found) for found in re.findall(r"^## \[(\d.*?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
]


def test_unreleased_code_has_a_version_of_its_own() -> None:
    version = Version(__version__)
    assert str(version) == __version__, "not written as PEP 440 wants it"
    if version.is_devrelease:
        assert version > max(RELEASES)
        assert "## [Unreleased]" in (ROOT / "CHANGELOG.md").read_text()
    else:
        assert version == max(RELEASES), "a version without .dev0 must be the newest release of the changelog"


@pytest.mark.parametrize(
    ("version", "message"),
    [
        ("0.3.0.dev0", "0.3.0.dev0 is the version of unreleased code: remove .dev0 in src/rowen/__init__.py"),
        ("0.3.0", "CHANGELOG.md has no section [0.3.0]"),
    ],
)
def test_unreleased_code_is_not_built_for_publishing(tmp_path: Path, version: str, message: str) -> None:
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts/release", tmp_path / "scripts")
    (tmp_path / "src/rowen").mkdir(parents=True)
    (tmp_path / "src/rowen/__init__.py").write_text(f'__version__ = "{version}"\n')
    (tmp_path / "CHANGELOG.md").write_text("## [Unreleased]\n\n## [0.2.0] - 2026-12-01\n")
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
    for command in (("init", "--quiet"), ("add", "."), (*identity, "commit", "--quiet", "--message", "Test")):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    done = subprocess.run(["scripts/release"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, message + "\n")
