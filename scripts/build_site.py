"""Builds the documentation site from docs/ and the project's other documents: `build_site.py [FOLDER]`.

Owns which documents the site has, and where. Must not know how the site looks: see docs/conf.py.
"""

import os
import re
import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Final

from sphinx.cmd.build import build_main

ROOT: Final = Path(__file__).parents[1]
SITE: Final = ROOT / "src/rowen/site"
"""Where `rowen serve` finds the site. It goes into the wheel, and is never committed."""
_OTHERS: Final = {
    "CHANGELOG.md": "project/changes.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "SECURITY.md": "project/vulnerabilities.md",
    "benchmarks/README.md": "project/figures.md",
}
_LINK: Final = re.compile(r"\[([^\]]*)\]\(([^)\s#:]+)(#[^)\s]*)?\)")
_NOT_SERVED: Final = (".buildinfo", "objects.inv", "_static/**/*.map")


def build(site: Path) -> int:
    """Build the site in `site`, whose contents are replaced. Return 0, or 1 where Sphinx warned or failed."""
    with tempfile.TemporaryDirectory() as folder:
        _collect(Path(folder, "pages"))
        shutil.rmtree(site, ignore_errors=True)
        status = build_main(["-q", "-W", "--keep-going", "-d", f"{folder}/doctrees", f"{folder}/pages", str(site)])
    for pattern in _NOT_SERVED:
        for file in site.glob(pattern):
            file.unlink()
    return status


def _collect(pages: Path) -> None:
    """Copy the documents to where the site has them."""
    shutil.copytree(ROOT / "docs", pages)
    places = {(ROOT / name).resolve(): pages / place for name, place in _OTHERS.items()}
    places |= {document: pages / document.relative_to(ROOT / "docs") for document in (ROOT / "docs").rglob("*.md")}
    for document, place in places.items():
        place.parent.mkdir(exist_ok=True)
        place.write_text(_LINK.sub(partial(_moved, document=document, places=places), document.read_text()))


def _moved(link: re.Match[str], *, document: Path, places: dict[Path, Path]) -> str:
    """Return a link as it leads within the site; of one to a file that the site does not have, only the text."""
    text, address, anchor = link.groups(default="")
    target = (document.parent / address).resolve()
    if target in places:
        return f"[{text}]({os.path.relpath(places[target], places[document].parent)}{anchor})"
    within = document.is_relative_to(ROOT / "docs") and target.is_relative_to(ROOT / "docs")
    return link[0] if within else text  # Sphinx judges what is within, pictures too


if __name__ == "__main__":
    sys.exit(build(Path(sys.argv[1]) if len(sys.argv) > 1 else SITE))
