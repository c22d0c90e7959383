"""Signing in again after a session has ended: back to the same place, with what was typed."""

import re
from typing import Final

import pytest

from rowen.app.roles import Role
from tests.support.hiring_teams import ADA, GRACE, HiringTeam
from tests.support.people import invited, signed_in, submit, token_of, visitor

_PLACE: Final = "/interviews/new?search=Ana+Lloyd"
_TYPED: Final = {"first_name": "<b>Jo</b>", "last_name": "\nRay", "new_job": "Nurse", "email": ""}


def test_signing_in_leads_back_to_the_page_that_was_opened(team: HiringTeam) -> None:
    with visitor(team) as browser:
        assert browser.get(_PLACE).headers["location"] == "/sign-in"
        assert browser.post(invited(team, ADA, Role.COORDINATOR)).headers["location"] == _PLACE
        submit(browser, "/sign-out")
        assert browser.post(invited(team, ADA, Role.COORDINATOR)).headers["location"] == "/", "only once"


@pytest.mark.parametrize(
    "place",
    ["//evil.example", "/\\evil.example", "https://evil.example", "/%0d%0aSet-Cookie:x=1", "/a\tb", "/\u202e", ""],
)
def test_nothing_leads_to_another_site(team: HiringTeam, place: str) -> None:
    with visitor(team) as browser:
        browser.cookies.set("rowen_back", "".join(f"%{byte:02x}" for byte in place.encode()))
        location = browser.post(invited(team, ADA, Role.COORDINATOR)).headers["location"]
        assert location in ("/", "/%0d%0aSet-Cookie:x=1"), "the second is a path that nothing has"


def test_a_form_of_an_ended_session_is_kept_and_sent_in_the_next_one(team: HiringTeam) -> None:
    with signed_in(team, ADA, Role.COORDINATOR) as browser:
        token = token_of(browser)
        browser.cookies.clear()
        with team.unchanged():
            kept = browser.post("/interviews/new", data={"csrf": token, **_TYPED})
        assert kept.status_code == 403
        assert "Your session has ended" in kept.text
        fields = dict(re.findall(r'<textarea name="(\w+)" hidden>\n([^<]*)</textarea>', kept.text))
        assert fields == {**_TYPED, "first_name": "&lt;b&gt;Jo&lt;/b&gt;"}
        browser.post(invited(team, GRACE, Role.COORDINATOR))
        asked = browser.post("/interviews/new", data={"csrf": token, **_TYPED})
        assert asked.status_code == 403
        assert "Send this again?" in asked.text
        again = re.search(r'name="csrf" value="([0-9a-f]+)"', asked.text)
        assert again
        assert browser.post("/interviews/new", data={"csrf": again[1], **_TYPED}).status_code == 303


def test_a_form_of_another_site_is_not_offered_again(team: HiringTeam) -> None:
    with signed_in(team, ADA, Role.COORDINATOR) as browser:
        for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}):
            answer = browser.post("/interviews/new", data={"csrf": "00", **_TYPED}, headers=headers)
            assert answer.status_code == 403
            assert "Nurse" not in answer.text
        del browser.headers["Origin"]
        assert "Nurse" not in browser.post("/interviews/new", data={"csrf": "00", **_TYPED}).text
