"""Makes the pictures of the documents: pages of the demo, at a fixed time: `screenshots.py [FOLDER]`.

Owns which pages are shown, and the clock of the server. Must not know how a page is made. The demo is the same for the
same day, so that the pictures change only with the pages.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

import httpx
from playwright.sync_api import Browser, FloatRect, Page, sync_playwright

ROOT: Final = Path(__file__).parents[1]
_NOW: Final = datetime(2026, 12, 2, 10, 20, tzinfo=UTC)
_START_SECONDS: Final = 60
_MARGIN: Final = 16
"""Around a part of a page, in CSS pixels."""
# Python imports this module before anything else, in every process of the server.
_CLOCK: Final = """
import time
_real, _ahead = time.time_ns, {now} - time.time_ns()
time.time_ns = lambda: _real() + _ahead
"""


class Picture(NamedTuple):
    """A picture: its name, who sees which page, and the window.

    `clicks` open something, one after the other; `ready` is there then. `part` is the element shown, or else all.
    """

    name: str
    role: str
    path: str
    ready: str
    width: int = 1440
    height: int = 860
    scheme: str = "light"
    clicks: tuple[str, ...] = ()
    part: str = ""


PICTURES: Final = (
    Picture("board", "coordinator", "/?view=week&rows=people", "#board .ec-event"),
    Picture(
        "board-interview",
        "coordinator",
        "/?view=week&rows=people",
        "#aside h1",
        scheme="dark",
        clicks=("#board .ec-event >> nth=2",),
    ),
    Picture("board-calendar", "coordinator", "/?view=week&rows=time", "#board .ec-event"),
    Picture(
        "find-a-time",
        "coordinator",
        "/interviews/new?application=4700150&interview=7004",
        ".slots button",
        width=720,
        height=2400,  # nothing scrolls below the bar at the top
        clicks=(".finder summary", ".finder > button"),
        part=".finder",
    ),
    Picture("my-interviews", "interviewer", "/me", ".invitation", width=390, height=760),
)


@contextmanager
def served() -> Iterator[str]:
    """Serve the demo at the fixed time; yield its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        nanoseconds = int(_NOW.timestamp() * 1_000_000_000)
        Path(folder, "sitecustomize.py").write_text(_CLOCK.format(now=nanoseconds), encoding="utf-8")
        path = os.pathsep.join([folder, str(ROOT / "src")])
        command = [sys.executable, "-m", "rowen", "serve", "--demo", "--port", str(port)]
        quiet = subprocess.DEVNULL
        process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": path}, stdout=quiet, stderr=quiet)
        try:
            _await(f"{address}/healthz")
            yield address
        finally:
            process.terminate()
            process.wait()


def _await(address: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        try:
            if httpx.get(address).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise SystemExit("The demo did not start")


def take(browser: Browser, address: str, picture: Picture, folder: Path) -> None:
    """Take a picture."""
    window = {"width": picture.width, "height": picture.height}
    with browser.new_context(
        viewport=window, color_scheme=picture.scheme, locale="en-US", timezone_id="UTC", reduced_motion="reduce"
    ) as context:
        page = context.new_page()
        page.clock.set_fixed_time(_NOW)
        page.goto(address)
        page.click(f"button[value={picture.role}]")
        page.wait_for_selector(".menu")
        page.goto(address + picture.path)
        for each in picture.clicks:
            page.click(each)
        page.wait_for_selector(picture.ready)
        page.wait_for_load_state("load")
        page.evaluate("document.fonts.ready")
        page.screenshot(path=folder / f"{picture.name}.png", clip=_around(page, picture.part) if picture.part else None)


def _around(page: Page, part: str) -> FloatRect:
    """Return where an element is, with a margin."""
    box = page.locator(part).bounding_box()
    if box is None:
        raise SystemExit(f"The page shows no {part}")
    size = 2 * _MARGIN
    return {
        "x": box["x"] - _MARGIN,
        "y": box["y"] - _MARGIN,
        "width": box["width"] + size,
        "height": box["height"] + size,
    }


def main() -> None:
    """Take all pictures."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs/images"
    folder.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("Chromium is not installed: scripts/test does it as root")
    with served() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for picture in PICTURES:
            take(browser, address, picture, folder)
        browser.close()
    print(*(f"{each.name}.png" for each in PICTURES), "in", re.sub(f"^{re.escape(str(ROOT))}/", "", str(folder)))


if __name__ == "__main__":
    main()
