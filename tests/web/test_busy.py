"""The sources of busy times on the pages: one's own, and those of others in the settings."""

import html
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import Final

import httpx
import pytest

from rowen.app.roles import Role
from tests.support.calendar_server import calendar, calendars, send
from tests.support.harness import served
from tests.support.hiring_teams import ADA, GRACE, KATE, HiringTeam, accepted, hiring_team
from tests.support.people import signed_in, submit
from tests.support.records import Record
from tests.support.sql import fetch
from tests.support.storage import Storage

_OWN: Final = "/me/busy"
_OF_ADA: Final = f"/settings/hours/{ADA}/busy"
_SECRET: Final = "https://calendar.example.com/private-8d1f/basic.ics"
_HOSTILE: Final = """<script>alert(1)</script><img src=x onerror=alert(2)>"'>"""
_WINDOW: Final = {"from": "2031-02-03T00:00:00Z", "to": "2031-02-10T00:00:00Z"}
_MEETING: Final = {"from": "2031-02-03T09:00:00Z", "to": "2031-02-03T10:00:00Z"}
_LONGEST: Final = 60.0


def _sources(team: HiringTeam, user: int) -> list[Record]:
    found: list[Record] = team.client.get(f"/rowen/v1/users/{user}/busy_sources").json()
    return found


def _push(team: HiringTeam, user: int, source: str) -> None:
    path = f"/rowen/v1/users/{user}/busy"
    request = team.client.build_request("PUT", path, params={"source": source})
    accepted(team.send("PUT", str(request.url.raw_path, "ascii"), {"window": _WINDOW, "busy": [_MEETING]}))


def _words(page: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", page)))


def test_an_interviewer_connects_and_removes_the_own_calendar(team: HiringTeam) -> None:
    with signed_in(team, KATE, Role.INTERVIEWER) as browser:
        assert "Connect a calendar" in browser.get("/me").text
        added = submit(browser, _OWN, do="connect", url=_SECRET, name="Work")
        assert added.headers["location"] == _OWN
        page = browser.get(_OWN).text
        assert "Added." in page
        assert "Work calendar.example.com · not read yet" in _words(page)
        assert "private-8d1f" not in page + browser.get("/me").text, "the address is a secret"
        (found,) = _sources(team, KATE)
        assert (found["source"], found["url"]) == ("Work", _SECRET)
        assert "Work calendar.example.com" in _words(browser.get("/me").text)
        assert "Remove Work?" in submit(browser, _OWN, do="remove", source="Work").text
        assert len(_sources(team, KATE)) == 1, "asked first"
        assert submit(browser, _OWN, do="remove", source="Work", sure="1").headers["location"] == _OWN
        assert "Removed." in browser.get(_OWN).text
        assert submit(browser, _OWN, do="remove", source="Work", sure="1").status_code == 303, "a second press"
    assert _sources(team, KATE) == []


def test_an_address_for_calendar_programs_is_one_of_the_web(team: HiringTeam) -> None:
    with signed_in(team, KATE, Role.INTERVIEWER) as browser:
        submit(browser, _OWN, do="connect", url=_SECRET.replace("https:", "WebCal:") + "?of=webcal://x", name="Phone")
    assert [each["url"] for each in _sources(team, KATE)] == [f"{_SECRET}?of=webcal://x"]


@pytest.mark.parametrize("path", [_OWN, _OF_ADA])
@pytest.mark.parametrize(
    ("typed", "wrong", "text"),
    [
        ({"url": ""}, "url", "Enter an address"),
        ({"url": "ftp://x.example/a.ics"}, "url", "Enter an http or https address"),
        ({"url": "http://127.0.0.1/a.ics"}, "url", "private network"),
        ({"url": f"https://x.example/{'a' * 2_000}"}, "url", "Enter an http or https address"),
        ({"name": ""}, "name", "Enter a name"),
        ({"name": "x" * 256}, "name", "Enter a name"),
        ({"name": "script"}, "name", "There is a calendar with this name"),
        ({"name": _HOSTILE, "url": _HOSTILE}, "url", "Enter an http or https address"),
    ],
)
def test_what_is_wrong_is_named_and_what_was_typed_is_kept(
    team: HiringTeam, path: str, typed: dict[str, str], wrong: str, text: str
) -> None:
    user = KATE if path == _OWN else ADA
    _push(team, user, "script")
    role = Role.INTERVIEWER if path == _OWN else Role.COORDINATOR
    fields = {"do": "connect", "url": _SECRET, "name": "Work", **typed}
    with signed_in(team, KATE, role) as browser, team.unchanged():
        answer = submit(browser, path, **fields)
        assert answer.status_code == 422
        assert f'aria-describedby="{wrong}-problem"' in answer.text
        assert text in answer.text
        values = re.findall(r'id="(?:url|name)" [^>]*value="([^"]*)"', answer.text)
        assert [html.unescape(each) for each in values] == [fields["url"], fields["name"]]
        assert "<script>alert" not in answer.text
    assert [each["source"] for each in _sources(team, user)] == ["script"]


def test_a_user_has_no_more_sources_than_there_may_be(team: HiringTeam) -> None:
    for number in range(20):
        _push(team, KATE, f"source {number}")
    with signed_in(team, KATE, Role.INTERVIEWER) as browser:
        answer = submit(browser, _OWN, do="connect", url=_SECRET, name="Work")
    assert "There are as many calendars as there can be" in answer.text


def test_a_coordinator_connects_the_calendar_of_somebody_else(team: HiringTeam) -> None:
    with signed_in(team, GRACE, Role.COORDINATOR) as browser:
        assert _OF_ADA in browser.get(f"/settings/hours/{ADA}").text
        assert submit(browser, _OF_ADA, do="connect", url=_SECRET, name="Work").headers["location"] == _OF_ADA
        for path in (_OF_ADA, f"/settings/hours/{ADA}"):
            page = browser.get(path).text
            assert "Work calendar.example.com · not read yet" in _words(page), path
            assert "private-8d1f" not in page, path
        asked = submit(browser, _OF_ADA, do="remove", source="Work")
        assert "Remove Work?" in asked.text
        assert len(_sources(team, ADA)) == 1, "asked first"
        assert submit(browser, _OF_ADA, do="remove", source="Work", sure="1").headers["location"] == _OF_ADA
    assert _sources(team, ADA) == []


def test_an_interviewer_writes_only_the_own_sources(team: HiringTeam) -> None:
    with signed_in(team, KATE, Role.INTERVIEWER) as browser:
        with team.unchanged():
            assert browser.get(_OF_ADA).status_code == 403
            assert submit(browser, _OF_ADA, do="connect", url=_SECRET, name="Work").status_code == 403
        submit(browser, _OWN, do="connect", url=_SECRET, name="Work", id=str(ADA), user=str(ADA))
    assert (_sources(team, ADA), len(_sources(team, KATE))) == ([], 1)


def test_the_people_of_another_organization_do_not_exist(team: HiringTeam) -> None:
    stranger = team.harness.tenant()
    stranger.merge_records("users", [{"id": 1, "name": "Eve"}])
    _push(team, ADA, "script")
    with team.unchanged(), signed_in(stranger, 1, Role.ADMIN) as browser:
        assert browser.get(_OF_ADA).status_code == 404
        assert submit(browser, _OF_ADA, do="connect", url=_SECRET, name="Work").status_code == 404
        assert submit(browser, _OF_ADA, do="remove", source="script", sure="1").status_code == 404
    assert [each["source"] for each in _sources(team, ADA)] == ["script"]


def test_the_name_of_a_source_is_text(team: HiringTeam) -> None:
    _push(team, ADA, _HOSTILE)
    with signed_in(team, ADA, Role.ADMIN) as browser:
        pages = [browser.get(path).text for path in ("/me", _OWN, f"/settings/hours/{ADA}", _OF_ADA)]
        pages.append(submit(browser, _OF_ADA, do="remove", source=_HOSTILE).text)
        for page in pages:
            assert "alert(1)" in page
            assert "<script>alert" not in page
            assert "<img src=x" not in page
        pages.append(submit(browser, _OWN, do="remove", source=_HOSTILE).text)
        assert submit(browser, _OWN, do="remove", source=_HOSTILE, sure="1").status_code == 303
    assert _sources(team, ADA) == []


def test_pushed_times_are_counted(team: HiringTeam) -> None:
    _push(team, KATE, "script")
    with signed_in(team, KATE, Role.INTERVIEWER) as browser:
        assert re.search(r"script Pushed by a script · last on .*: 1 busy time ", _words(browser.get("/me").text))
        german = browser.get("/me", headers={"Accept-Language": "de"}).text
        assert re.search(r"script Von einem Skript · zuletzt am .*: 1 belegte Zeit ", _words(german))


@pytest.fixture
def reading(storage: Storage, tmp_path: Path) -> Iterator[HiringTeam]:
    """Return an organization of a server that may read calendars from this machine."""
    database = storage.new_database(tmp_path)
    with served(database, "--webhook-allow", "127.0.0.1") as harness, hiring_team(harness) as team:
        yield team


@pytest.mark.slow
def test_the_page_shows_what_was_read_and_what_failed(reading: HiringTeam) -> None:
    with calendars() as remote, signed_in(reading, KATE, Role.INTERVIEWER) as browser:
        remote.answers["/kate.ics"] = lambda handler: send(handler, calendar())
        submit(browser, _OWN, do="connect", url=f"{remote.url}/kate.ics", name="Work")
        page = _awaited(browser, lambda page: "Work 127.0.0.1 · read on" in page)
        assert ": 1 busy time " in page
        assert "secret" not in page.replace("Secret address", "").lower(), "no title"
        remote.answers["/kate.ics"] = lambda handler: send(handler, b"gone", 404)
        fetch(reading.harness.database, "UPDATE busy_sources SET next_read_at = 0")
        page = _awaited(browser, lambda page: "could not be read" in page)
        assert "It could not be read: it answered with status 404." in page
        assert ": 1 busy time " in page, "what was known stays"


def _awaited(browser: httpx.Client, is_there: Callable[[str], bool]) -> str:
    """Return the words of the page as soon as something holds for them."""
    ends = monotonic() + _LONGEST
    while not is_there(words := _words(browser.get("/me").text)):
        assert monotonic() < ends, words
        sleep(0.1)
    return words
