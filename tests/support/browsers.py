"""A real browser, the distribution's Chromium, and what went wrong in its tabs."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.support.server import Server

CHROMIUM: Final = shutil.which("chromium")
_GRAVE: Final = ("serious", "critical")
_MILLISECONDS: Final = 60_000
"""How long anything may take, on a machine that also does other things."""

expect.set_options(timeout=_MILLISECONDS)


@contextmanager
def launched() -> Iterator[Browser]:
    """Launch the browser, until the end of the block."""
    with sync_playwright() as playwright:
        # Tests may run as root, where Chromium has no sandbox.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Tab:
    """A tab of the browser, and everything that went wrong in it."""

    page: Page
    url: str
    has_scripts: bool = True
    wrong: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        """Open a page of the server."""
        self.page.goto(self.url + path)

    def follow(self, selector: str) -> None:
        """Click something that leads to another page, and wait until that page is loaded."""
        with self.page.expect_navigation():
            self.page.click(selector)

    def sign_in(self, role: str) -> None:
        """Sign in to the demo by its button, and wait for the page that the role sees first."""
        self.open("/")
        self.follow(f"button[value={role}]")
        if role == "interviewer":
            self.page.wait_for_url("**/me")
        else:
            self.wait_for_board()

    def wait_for_board(self) -> None:
        """Wait for the board, or without scripts for the agenda to which its page leads on."""
        if not self.has_scripts:
            self.page.wait_for_url("**view=agenda**")
        self.page.wait_for_selector(".menu")

    def check(self) -> None:
        """Require that everybody can use the page once it is loaded: it is accessible, and as wide as the window."""
        self.page.wait_for_load_state()
        where = f"{self.page.url} at {self.page.viewport_size}"
        found: list[dict[str, Any]] = Axe().run(self.page).response["violations"]
        grave = [(each["id"], [node["html"] for node in each["nodes"]]) for each in found if each["impact"] in _GRAVE]
        assert grave == [], (where, grave)
        assert self.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), where


@contextmanager
def opened(browser: Browser, server: Server, **options: Any) -> Iterator[Tab]:
    """Open a tab without a session; anything that went wrong in it by the end of the block fails the test.

    Language and time zone are not those of the machine.
    """
    with browser.new_context(**{"locale": "en-US", "timezone_id": "UTC", **options}) as context:
        context.set_default_timeout(_MILLISECONDS)
        tab = Tab(context.new_page(), server.url, options.get("java_script_enabled", True))
        tab.page.on("pageerror", lambda error: tab.wrong.append(str(error)))
        tab.page.on("console", lambda said: tab.wrong.append(said.text) if said.type in ("error", "warning") else None)
        context.on("request", lambda sent: None if sent.url.startswith(server.url) else tab.wrong.append(sent.url))
        yield tab
        assert tab.wrong == []
