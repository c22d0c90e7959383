"""Builds Rowen's packages with hatchling; each wheel has the documentation site and the board's calendar (PEP 517).

Owns what a wheel needs more than an editable install: the site, the files of npm, and the packages that make them. An
editable install has none, so that `make serve` in a fresh clone does not wait for the site; `scripts/install` installs
the calendar.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import hatchling.build
from hatchling.build import *  # noqa: F403  (the functions of PEP 517 that stay as they are)
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).parent))
from install_assets import ASSETS, NODE, install, is_current

_SITE_PACKAGES: Final = {"furo", "myst-parser", "sphinx"}


def get_requires_for_build_wheel(config_settings: dict[str, Any] | None = None) -> list[str]:
    """Return what is to be installed before a wheel is built, in the versions that the site is tested with."""
    pins = [line.partition(" ")[0] for line in Path("constraints.txt").read_text().splitlines()]
    site = [pin for pin in pins if pin.partition("==")[0] in _SITE_PACKAGES]
    node = [] if shutil.which("npm") or is_current() else [NODE]
    return [*hatchling.build.get_requires_for_build_wheel(config_settings), *site, *node]


class SiteHook(BuildHookInterface[Any]):
    """Puts the site and the board's calendar into a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the site, and install the calendar, unless the install is editable."""
        if version == "editable":
            return
        self._folder = tempfile.TemporaryDirectory()
        site, installed = Path(self._folder.name, "site"), Path(self._folder.name, "installed")
        subprocess.run([sys.executable, f"{self.root}/scripts/build_site.py", str(site)], check=True)
        if is_current():
            shutil.copytree(ASSETS, installed)
        else:
            install(installed)
        build_data["force_include"][f"{self._folder.name}/site"] = "rowen/site"
        build_data["force_include"][f"{self._folder.name}/installed"] = "rowen/web/installed"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002  (hatch's shape)
        """Remove what was built: the wheel has it."""
        if version != "editable":
            self._folder.cleanup()
