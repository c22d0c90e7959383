"""The pages in a real browser, on the demo: what people can do there, and whether everybody can."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.support.browsers import opened
from tests.support.identity_provider import CLIENT_ID, CLIENT_SECRET, providing
from tests.support.scale import sample
from tests.support.server import Server, serving
from tests.support.storage import SQLITE


@pytest.mark.parametrize(
    ("width", "scheme", "locale"),
    sample([(1440, "light", "en-US"), (1024, "light", "de-DE"), (390, "dark", "de-DE")], 2),
)
def test_everybody_can_use_every_page(browser: Browser, server: Server, width: int, scheme: str, locale: str) -> None:
    window = {"width": width, "height": 900}
    with opened(browser, server, viewport=window, color_scheme=scheme, locale=locale) as tab:
        for path in ("/", "/sign-in"):
            tab.open(path)
            tab.check()
        tab.sign_in("coordinator")
        tab.open("/?view=agenda")
        tab.check()
        tab.follow(".row .name >> nth=0")
        tab.check()
        tab.page.click(".menu summary")
        tab.check()
        for path in ("/preferences", "/?view=agenda&search=nobody", "/me", "/todo"):
            tab.open(path)
            tab.check()
        found = tab.page.get_attribute(".task a[href$='/move#location'] >> nth=0", "href") or ""
        one = found.removesuffix("/move#location")
        for path in (one, f"{one}/move", f"{one}/move?kind=all_day", f"{one}/panel", f"{one}/cancel"):
            tab.open(path)
            tab.check()
    with opened(browser, server, viewport=window, color_scheme=scheme, locale=locale) as tab:
        tab.sign_in("interviewer")
        tab.open("/me")
        tab.check()
        tab.follow("a[href$='/scorecard'] >> nth=0")
        tab.check()
        for path in ("/me/availability", "/me/busy"):
            tab.open(path)
            tab.check()
        tab.open("/me")
        tab.follow("button[value=make]")
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
        for answer in ("Decline", "Accept"):
            tab.follow(f".reply >> nth=5 >> text={answer}")
            pressed = tab.page.locator(".reply >> nth=5 >> [aria-pressed=true]")
            expect(pressed).to_have_text(answer)
            expect(pressed).to_be_focused()
            expect(pressed).to_be_in_viewport()
        tab.follow(".invitation:has(.reply) .name >> nth=5")
        expect(tab.page.locator(".history")).to_contain_text("Answer of Kate Austen")
        tab.follow(".reply >> text=Decline")
        tab.follow(".crumb a")
        expect(tab.page.locator("h1")).to_have_text("My interviews")


def test_an_answer_on_a_phone_keeps_the_place(browser: Browser, server: Server) -> None:
    with opened(browser, server, viewport={"width": 390, "height": 800}) as tab:
        tab.sign_in("interviewer")
        page = tab.page
        card = page.locator(".invitation:has(.reply) >> nth=3")
        card.scroll_into_view_if_needed()
        before = page.evaluate("scrollY")
        for button, saved in (("Decline", "Saved: Declined"), ("Accept", "Saved: Accepted")):
            card.get_by_role("button", name=button).click()
            expect(card.get_by_role("status")).to_have_text(saved)
            expect(card.get_by_role("button", name=button)).to_be_focused()
            expect(card.locator("[aria-pressed=true]")).to_have_text(button)
        fits = "all => all.every((each) => each.scrollWidth <= each.clientWidth)"
        assert card.locator("button").evaluate_all(fits), "the message leaves the buttons their room"
        assert page.evaluate("scrollY") == before
        page.context.set_offline(True)
        card.get_by_role("button", name="Maybe").click()
        expect(card.get_by_role("status")).to_contain_text("cannot be reached")
        expect(card.locator("[aria-pressed=true]")).to_have_text("Accept")
        page.context.set_offline(False)
        tab.wrong.clear()  # the console names the lost connection
        page.reload()
        expect(card.locator("[aria-pressed=true]")).to_have_text("Accept")


@pytest.mark.parametrize("role", ["interviewer", "coordinator"])
def test_a_calendar_is_connected_on_a_phone_without_javascript(browser: Browser, server: Server, role: str) -> None:
    with opened(browser, server, java_script_enabled=False, viewport={"width": 390, "height": 800}) as tab:
        page = tab.page
        tab.sign_in(role)
        if role == "coordinator":
            tab.open("/settings/hours")
            tab.follow(".people a.name >> nth=2")
        tab.follow("a[href$='/busy']")
        page.fill("#url", "http://127.0.0.1/calendar.ics")
        page.fill("#name", "Work")
        tab.follow("button[value=connect]")
        expect(page.locator("#url")).to_be_focused()
        expect(page.locator("#url-problem")).to_contain_text("private network")
        tab.wrong.clear()  # the console names the status
        page.fill("#url", "https://calendar.example.com/calendar.ics")
        tab.follow("button[value=connect]")
        expect(page.locator(".people")).to_contain_text("calendar.example.com")
        tab.follow("button[value=remove]")
        if role == "coordinator":
            tab.follow("main button.danger")
        expect(page.locator(".people")).to_have_count(0)


def test_time_off_on_a_phone_names_the_interviews_in_it(browser: Browser, server: Server) -> None:
    with opened(browser, server, viewport={"width": 390, "height": 800}, color_scheme="dark") as tab:
        page = tab.page
        tab.sign_in("interviewer")
        tab.open("/me/availability")
        first, last = page.locator("#off_0_from"), page.locator("#off_0_to")
        tab.check()
        assert page.locator("#monday").evaluate("each => each.scrollWidth <= each.clientWidth"), "all hours are seen"
        assert first.evaluate("each => each.getBoundingClientRect().right") <= last.evaluate(
            "each => each.getBoundingClientRect().left"
        )
        page.fill("#monday", "9 bis 17 Uhr")
        today = date.today()
        first.fill(str(today))
        last.fill(str(today + timedelta(days=20)))
        tab.follow("main button.primary")
        expect(page.locator(".message")).to_have_text("Saved.")
        expect(page.locator(".warning")).to_contain_text("interviews are in your time off")
        tab.check()
        answer = page.locator(".warning .reply >> nth=0")
        answer.get_by_role("button", name="Decline").click()
        expect(answer.get_by_role("status")).to_have_text("Saved: Declined")
        first.fill("")
        last.fill("")
        tab.follow("main button.primary")
        page.wait_for_url("**/me")
        expect(page.locator(".message")).to_have_text("Saved.")


def test_a_refused_answer_shows_the_page_of_its_refusal(browser: Browser, server: Server) -> None:
    with opened(browser, server) as tab:
        tab.sign_in("interviewer")
        tab.page.context.clear_cookies()
        tab.follow(".reply >> nth=0 >> text=Accept")
        expect(tab.page.locator("h1")).to_contain_text("Your session has ended")
        tab.wrong.clear()  # the console names the status


def test_times_are_in_the_zone_of_the_device(browser: Browser, server: Server) -> None:
    with opened(browser, server, timezone_id="Asia/Tokyo") as tab:
        tab.sign_in("coordinator")
        tab.open("/?view=agenda")
        expect(tab.page.locator("main")).to_contain_text("Times in Tokyo, UTC+9")


def test_a_coordinator_finds_an_interview_by_keyboard(browser: Browser, server: Server) -> None:
    with opened(browser, server) as tab:
        page = tab.page
        tab.open("/")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.focus("button[value=coordinator]")
        page.keyboard.press("Enter")
        page.wait_for_selector(".switch")
        page.focus(".switch >> text=Agenda")
        page.keyboard.press("Enter")
        page.wait_for_selector(".rows")
        name = page.inner_text(".row .name >> nth=0")
        page.focus("input[type=search]")
        page.keyboard.type(name)
        page.keyboard.press("Enter")
        page.wait_for_url("**search=*")
        expect(page.locator(".row .name").filter(has_not_text=name)).to_have_count(0)
        page.focus(".row .name >> nth=0")
        page.keyboard.press("Enter")
        page.wait_for_selector(".facts")
        expect(page.locator("h1")).to_have_text(name)
        page.focus(".menu summary")
        page.keyboard.press("Enter")
        page.focus(".sheet .plain")
        page.keyboard.press("Enter")
        page.wait_for_selector("text=Try the demo")


def test_a_coordinator_moves_cancels_and_undoes_by_keyboard(browser: Browser, server: Server) -> None:
    with opened(browser, server) as tab:
        page = tab.page
        tab.sign_in("coordinator")
        tab.open("/todo")
        page.focus(".task a[href$='/move#location'] >> nth=0")
        page.keyboard.press("Enter")
        page.wait_for_selector("#location")
        before = page.input_value("#start")
        page.fill("#start", "07:05")
        page.focus("#location")
        page.keyboard.type("Room 7")
        page.keyboard.press("Enter")
        expect(page.locator(".facts")).to_contain_text("Room 7")
        expect(page.locator(".facts")).to_contain_text("7:05")
        page.focus("form[action$='/move-back'] button")
        with page.expect_navigation():
            page.keyboard.press("Enter")
        tab.follow(".tools a >> nth=0")
        expect(page.locator("#start")).to_have_value(before)
        page.go_back()
        page.focus(".tools a[href$='/cancel']")
        page.keyboard.press("Enter")
        page.wait_for_selector(".danger")
        page.focus("button.danger")
        page.keyboard.press("Enter")
        page.wait_for_selector("form[action$='/restore'] button")
        tab.check()
        page.focus("form[action$='/restore'] button")
        page.keyboard.press("Enter")
        expect(page.locator(".history")).to_contain_text("Cancellation undone")


def test_of_two_coordinators_the_second_decides(browser: Browser, server: Server) -> None:
    with opened(browser, server) as first, opened(browser, server, viewport={"width": 390, "height": 800}) as second:
        for tab in (first, second):
            tab.sign_in("coordinator")
            tab.open("/todo")
            tab.follow(".task a[href$='/move#location'] >> nth=1")
        first.page.fill("#location", "Room A")
        first.page.press("#location", "Enter")
        first.page.wait_for_selector(".facts")
        second.page.fill("#location", "Room B")
        second.page.press("#location", "Enter")
        expect(second.page.get_by_role("alert")).to_contain_text("Room A")
        expect(second.page.locator("#location")).to_have_value("Room B")
        second.check()
        assert len(second.wrong) == 1, "the console names the status"
        second.wrong.clear()
        second.page.click("text=Save mine")
        second.page.wait_for_selector(".facts")
        first.page.reload()
        expect(first.page.locator(".facts")).to_contain_text("Room B")


def test_a_reload_loses_nothing_of_a_scorecard(browser: Browser, server: Server) -> None:
    with opened(browser, server, viewport={"width": 390, "height": 800}) as tab:
        page = tab.page
        tab.sign_in("interviewer")
        tab.open("/me")
        tab.follow("a[href$='/scorecard'] >> nth=0")
        page.check("input[value=strong_yes]")
        page.fill("#note", "Knows the trade")
        page.reload()
        expect(page.locator("#note")).to_have_value("Knows the trade")  # not stored yet, perhaps
        page.wait_for_selector("[data-state] >> text=Draft saved")
        page.context.set_offline(True)
        page.fill("#note", "Knows the trade, and asks")
        page.wait_for_selector("[data-state] >> text=Not saved")
        page.context.set_offline(False)
        page.wait_for_selector("[data-state] >> text=Draft saved")
        page.reload()
        expect(page.locator("#note")).to_have_value("Knows the trade, and asks")
        expect(page.locator("input[value=strong_yes]")).to_be_checked()
        tab.wrong.clear()  # the console names the lost connection
        page.click("button[value=submit]")
        expect(page.locator(".notes").last).to_contain_text("Knows the trade, and asks")


def test_a_scorecard_without_a_recommendation_keeps_what_is_typed_after_a_reload(
    browser: Browser, server: Server
) -> None:
    with opened(browser, server, viewport={"width": 390, "height": 800}) as tab:
        page = tab.page
        tab.sign_in("interviewer")
        tab.follow("a[href$='/scorecard'] >> nth=0")
        page.fill("#note", "")
        tab.follow("button[value=submit]")
        expect(page.locator("#recommendation-problem")).to_be_visible()
        tab.check()
        page.fill("#note", "Typed after the error")
        page.wait_for_selector("[data-state] >> text=Draft saved")
        page.reload()
        expect(page.locator("#note")).to_have_value("Typed after the error")
        page.fill("#note", "")
        page.check("input[value=no]")
        tab.follow("button[value=submit]")
        expect(page.locator("#note")).to_be_focused()
        tab.check()
        expect(page.locator("button[value=submit_without_text]")).to_be_visible()


def test_a_scorecard_outlives_its_session(browser: Browser, server: Server) -> None:
    with opened(browser, server) as tab:
        page = tab.page
        tab.sign_in("interviewer")
        tab.open("/me")
        tab.follow("a[href$='/scorecard'] >> nth=0")
        page.context.clear_cookies()
        page.fill("#note", "Typed after the end")
        page.wait_for_selector("[data-state] >> text=your session has ended")
        address = page.url
        other = page.context.new_page()
        other.goto(f"{server.url}/")
        other.click("button[value=interviewer]")
        other.wait_for_selector(".menu")
        page.goto(address)
        expect(page.locator("#note")).to_have_value("Typed after the end")
        page.wait_for_selector("[data-state] >> text=Draft saved")
        tab.wrong.clear()  # the console names the status


def test_people_sign_in_at_a_provider_and_return_to_the_page(browser: Browser, tmp_path: Path) -> None:
    person = {"email": "ida@team.example", "email_verified": True, "name": "Ida Rhodes", "groups": ["it"]}
    (tmp_path / "secret").write_text(CLIENT_SECRET)
    with providing() as provider:
        provider.set(people={"ida": person}, signs_in="ida")
        given = {"issuer": provider.issuer, "client-id": CLIENT_ID, "client-secret-file": tmp_path / "secret"}
        options = [*(f"--oidc-{name}={value}" for name, value in given.items()), "--oidc-role=admin=it"]
        with serving(SQLITE.new_database(tmp_path), options) as server, opened(browser, server) as tab:
            tab.open("/me")
            tab.check()
            tab.page.click("text=Sign in with 127.0.0.1")
            tab.page.wait_for_selector("text=Ida Rhodes")
            tab.page.wait_for_url(f"{server.url}/me")
            assert {each.partition("?")[0] for each in tab.wrong} == {f"{provider.issuer}/authorization"}, "on the way"
            tab.wrong.clear()
            provider.set(fault="denies")
            tab.open("/oidc/start")
            tab.check()
            expect(tab.page.locator("h1")).to_contain_text("You are not signed in")
            tab.wrong.clear()


def test_the_session_is_out_of_the_reach_of_scripts_and_opens_the_api(browser: Browser, server: Server) -> None:
    with opened(browser, server) as tab:
        tab.sign_in("coordinator")
        assert tab.page.evaluate("document.cookie").startswith("rowen_device_zone=")
        assert ";" not in tab.page.evaluate("document.cookie"), "no script reads another one"
        call = """async ([method, token]) => (await fetch("/rowen/v1/jobs", {
            method, headers: {"Content-Type": "application/json", "X-CSRF-Token": token}, body: '{"name": "Pilot"}'
        })).status"""
        token = tab.page.get_attribute("meta[name=csrf-token]", "content")
        assert tab.page.evaluate(call, ["POST", token]) == 200
        assert tab.page.evaluate(call, ["POST", ""]) == 403
        assert len(tab.wrong) == 1, "the console names the status"
        tab.wrong.clear()
