"""Builds Rowen's packages with hatchling, and the documentation site into each wheel (PEP 517).

Owns what a wheel needs more than an editable install: the site, and the packages that build it. An editable install has
neither, so that `make serve` in a fresh clone does not wait for them.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import hatchling.build
from hatchling.build import *  # noqa: F403  (the functions of PEP 517 that stay as they are)
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_SITE_PACKAGES: Final = {"furo", "myst-parser", "sphinx"}


def get_requires_for_build_wheel(config_settings: dict[str, Any] | None = None) -> list[str]:
    """Return what is to be installed before a wheel is built, in the versions that the site is tested with."""
    pins = [line.partition(" ")[0] for line in Path("constraints.txt").read_text().splitlines()]
    site = [pin for pin in pins if pin.partition("==")[0] in _SITE_PACKAGES]
    return [*hatchling.build.get_requires_for_build_wheel(config_settings), *site]


class SiteHook(BuildHookInterface[Any]):
    """Puts the site into a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the site, unless the install is editable."""
        if version == "editable":
            return
        self._folder = tempfile.TemporaryDirectory()
        subprocess.run([sys.executable, f"{self.root}/scripts/build_site.py", self._folder.name], check=True)
        build_data["force_include"][self._folder.name] = "rowen/site"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002  (hatch's shape)
        """Remove what was built: the wheel has it."""
        if version != "editable":
            self._folder.cleanup()
