"""Mistakes are described in the person's language: no sentence of the API appears on a page."""

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import httpx
import pytest

from rowen.app.organizations import DoubleBooking
from rowen.app.roles import Role
from rowen.web.languages import language
from rowen.web.page import SHOWN
from rowen.web.reasons import objection, reason_in
from rowen.web.texts import english, german
from rowen.webhooks import sender
from rowen.webhooks.addresses import InvalidUrlError, read_url
from tests.support.documents import ROOT
from tests.support.hiring_teams import ADA, GRACE, KATE, HiringTeam, seat
from tests.support.people import signed_in, submit, token_of

_SHOWN_TEXT: Final = re.compile(r'<(p|span) class="(?:problem|alert|warning|lead)[^"]*"[^>]*>(.*?)</\1>', re.DOTALL)
_MONDAY: Final = "2049-03-22"


def _pattern(text: str) -> re.Pattern[str]:
    parts = re.split(r"{\w+}", text)
    return re.compile(".*?".join(map(re.escape, parts)), re.DOTALL)


_GERMAN: Final = [_pattern(text) for key, text in german.TEXTS.items() if english.TEXTS[key] != text]


@contextmanager
def _german(team: HiringTeam, user: int, role: Role) -> Iterator[httpx.Client]:
    with signed_in(team, user, role) as browser:
        submit(browser, "/preferences", language="de-DE", zone="UTC")
        yield browser


def _require_german(answer: httpx.Response, *statuses: int) -> list[str]:
    """Require that a page says what is wrong, in German texts of the catalogue only; return what it says."""
    assert answer.status_code in (statuses or (422,)), (answer.status_code, answer.url, answer.text[-1500:])
    found = [html.unescape(re.sub("<[^>]+>", "", each)).strip() for _, each in _SHOWN_TEXT.findall(answer.text)]
    assert found, answer.text
    for each in found:
        assert any(pattern.fullmatch(each) for pattern in _GERMAN), each
        assert not re.search(r"\b(Must|must|the|Only|Overlaps)\b", each), each
    return found


@pytest.fixture
def booked(team: HiringTeam) -> tuple[HiringTeam, int]:
    """Return a team that books nobody twice, and an interview of Kate."""
    interview = team.schedule(interviewers=[seat(KATE)], start=f"{_MONDAY}T09:00:00Z", end=f"{_MONDAY}T10:00:00Z")["id"]
    team.change_settings(DoubleBooking.REJECT)
    return team, interview


def test_a_new_interview(booked: tuple[HiringTeam, int]) -> None:
    team, _ = booked
    typed = {"day": _MONDAY, "start": "09:30", "minutes": "60", "panel": str(KATE), "action": "schedule"}
    with _german(team, GRACE, Role.COORDINATOR) as browser:

        def send(**fields: Any) -> httpx.Response:
            path = "/interviews/new?application=5001&interview=none"
            return browser.post(path, data={"csrf": token_of(browser), **typed, **fields})

        for fields in (
            {"day": "x", "start": "y", "minutes": "z", "panel": "", "video": "w", "location": "\x07", "guests": "q"},
            {"panel": ["987654321"]},
            {"guests": "kate@team.example", "start": "11:00"},
            {"guests": "twins@team.example", "start": "11:00"},
            {},
        ):
            _require_german(send(**fields))


def test_changes_of_an_interview(booked: tuple[HiringTeam, int]) -> None:
    team, other = booked
    interview = team.schedule(interviewers=[seat(ADA)], start=f"{_MONDAY}T12:00:00Z", end=f"{_MONDAY}T13:00:00Z")["id"]
    with _german(team, GRACE, Role.COORDINATOR) as browser:
        version = team.client.get(f"/v1/scheduled_interviews/{interview}").headers["etag"]
        form = {"csrf": token_of(browser), "version": version, "kind": "timed", "seen": "0"}

        def send(name: str, **fields: Any) -> httpx.Response:
            return browser.post(f"/interviews/{interview}/{name}", data={**form, **fields})

        _require_german(send("move", day="x", start="y", minutes="z", video="w", location="\x07"))
        members = [str(KATE), str(ADA)]
        _require_german(send("panel", do="add", add="nobody at all", member=members, keep=members))
        _require_german(send("panel", do="save", member=members, keep=[]))
        moved = {"day": _MONDAY, "start": "09:15", "minutes": "60"}
        assert send("panel", do="save", member=members, keep=members).status_code == 303
        form["version"] = team.client.get(f"/v1/scheduled_interviews/{interview}").headers["etag"]
        booked_twice = german.TEXTS["edit.booked"].format(person="Kate Austen")
        assert _require_german(send("move", **moved)) == [booked_twice]
        _require_german(browser.post(f"/interviews/{other}/cancel", data={"csrf": "0" * 64}), 403)


def test_own_availability(team: HiringTeam) -> None:
    typed = {"zone": "Europe/Berlin", "before": "0", "after": "0", "notice": "0", "monday": "9-12"}
    with _german(team, KATE, Role.INTERVIEWER) as browser:
        for fields in (
            {"monday": "9-12, 11-13"},
            {"monday": "nine"},
            {"zone": "Mars/Base"},
            {"holidays": "Atlantis"},
            {"per_day": "-1", "per_week": "x", "before": "9999", "notice": "-3"},
            {"off_0_from": "soon"},
            {"off_0_from": "5.1.2049", "off_0_to": "1.1.2049"},
            {"off_0_from": "2049-01-03T09:00:00", "off_0_to": "2049-01-02T09:00:00"},
        ):
            _require_german(submit(browser, "/me/availability", **{**typed, **fields}))


def test_own_busy_times(team: HiringTeam) -> None:
    connected = {"do": "connect", "url": "https://calendar.example.com/a.ics", "name": "Arbeit"}
    with _german(team, KATE, Role.INTERVIEWER) as browser:
        assert submit(browser, "/me/busy", **connected).status_code == 303
        for fields in (
            {},
            {"url": "", "name": ""},
            {"url": "ftp://x", "name": "x" * 256},
            {"url": "http://127.0.0.1/", "name": "B"},
        ):
            _require_german(submit(browser, "/me/busy", **{**connected, **fields}))


def test_settings(team: HiringTeam) -> None:
    assert team.post("/rowen/v1/rooms", {"name": "Attic"}).status_code == 200
    with _german(team, ADA, Role.ADMIN) as browser:
        for path, fields in (
            ("/settings/rooms", {"name": "Attic"}),
            ("/settings/rooms", {"name": "", "capacity": "x"}),
            ("/settings/people", {"name": "", "email": "x", "role": "coordinator"}),
            ("/settings/people/list", {"lines": "Ben\nx,y", "action": "preview"}),
            ("/settings/jobs", {"name": ""}),
            ("/settings/keys", {"name": ""}),
            ("/settings/webhooks", {"url": "https://localhost/x", "event": "interview.created"}),
            ("/settings/webhooks", {"url": "ftp://x", "event": "interview.created"}),
            ("/settings/webhooks", {"url": "https://a:b@x.example/#x", "event": "interview.created"}),
            ("/settings/organization", {"name": "", "time_zone": "x", "double_booking": "x", "grace": "x"}),
        ):
            _require_german(submit(browser, path, **fields))


def test_pages_of_refusals(booked: tuple[HiringTeam, int]) -> None:
    team, interview = booked
    team.schedule(interviewers=[seat(KATE, "declined")], start=f"{_MONDAY}T09:30:00Z", end=f"{_MONDAY}T10:30:00Z")
    with _german(team, KATE, Role.INTERVIEWER) as browser:
        second = interview + 1
        for answer, status in (
            (submit(browser, f"/interviews/{second}/answer", answer="accepted"), 409),
            (submit(browser, f"/interviews/{second}/answer", answer="maybe"), 422),
            (browser.get("/settings/people"), 403),
            (browser.get("/interviews/99"), 404),
            (browser.get("/nothing"), 404),
        ):
            _require_german(answer, status)


def test_every_refusal_with_a_page_has_texts() -> None:
    for code in SHOWN:
        for texts in (english.TEXTS, german.TEXTS):
            assert {f"error.{code.value}", f"error.{code.value}_hint"} <= texts.keys()


def _reasons_of_calendars() -> list[str]:
    """Return why addresses of calendars could not be read, as the poller words it."""
    fetching, *others = (
        (ROOT / f"src/rowen/polling/{name}.py").read_text() for name in ("fetching", "expansion", "process")
    )
    of_server = re.findall(r'(?:failure = |FetchError\(|\) else )f?"([^"]+)"', fetching)
    of_calendar = re.findall(r'CalendarError\(f?"([^"]+)"', "".join(others))
    assert min(len(of_server), len(of_calendar)) >= 12
    reasons = [f"The server of the address {each}" for each in of_server]
    reasons += [f"What the address returns {each}" for each in of_calendar]
    return [*(re.sub(r"{[^}]*}", "7", each) for each in reasons), "The address could not be read"]


def test_every_reason_is_translated() -> None:
    source = (ROOT / "src/rowen/webhooks/sender.py").read_text()
    reasons = re.findall(r'(?:failure = |AttemptResult\(None, |status, )f?"([^"]+)"', source)
    assert len(reasons) >= 7
    reasons = [each.replace("{self._seconds:g}", "10").replace("{status}", "503") for each in reasons]
    for each in (*reasons, *_reasons_of_calendars(), sender.FORBIDDEN, sender.UNTRUSTED, sender.EXCESSIVE, sender.GONE):
        assert reason_in(language("de-DE"), each) != each, each
    assert objection(sender.MUST_BE_PUBLIC) == "webhooks.private_url"
    with pytest.raises(InvalidUrlError) as raised:
        read_url("ftp://x")
    assert objection(str(raised.value)) == "webhooks.bad_url"
