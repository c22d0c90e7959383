"""Forms in a real browser, on the demo: by keyboard, on a phone, without JavaScript, for everybody."""

import re
from datetime import date, timedelta
from typing import Any, Final
from urllib.parse import urlencode

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from rowen.demo.key import DEMO_KEY
from tests.support.browsers import Tab, opened
from tests.support.hiring_teams import accepted
from tests.support.scale import sample
from tests.support.server import Server

_SECTIONS: Final = (
    *("people", "people/list", "hours", "pools", "jobs", "rooms", "keys", "webhooks", "sign-in", "organization"),
)
_APPLICATION: Final = 4684156
_HOSTILE: Final = """<img src=x onerror=alert(1)></script>"'{{7*7}} """ + "\u202eW" * 60
_INTERVIEW: Final = re.compile(r"/interviews/\d+$")
_DAY: Final = (date.today() + timedelta(days=9)).isoformat()


def _to_panel(tab: Tab) -> None:
    """Go to the last step for the first candidate and the first interview of the plan."""
    tab.open("/interviews/new")
    for _ in range(2):
        tab.follow(".choices a >> nth=0")


def _send_empty(tab: Tab) -> None:
    """Send the form of the page as it is: it is refused, and its first wrong field has the focus."""
    tab.follow("form.fields button.primary >> visible=true >> nth=0")
    expect(tab.page.locator(":focus")).to_have_attribute("aria-invalid", "true")
    tab.check()


@pytest.mark.parametrize(
    ("width", "scheme", "locale"),
    sample([(1440, "light", "en-US"), (1024, "dark", "de-DE"), (390, "light", "de-DE")], 0),
)
def test_everybody_can_use_every_form(browser: Browser, server: Server, width: int, scheme: str, locale: str) -> None:
    window = {"width": width, "height": 900}
    with opened(browser, server, viewport=window, color_scheme=scheme, locale=locale) as tab:
        tab.sign_in("admin")
        for name in _SECTIONS:
            tab.open(f"/settings/{name}")
            tab.check()
        for name in ("jobs", "rooms", "people", "pools"):
            tab.open(f"/settings/{name}")
            tab.page.evaluate("document.querySelectorAll('details.add').forEach((each) => { each.open = true })")
            tab.check()
            _send_empty(tab)
        for name in ("people", "hours", "pools", "jobs"):
            tab.open(f"/settings/{name}")
            tab.follow(".links a >> nth=1" if name == "people" else ".links a >> nth=0")
            tab.page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true })")
            tab.check()
        job = tab.page.url
        tab.follow(".stage .links a >> nth=0")
        tab.check()
        tab.follow("button[value=remove]")
        tab.check()
        tab.page.goto(job)
        tab.follow(".stage h2 a >> nth=1")
        tab.check()
        _list_with_links(tab, width)
        tab.open("/interviews/new?search=nobody+at+all")
        tab.check()
        _to_panel(tab)
        tab.check()
        tab.follow(".actions button.primary")
        expect(tab.page.locator(":focus")).to_have_attribute("aria-invalid", "true")
        tab.check()
        _forgive_refusals(tab)


@pytest.mark.parametrize(
    ("width", "scheme", "locale"),
    sample([(1440, "dark", "en-US"), (1024, "light", "de-DE"), (390, "dark", "de-DE")], 1),
)
def test_everybody_can_use_pages_of_what_was_added_whatever_it_is_called(
    browser: Browser, server: Server, width: int, scheme: str, locale: str
) -> None:
    paths = _added(server, f"{_HOSTILE} {width}")
    window = {"width": width, "height": 900}
    with opened(browser, server, viewport=window, color_scheme=scheme, locale=locale) as tab:
        tab.sign_in("admin")
        for path in paths:
            tab.open(path)
            tab.check()
            assert tab.page.locator("img[src=x]").count() == 0, path
        tab.follow(".links a[href*='/deliveries/'] >> nth=0")
        tab.check()
        tab.open(f"/interviews/new?application={_APPLICATION}")
        tab.follow("main a[href$='/booking-link']")
        tab.check()
        tab.follow("p.actions button[value='make']")
        expect(tab.page.locator("input[value*='/book/']")).to_have_count(1)
        tab.check()


def _added(server: Server, name: str) -> tuple[str, ...]:
    """Add a room, a pool, a user, an interview and a webhook that gets it; return the pages that show them."""
    with httpx.Client(base_url=server.url, auth=(DEMO_KEY, ""), headers={"On-Behalf-Of": "2000"}) as client:

        def add(path: str, **fields: Any) -> int:
            identifier: int = accepted(client.post(path, json=fields))["id"]
            return identifier

        room = add("/rowen/v1/rooms", name=name, site=name, features=[name])
        person = {"first_name": name, "last_name": "X", "email": f"x{name[-4:].strip()}@x.example"}
        user = client.post("/v1/users", json=person).raise_for_status().json()
        pool = add("/rowen/v1/pools", name=name, members=[{"user_id": user["id"], "tags": [name]}])
        hook = add("/rowen/v1/webhooks", url="https://nowhere.invalid/" + "x" * 500, actions=["interview_scheduled"])
        interview = {"application_id": _APPLICATION, "interview_id": 7001, "external_event_id": name[-4:]}
        times = {"start": f"{_DAY}T05:00:00Z", "end": f"{_DAY}T06:00:00Z", "location": name}
        panel = [{"user_id": user["id"], "response_status": "needs_action"}]
        add("/v2/scheduled_interviews", **interview, **times, interviewers=panel)
    search = f"/interviews?{urlencode({'search': name})}"
    one = (f"/settings/rooms/{room}", f"/settings/pools/{pool}")
    return ("/settings/rooms", "/settings/pools", *one, search, "/settings/webhooks", f"/settings/webhooks/{hook}")


def _open_rooms(tab: Tab) -> None:
    """Open the rooms, with the form for another one."""
    tab.open("/settings/rooms")
    tab.page.evaluate("document.querySelectorAll('details.add').forEach((each) => { each.open = true })")


def _list_with_links(tab: Tab, width: int) -> None:
    """Add a list of people, with a preview and then their links."""
    tab.open("/settings/people/list")
    tab.page.fill("#lines", f"Jo Ray, jo{width}@example.com\nHugo, hugo.reyes@example.com")
    tab.page.select_option("#role", "interviewer")
    tab.follow("button[value=preview]")
    expect(tab.page.locator("table")).to_be_visible()
    tab.check()
    tab.follow("button[value=store]")
    expect(tab.page.locator("#link-1")).to_have_value(re.compile("/sign-in/"))
    tab.check()


def _forgive_refusals(tab: Tab) -> None:
    """Forget the lines of the console that name the status of a form with mistakes."""
    assert all("422" in each for each in tab.wrong), tab.wrong
    tab.wrong.clear()


def test_an_interview_is_scheduled_by_keyboard_alone(browser: Browser, server: Server) -> None:
    with opened(browser, server, locale="en-GB") as tab:
        tab.sign_in("coordinator")
        page, keyboard = tab.page, tab.page.keyboard
        page.wait_for_selector(".new")
        _tab_to(page, "New interview")
        keyboard.press("Enter")
        page.wait_for_url("**/interviews/new")
        expect(page.locator("[name=search]")).to_be_focused()  # which it gets once it is drawn
        keyboard.type("software")
        keyboard.press("Enter")
        page.wait_for_url("**search=software")
        candidate = page.inner_text(".choices b >> nth=0")
        _tab_to(page, candidate)
        keyboard.press("Enter")
        page.wait_for_url("**application=*")
        page.wait_for_selector("text=min")
        page.focus(".choices a >> nth=0")
        keyboard.press("Enter")
        page.wait_for_selector("#day")
        page.focus("#day")
        year, month, day = _DAY.split("-")  # the browser's own language decides how a day is typed
        keyboard.type(f"{month}{day}{year}")
        keyboard.press("Tab")
        page.focus("#start")
        keyboard.type("0915AM")
        page.focus("#minutes")
        keyboard.press("Enter")  # presses Schedule, not Search
        page.wait_for_url(_INTERVIEW)
        expect(page.locator("h1")).to_contain_text(candidate)
        expect(page.locator("main")).to_contain_text("09:15")


def _tab_to(page: Page, name: str) -> None:
    """Press Tab until the element with a name has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if name in (page.evaluate("document.activeElement.textContent") or ""):
            return
    raise AssertionError(f"{name} cannot be reached")


def test_an_interview_is_scheduled_on_a_phone_without_javascript(browser: Browser, server: Server) -> None:
    with opened(browser, server, java_script_enabled=False, viewport={"width": 390, "height": 800}) as tab:
        tab.sign_in("coordinator")
        page = tab.page
        _to_panel(tab)
        page.fill("#find", "hugo")
        with page.expect_navigation():
            page.press("#find", "Enter")
        page.get_by_label("Hugo Reyes").check()
        page.fill("#find", "")
        tab.follow("button[value=find]")
        expect(page.get_by_label("Hugo Reyes")).to_be_checked()
        page.click("text=Add a person")
        page.fill("#person_name", "New Hire")
        page.fill("#person_email", "new.hire@example.com")
        page.fill("#day", _DAY)
        page.fill("#start", "15:00")
        tab.follow("button[value=person]")
        expect(page.get_by_label("New Hire")).to_be_checked()
        expect(page.locator("#start")).to_have_value("15:00")
        page.locator(".actions button[value=schedule]").click()
        page.wait_for_url(_INTERVIEW)
        for name in ("Hugo Reyes", "New Hire"):
            expect(page.locator("main")).to_contain_text(name)


def test_scripts_find_people_and_read_files(browser: Browser, server: Server) -> None:
    with opened(browser, server) as tab:
        tab.sign_in("admin")
        page = tab.page
        _to_panel(tab)
        page.fill("#find", "kate")
        expect(page.get_by_label("Kate Austen")).to_be_visible()
        expect(page.get_by_label("Rose Nadler")).to_be_hidden()
        page.press("#find", "Enter")
        assert "/interviews/new" in page.url
        tab.open("/settings/people/list")
        content = b"Name,Mail\nJo Ray,jo.ray@example.com\nBen\n"
        page.set_input_files("#file", {"name": "people.csv", "mimeType": "text/csv", "buffer": content})
        expect(page.locator("#lines")).to_have_value(content.decode())
        page.get_by_role("button", name="Check the list").click()
        expect(page.locator("table")).to_contain_text("Has no e-mail address")
        expect(page.locator("#lines")).to_have_value(content.decode())
        _forgive_refusals(tab)


def test_a_form_that_cannot_be_delivered_keeps_what_was_typed(browser: Browser, server: Server) -> None:
    with opened(browser, server) as tab:
        tab.sign_in("admin")
        page = tab.page
        _open_rooms(tab)
        page.fill("#name", "Cedar")
        page.context.set_offline(True)
        page.get_by_role("button", name="Add").click()
        expect(page.get_by_role("alert")).to_contain_text("cannot be reached")
        expect(page.locator("#name")).to_have_value("Cedar")
        page.context.set_offline(False)
        page.get_by_role("button", name="Add").click()
        expect(page.get_by_role("link", name="Cedar")).to_be_visible()
        assert all("ERR_INTERNET_DISCONNECTED" in each for each in tab.wrong), tab.wrong
        tab.wrong.clear()


def test_a_form_of_an_ended_session_is_sent_after_signing_in_again(browser: Browser, server: Server) -> None:
    with opened(browser, server) as tab:
        tab.sign_in("coordinator")
        page = tab.page
        _open_rooms(tab)
        page.fill("#name", "Baobab")
        page.context.clear_cookies()
        page.get_by_role("button", name="Add").click()
        expect(page.locator("h1")).to_contain_text("Your session has ended")
        page.wait_for_load_state()
        tab.check()
        with page.context.expect_page() as opened_page:
            page.get_by_role("link", name="Sign in").click()
        opened_page.value.click("button[value=coordinator]")
        opened_page.value.wait_for_selector(".menu")
        page.get_by_role("button", name="Send again").click()
        expect(page.locator("h1")).to_contain_text("Send this again?")
        page.get_by_role("button", name="Send again").click()
        page.wait_for_url("**/settings/rooms")
        expect(page.get_by_role("link", name="Baobab")).to_be_visible()
        assert all("403" in each for each in tab.wrong), tab.wrong
        tab.wrong.clear()
