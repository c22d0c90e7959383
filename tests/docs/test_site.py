"""The documentation site: a wheel has it, built without a warning; its links lead somewhere; a server shows it."""

import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib.metadata import version
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.support.documents import DOCUMENTS, ROOT
from tests.support.server import serving
from tests.support.storage import SQLITE

_BUILD_WHEEL: Final = "import build_backend, sys; print(build_backend.build_wheel(sys.argv[1]))"
_LOADED: Final = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}
_TYPES: Final = {
    ".html": "text/html;charset=utf-8",
    ".css": "text/css;charset=utf-8",
    ".js": "text/javascript;charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".txt": "text/plain;charset=utf-8",
}


class _Page(HTMLParser):
    """What a page links to, what it loads, its anchors, and its scripts that are not in files."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()
        self.inline: list[str] = []
        self._in_script = False
        self.feed(file.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self._in_script = tag == "script"
        self.anchors.update(attributes[name] for name in ("id", "name") if name in attributes)
        self.inline += [name for name in attributes if name.startswith("on")]
        if tag in {"a", *_LOADED}:
            address = attributes.get("href", attributes.get("src"))
            if address is not None:
                self.links.append(address)
        if tag in _LOADED and _LOADED[tag] in attributes:
            self.loaded.append(attributes[_LOADED[tag]])

    def handle_data(self, data: str) -> None:
        if self._in_script and data.strip():
            self.inline.append(data)
        self._in_script = False


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with what the wheel installs."""
    folder = tmp_path_factory.mktemp("wheel")
    built = subprocess.run(
        [sys.executable, "-c", _BUILD_WHEEL, folder],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT / "scripts"), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    with zipfile.ZipFile(folder / built.stdout.splitlines()[-1]) as archive:
        archive.extractall(folder / "installed")
    return folder / "installed"


@pytest.fixture(scope="session")
def site(wheel: Path) -> Path:
    """Return the folder of the site."""
    return wheel / "rowen/site"


@pytest.fixture(scope="module")
def client(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Return a client of a server that runs from the wheel."""
    database = SQLITE.new_database(tmp_path_factory.mktemp("database"))
    installed = {"PYTHONPATH": str(wheel)}
    command = (sys.executable, "-P", "-m", "rowen")
    with serving(database, extra_environment=installed, command=command) as server, server.client() as client:
        yield client


def test_links_and_anchors_lead_somewhere(site: Path) -> None:
    pages = {file: _Page(file) for file in site.rglob("*.html")}
    assert len(pages) > len(DOCUMENTS) - 2
    broken = []
    for file, page in pages.items():
        for link in page.links:
            address, _, anchor = link.partition("#")
            if ":" in address or link == "#":
                continue
            target = (file.parent / address.partition("?")[0]).resolve() if address else file
            if target == site / "api":  # the API reference, beside the site
                continue
            if not target.is_file() or (anchor and anchor not in pages[target].anchors):
                broken.append((str(file.relative_to(site)), link))
    assert broken == []


def test_the_site_loads_nothing_from_elsewhere_and_runs_no_inline_script(site: Path) -> None:
    for file in site.rglob("*.html"):
        page = _Page(file)
        assert page.loaded, file
        assert [address for address in page.loaded if ":" in address or address.startswith("//")] == []
        assert page.inline == [], file
    for file in site.rglob("*.css"):
        addresses = re.findall(r"url\([\"']?([^\"')]+)|@import\s+[\"']([^\"']+)", file.read_text())
        assert [each for each in addresses if not each[0].startswith(("data:", "#"))] == [], file


def test_the_site_has_every_document_and_nothing_that_is_not_served(site: Path) -> None:
    documents = [each.relative_to(ROOT / "docs") for each in DOCUMENTS if each.is_relative_to(ROOT / "docs")]
    assert [each for each in documents if not (site / each).with_suffix(".html").is_file()] == []
    assert {file.suffix for file in site.rglob("*") if file.is_file()} <= _TYPES.keys()


def test_a_broken_link_an_unknown_anchor_and_a_page_beside_the_menu_fail_the_build(tmp_path: Path) -> None:
    for name in ("docs", "scripts", "benchmarks/README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, tmp_path / name)
    for page in (tmp_path / "docs").glob("*/*.md"):
        if page.parent.name != "decisions" and page.name != "api.md":
            page.write_text("# A page\n")
    (tmp_path / "docs/index.md").write_text("# Index\n\n[a](reference/nothing.md) [b](reference/api.md#nothing)\n")
    (tmp_path / "docs/reference/forgotten.md").write_text("# Forgotten\n")
    built = subprocess.run(
        [sys.executable, "scripts/build_site.py", "site"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert built.returncode == 1
    for fault in ("reference/nothing.md", "'nothing'", "forgotten.md"):
        assert fault in built.stderr, built.stderr


@pytest.mark.parametrize(("kind", "needed"), [("editable", []), ("wheel", ["furo", "myst-parser", "sphinx"])])
def test_only_a_wheel_waits_for_what_builds_the_site(kind: str, needed: list[str]) -> None:
    printed = subprocess.run(
        [sys.executable, "-c", f"import build_backend; print(*build_backend.get_requires_for_build_{kind}())"],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT / "scripts")},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert [each for each in printed if "editables" not in each] == [f"{name}=={version(name)}" for name in needed]


def test_every_file_is_served_with_its_type_compressed_and_tagged(client: httpx.Client, site: Path) -> None:
    for file in site.rglob("*"):
        if file.is_file():
            address = f"/docs/{file.relative_to(site).as_posix()}"
            answer = client.get(address)
            assert (answer.status_code, answer.headers["content-type"]) == (200, _TYPES[file.suffix]), address
            assert answer.content == file.read_bytes()
            assert "default-src 'self'" in answer.headers["content-security-policy"]
            assert "script-src" not in answer.headers["content-security-policy"]
            packed = client.get(address, headers={"Accept-Encoding": "gzip"})
            assert (packed.content, packed.headers["etag"]) == (answer.content, answer.headers["etag"])
            if len(answer.content) > 1_000 and file.suffix != ".png":
                assert packed.headers["content-encoding"] == "gzip"
            again = client.get(address, headers={"If-None-Match": answer.headers["etag"]})
            assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("address", ["/docs", "/docs/"])
def test_docs_leads_to_the_site_and_from_there_to_the_reference(client: httpx.Client, address: str) -> None:
    first = client.get(address, follow_redirects=True)
    assert (first.status_code, first.url.path) == (200, "/docs/index.html")
    assert 'href="api"' in first.text
    reference = client.get(first.url.join("api"))
    assert (reference.status_code, reference.headers["content-type"]) == (200, "text/html;charset=utf-8")
    assert "swagger-ui" in reference.text


@pytest.mark.parametrize(
    "address", ["/docs/nothing.html", "/docs/how-to", "/docs/how-to/", "/docs/%2e%2e/wiring.py", "/docs//etc/passwd"]
)
def test_nothing_else_is_served(client: httpx.Client, address: str) -> None:
    answer = client.get(address)
    assert (answer.status_code, answer.json()) == (404, {"message": "Resource not found"})


def test_the_site_takes_get_only_and_is_one_route_of_the_metrics(client: httpx.Client) -> None:
    assert client.post("/docs/index.html").status_code == 405
    assert client.head("/docs/index.html").status_code == 200
    assert 'route="/docs/{path}"' in client.get("/metrics").text
