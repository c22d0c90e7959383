"""The pages in a real browser, on the demo: what people can do there, and whether everybody can."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.server import Server, serving
from tests.support.storage import SQLITE, Storage

_CHROMIUM: Final = shutil.which("chromium")
_GRAVE: Final = ("serious", "critical")

pytestmark = pytest.mark.skipif(_CHROMIUM is None, reason="Chromium is not installed: scripts/test does it as root")


@pytest.fixture(scope="session")
def storage() -> Storage:
    """Return the engine of these tests: browsers see no difference."""
    return SQLITE


@pytest.fixture(scope="module")
def server(storage: Storage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a server of the demo."""
    with serving(storage.new_database(tmp_path_factory.mktemp("demo")), ["--demo"]) as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return the distribution's browser."""
    with sync_playwright() as playwright:
        # Tests may run as root, where Chromium has no sandbox.
        browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Tab:
    """A tab of the browser, and everything that went wrong in it."""

    page: Page
    url: str
    wrong: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        """Open a page of the server."""
        self.page.goto(self.url + path)

    def sign_in(self, role: str) -> None:
        """Sign in to the demo by its button."""
        self.open("/")
        self.page.click(f"button[value={role}]")

    def check(self) -> None:
        """Require that everybody can use the page as it is now: it is accessible, and as wide as the window."""
        where = f"{self.page.url} at {self.page.viewport_size}"
        found: list[dict[str, Any]] = Axe().run(self.page).response["violations"]
        grave = [(each["id"], [node["html"] for node in each["nodes"]]) for each in found if each["impact"] in _GRAVE]
        assert grave == [], where
        assert self.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), where


@contextmanager
def opened(browser: Browser, server: Server, **options: Any) -> Iterator[Tab]:
    """Open a tab without a session; anything that went wrong in it by the end of the block fails the test."""
    with browser.new_context(**{"locale": "en-US", **options}) as context:
        context.set_default_timeout(60_000)
        tab = Tab(context.new_page(), server.url)
        tab.page.on("pageerror", lambda error: tab.wrong.append(str(error)))
        tab.page.on("console", lambda said: tab.wrong.append(said.text) if said.type in ("error", "warning") else None)
        context.on("request", lambda sent: None if sent.url.startswith(server.url) else tab.wrong.append(sent.url))
        yield tab
        assert tab.wrong == []


@pytest.mark.parametrize(
    ("width", "scheme", "locale"), [(1440, "light", "en-US"), (1024, "light", "de-DE"), (390, "dark", "de-DE")]
)
def test_everybody_can_use_every_page(browser: Browser, server: Server, width: int, scheme: str, locale: str) -> None:
    window = {"width": width, "height": 900}
    with opened(browser, server, viewport=window, color_scheme=scheme, locale=locale) as tab:
        for path in ("/", "/sign-in"):
            tab.open(path)
            tab.check()
        tab.sign_in("coordinator")
        tab.check()
        tab.page.click(".row .name >> nth=0")
        tab.check()
        tab.page.click(".menu summary")
        tab.check()
        for path in ("/preferences", "/?search=nobody", "/me"):
            tab.open(path)
            tab.check()
    with opened(browser, server, viewport=window, color_scheme=scheme, locale=locale) as tab:
        tab.sign_in("interviewer")
        tab.open("/me")
        tab.check()


def test_refusals_have_pages_that_everybody_can_read(browser: Browser, server: Server) -> None:
    with opened(browser, server) as tab:
        for path in ("/nothing", "/sign-in/1.unknown"):
            tab.open(path)
            tab.check()
        assert len(tab.wrong) == 2, "the console names the status"
        tab.wrong.clear()


def test_an_interviewer_answers_on_a_phone_without_javascript(browser: Browser, server: Server) -> None:
    with opened(browser, server, java_script_enabled=False, viewport={"width": 390, "height": 800}) as tab:
        tab.sign_in("interviewer")
        tab.page.click("nav >> text=My interviews")
        for answer in ("Decline", "Accept"):
            tab.page.click(f".reply >> nth=0 >> text={answer}")
            assert tab.page.url == f"{server.url}/me"
            pressed = tab.page.locator(".reply >> nth=0 >> [aria-pressed=true]")
            assert pressed.inner_text() == answer
        tab.page.click(".invitation:has(.reply) .name >> nth=0")
        assert "Answer of Kate Austen" in tab.page.inner_text(".history")


def test_a_coordinator_finds_an_interview_by_keyboard(browser: Browser, server: Server) -> None:
    with opened(browser, server) as tab:
        page = tab.page
        tab.open("/")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.focus("button[value=coordinator]")
        page.keyboard.press("Enter")
        page.wait_for_selector(".rows")
        name = page.inner_text(".row .name >> nth=0")
        page.focus("input[type=search]")
        page.keyboard.type(name)
        page.keyboard.press("Enter")
        page.wait_for_url("**search=*")
        assert set(page.locator(".row .name").all_inner_texts()) == {name}
        page.focus(".row .name >> nth=0")
        page.keyboard.press("Enter")
        page.wait_for_selector(".facts")
        assert page.inner_text("h1") == name
        page.focus(".menu summary")
        page.keyboard.press("Enter")
        page.focus(".sheet .plain")
        page.keyboard.press("Enter")
        page.wait_for_selector("text=Try the demo")


def test_the_session_is_out_of_the_reach_of_scripts_and_opens_the_api(browser: Browser, server: Server) -> None:
    with opened(browser, server) as tab:
        tab.sign_in("coordinator")
        assert "rowen_" not in tab.page.evaluate("document.cookie")
        call = """async ([method, token]) => (await fetch("/rowen/v1/jobs", {
            method, headers: {"Content-Type": "application/json", "X-CSRF-Token": token}, body: '{"name": "Pilot"}'
        })).status"""
        token = tab.page.get_attribute("meta[name=csrf-token]", "content")
        assert tab.page.evaluate(call, ["POST", token]) == 200
        assert tab.page.evaluate(call, ["POST", ""]) == 403
        assert len(tab.wrong) == 1, "the console names the status"
        tab.wrong.clear()
