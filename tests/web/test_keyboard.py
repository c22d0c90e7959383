"""The pages for people who use a keyboard or a screen reader: where the focus is, and what is announced."""

import re

from playwright.sync_api import Browser, expect

from tests.support.browsers import opened
from tests.support.server import Server


def test_the_result_of_each_action_is_announced_and_has_the_focus(browser: Browser, server: Server) -> None:
    with opened(browser, server) as tab:
        page, status = tab.page, tab.page.locator("[role=status]:focus")
        tab.sign_in("coordinator")
        tab.open("/todo")
        tab.follow(".task a[href$='/move#location'] >> nth=0")
        page.fill("#start", "07:05")
        page.press("#location", "Enter")
        expect(status).to_have_text("Saved.")
        tab.check()
        page.press("form[action$='/move-back'] button", "Enter")
        expect(status).to_have_text("Moved back.")
        expect(page.locator(".history ul").first).to_match_aria_snapshot("- listitem: /from .+7:05 AM to/")
        page.press(".tools a[href$='/cancel']", "Enter")
        page.press("button.danger", "Enter")
        expect(status).to_have_text("Cancelled.")
        page.press("form[action$='/restore'] button", "Enter")
        expect(status).to_have_text("Undone.")
        page.reload()
        expect(page.locator("[role=status]")).to_have_count(0)


def test_a_refused_form_shows_how_many_fields_are_wrong_and_a_chosen_time_is_read(
    browser: Browser, server: Server
) -> None:
    with opened(browser, server) as tab:
        page = tab.page
        tab.sign_in("coordinator")
        tab.open("/interviews/new")
        tab.follow(".choices a >> nth=0")
        tab.follow(".choices a >> nth=0")
        expect(page.get_by_role("heading", name="Panel")).to_be_visible()
        tab.follow("button.primary[value=schedule]")
        expect(page).to_have_title("2 fields need a correction: New interview · Rowen")
        expect(page.locator(".alert").first).to_have_text("2 fields need a correction")
        expect(page.locator("#day:focus")).to_have_accessible_description("Enter a day.")
        page.press("button[value=times]", "Enter")
        page.press("button[name=slot] >> nth=0", "Enter")
        expect(page.locator("[role=status]:focus")).to_contain_text("can still be changed")
        tab.check()
        tab.wrong.clear()  # the console names the status of the refused form


def test_names_begin_with_what_can_be_read_and_have_no_stray_signs(browser: Browser, server: Server) -> None:
    with opened(browser, server) as tab:
        page = tab.page
        tab.sign_in("coordinator")
        tab.open("/todo")
        move = page.locator(".task a[href$='/move#location']").first
        expect(move).to_have_accessible_name(re.compile(r"^Set a place \w"))
        expect(page.locator(".menu summary")).to_have_accessible_name("Rose Nadler: Your account")
        tab.follow(".task a[href$='/move#location'] >> nth=0")
        tab.follow(".crumb a")
        expect(page.locator(".people").first).to_match_aria_snapshot("- listitem: /^[A-Z]/")
    with opened(browser, server) as tab:
        tab.sign_in("interviewer")
        tab.follow(".invitation:has(.reply) .name >> nth=0")
        tab.page.press(".reply >> text=Maybe", "Enter")
        expect(tab.page.locator("[role=status]:focus")).to_have_text("Answer saved.")
