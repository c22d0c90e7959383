"""Every package that Rowen needs is locked to one version, under a permissive licence."""

import json
import re
import tomllib
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.documents import ROOT

_PERMISSIVE: Final = re.compile(r"MIT|BSD|Apache|MPL|Mozilla Public License|PSF|Python Software Foundation|ISC")
_CLASSIFIER: Final = "License :: OSI Approved :: "
LOCKED: Final = {
    canonicalize_name(requirement.name): requirement
    for line in (ROOT / "constraints.txt").read_text().splitlines()
    if (text := line.partition("#")[0].strip())
    for requirement in [Requirement(text)]
}
CLIENTS: Final = sorted((ROOT / "tests/clients/packages").glob("*.txt"))
PYPROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_the_lock_has_one_version_of_each_package_and_no_address() -> None:
    for requirement in LOCKED.values():
        assert [each.operator for each in requirement.specifier] == ["=="], requirement
    assert "://" not in (ROOT / "constraints.txt").read_text()


@pytest.mark.parametrize("lock", CLIENTS, ids=lambda path: path.name)
def test_the_locks_of_clients_have_exact_versions_and_no_address(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    pins = [line.partition("#")[0] for line in text.splitlines() if line.partition("#")[0].strip()]
    assert all(Requirement(pin).specifier for pin in pins)
    assert lock.stem in {pin.split()[0].replace("==", "-") for pin in pins}


def test_the_lock_of_clients_from_npm_has_no_address() -> None:
    folder = ROOT / "tests/clients/packages/npm"
    locked = json.loads((folder / "package-lock.json").read_text())["packages"]
    assert not [name for name, package in locked.items() if "resolved" in package]
    for name, version in json.loads((folder / "package.json").read_text())["dependencies"].items():
        assert locked[f"node_modules/{name}"]["version"] == version


def test_the_lock_has_what_the_project_asks_for() -> None:
    asked = [*PYPROJECT["project"]["dependencies"], *PYPROJECT["dependency-groups"]["dev"]]
    for requirement in map(Requirement, asked):
        (pin,) = LOCKED[canonicalize_name(requirement.name)].specifier
        assert requirement.specifier.contains(pin.version), requirement


def test_the_licences_of_all_locked_packages_are_permissive() -> None:
    installed = {canonicalize_name(each.name): each for each in distributions()}
    missing = [name for name, each in LOCKED.items() if name not in installed and not each.marker]
    assert not missing, "run `make .venv/dev`"
    licences = {name: _licences(installed[name]) for name in LOCKED if name in installed}
    assert {name: text for name, text in licences.items() if not _is_permissive(text)} == {}


def _licences(package: Distribution) -> list[str]:
    """Return the licences that a package may be used under, and those that hold together in one text."""
    expressions = package.metadata.get_all("License-Expression")
    if expressions:
        return str(expressions[0]).split(" OR ")
    named = [text for text in package.metadata.get_all("Classifier") or () if text.startswith(_CLASSIFIER)]
    texts = package.metadata.get_all("License") or [package.read_text("licenses/LICENSE") or "unknown"]
    return [each.removeprefix(_CLASSIFIER) for each in named] or [texts[0].splitlines()[0]]


def _is_permissive(licences: list[str]) -> bool:
    """Return whether one of the licences is permissive, with all that holds together with it."""
    return any(all(_PERMISSIVE.search(part) for part in text.split(" AND ")) for text in licences)
