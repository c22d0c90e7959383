"""Every page for every role, for visitors, and for another organization; and stored text that is hostile."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from unittest.mock import MagicMock

import httpx
import pytest

from rowen.app.roles import Role
from rowen.web.page import Audience, PageApplication
from rowen.web.site import table_of_pages
from tests.support.hiring_teams import ADA, GRACE, KATE, HiringTeam, seat
from tests.support.people import signed_in, token_of, visitor
from tests.support.sql import fetch

_PAGES: Final = [
    page for page in table_of_pages(MagicMock(demo=None), MagicMock()) if page.access is Audience.SIGNED_IN
]
_ADMINS: Final = frozenset({Role.ADMIN})
_SCHEDULERS: Final = frozenset({Role.ADMIN, Role.COORDINATOR})
_OF_SCHEDULERS: Final = ("/settings/jobs", "/settings/rooms", "/settings/pools", "/settings/hours", "/interviews/new")
_UNKNOWN: Final = "987654321"
_HOSTILE: Final = """<script>alert(1)</script><img src=x onerror=alert(2)>"'>{{7*7}}"""
_SPOT: Final = "/interviews/new?application=91&interview=7101"


@pytest.fixture
def full(team: HiringTeam) -> HiringTeam:
    """Return a team with a record of every kind, each with hostile text: 71 is a user, 91 an application."""
    team.merge_records("users", [{"id": 71, "name": _HOSTILE, "first_name": _HOSTILE, "emails": [_HOSTILE]}])
    person = {"id": 81, "first_name": _HOSTILE, "last_name": _HOSTILE, "email_addresses": [{"value": _HOSTILE}]}
    team.merge_records("candidates", [person])
    team.merge_records("jobs", [{"id": 9, "name": _HOSTILE, "status": "open"}])
    application = {"id": 91, "candidate_id": 81, "jobs": [{"id": 9, "name": _HOSTILE}], "status": "active"}
    team.merge_records("applications", [application])
    usual = [{"id": 71, "name": _HOSTILE}]
    planned = {"id": 7101, "name": _HOSTILE, "estimated_minutes": 30, "default_interviewer_users": usual}
    team.merge_records("job_stages", [{"id": 6101, "name": _HOSTILE, "job_id": 9, "interviews": [planned]}])
    return team


def _examples(team: HiringTeam) -> dict[str, str]:
    """Return the paths of pages that name something, with something that the team has."""
    return {
        "/interviews/{id}": f"/interviews/{team.schedule(interviewers=[seat(GRACE)])['id']}",
        "/settings/people/{id}": "/settings/people/71",
        "/settings/hours/{id}": "/settings/hours/71",
        "/settings/hours/{id}/busy": "/settings/hours/71/busy",
        "/settings/pools/{id}": f"/settings/pools/{_pool(team)}",
        "/settings/jobs/{id}": "/settings/jobs/9",
        "/settings/jobs/{id}/stages/{stage}": "/settings/jobs/9/stages/6101",
        "/settings/rooms/{id}": f"/settings/rooms/{_room(team)}",
        "/settings/jobs/{id}/interviews/{interview}": "/settings/jobs/9/interviews/7101",
    }


def _room(team: HiringTeam) -> int:
    made = team.post("/rowen/v1/rooms", {"name": _HOSTILE, "site": _HOSTILE, "features": [_HOSTILE]})
    identifier: int = made.json()["id"]
    return identifier


def _pool(team: HiringTeam) -> int:
    member = {"user_id": 71, "tags": [_HOSTILE]}
    identifier: int = team.post("/rowen/v1/pools", {"name": _HOSTILE, "members": [member]}).json()["id"]
    return identifier


def _path(page: PageApplication, examples: dict[str, str]) -> str:
    path = examples.get(page.path, page.path)
    while "{" in path:
        head, _, rest = path.partition("{")
        path = head + _UNKNOWN + rest.partition("}")[2]
    return path


def test_settings_and_scheduling_are_for_those_who_may_do_it() -> None:
    expected = {
        page.path: _SCHEDULERS if page.path.startswith(_OF_SCHEDULERS) else _ADMINS
        for page in _PAGES
        if page.path.startswith(("/settings/", "/interviews/new"))
    }
    assert len(expected) > 10
    assert {page.path: page.roles for page in _PAGES if page.path in expected} == expected


@pytest.mark.parametrize("role", Role)
def test_a_role_opens_its_pages_and_no_others(full: HiringTeam, role: Role) -> None:
    examples = _examples(full)
    with signed_in(full, KATE, role) as browser:
        token = token_of(browser)
        for page in _PAGES:
            path = _path(page, examples)
            for method in page.methods:
                if path.startswith("/sign-out"):
                    continue
                answer = browser.request(method, path, data={"csrf": token} if method == "POST" else None)
                allowed = role in page.roles
                assert answer.status_code < 500, (method, path, answer.text)
                assert (answer.status_code != 403) is allowed, (method, path, answer.text)
                if method == "POST":
                    assert browser.post(path, data={}).status_code == 403, path
                    assert browser.post(path, data={"csrf": "00" * 64}).status_code == 403, path


def test_visitors_see_none_of_the_pages(full: HiringTeam) -> None:
    examples = _examples(full)
    with full.unchanged(), visitor(full) as browser:
        for page in _PAGES:
            path = _path(page, examples)
            for method in page.methods:
                answer = browser.request(method, path, data={} if method == "POST" else None)
                refused = (401,) if page.for_modules else (303, 403) if method == "GET" else (403,)
                assert answer.status_code in refused, (method, path)
                assert answer.headers.get("location", "/sign-in") == "/sign-in"


def test_another_organization_sees_and_changes_nothing(full: HiringTeam) -> None:
    examples = _examples(full)
    stranger = full.harness.tenant()
    stranger.merge_records("users", [{"id": 1, "name": "Eve"}])
    with full.unchanged(), signed_in(stranger, 1, Role.ADMIN) as browser:
        token = token_of(browser)
        for path in examples.values():
            assert browser.get(path).status_code == 404, path
            for action in ("change", "remove", "revoke", "disable", "invite", "plan"):
                fields = {"csrf": token, "action": action, "role": "admin", "name": "Eve", "status": "closed"}
                answer = browser.post(path, data=fields)
                assert answer.status_code in (404, 405, 422), (path, action)
        for path in (_SPOT, f"{_SPOT}&person=71"):
            assert browser.get(path).status_code == 404
        for path in ("/settings/people", "/settings/jobs", "/settings/rooms", "/settings/keys", "/interviews/new"):
            assert "alert(1)" not in browser.get(path).text, path


@contextmanager
def _admin(team: HiringTeam) -> Iterator[httpx.Client]:
    with signed_in(team, 71, Role.ADMIN) as browser:
        yield browser


def test_hostile_text_never_becomes_part_of_a_form(full: HiringTeam) -> None:
    def send(path: str, **fields: Any) -> httpx.Response:
        return browser.post(path, data={"csrf": token_of(browser), **fields})

    room, pool = f"/settings/rooms/{_room(full)}", f"/settings/pools/{_pool(full)}"
    full.schedule(application_id=91, interview_id=7101, interviewers=[seat(71)])
    with _admin(full) as browser:
        pages = [
            *(browser.get(path) for path in ("/settings/rooms", room, "/settings/pools", pool)),
            send("/settings/rooms", name=_HOSTILE, capacity=_HOSTILE),
            send("/settings/pools", name=_HOSTILE * 9),
            send(pool, action="member", member=71, weight=_HOSTILE, tags=_HOSTILE),
            *(browser.get("/interviews", params={"search": text}) for text in (_HOSTILE, "alert")),
            browser.get("/interviews/new"),
            browser.get("/interviews/new", params={"search": _HOSTILE}),
            browser.get("/interviews/new?application=91"),
            browser.get(_SPOT),
            send(_SPOT, day=_HOSTILE, start=_HOSTILE, find=_HOSTILE, location=_HOSTILE, video=_HOSTILE, panel="71"),
            send("/interviews/new", first_name=_HOSTILE, new_job=_HOSTILE, email=_HOSTILE),
            *(browser.get(path) for path in ("/settings/people", "/settings/people/71", "/settings/jobs")),
            *(
                browser.get(path)
                for path in ("/settings/jobs/9", "/settings/jobs/9/interviews/7101", "/settings/jobs/9/stages/6101")
            ),
            browser.get("/settings/people", params={"search": _HOSTILE}),
            send("/settings/people/list", lines=f"{_HOSTILE}\n{_HOSTILE},a@b"),
            send("/settings/people", name=_HOSTILE, email=_HOSTILE),
            send("/settings/keys", name=_HOSTILE, access="all"),
            send("/settings/webhooks", url=_HOSTILE, event="interview_scheduled"),
            send("/settings/organization", name=_HOSTILE, time_zone=_HOSTILE, double_booking=_HOSTILE, grace=_HOSTILE),
            send("/settings/jobs", name=_HOSTILE * 9),
        ]
        for page in pages:
            assert page.status_code in (200, 422), (page.url, page.text)
            assert "<script>alert" not in page.text, page.url
            assert "<img src=x" not in page.text, page.url
            assert "49" not in page.text.replace("2049", "") or "{{7*7}}" in page.text, page.url
        shown = sum("alert(1)" in page.text for page in pages)
        assert shown >= 12, "most pages show it"


def test_a_mirror_takes_no_forms_that_write_its_records(full: HiringTeam) -> None:
    database, organization = full.harness.database, full.organization.id
    fetch(database, "UPDATE organizations SET mirrored_from = ? WHERE id = ?", "https://account.example", organization)
    with signed_in(full, ADA, Role.ADMIN) as browser:
        assert 'href="/interviews/new"' not in browser.get("/settings/people").text
        token = token_of(browser)
        for path in (_SPOT, "/settings/people", "/settings/people/list", "/settings/jobs", "/settings/jobs/9"):
            typed = {"csrf": token, "name": "Jo", "email": "jo@team.example", "lines": "Jo,jo@team.example"}
            answer = browser.post(path, data={**typed, "status": "closed", "action": "change"})
            assert answer.status_code == 403, path
            assert "This schedule is a copy" in answer.text, path
        invited = browser.post("/settings/people/71", data={"csrf": token, "action": "invite", "role": "interviewer"})
        assert "/sign-in/" in invited.text, "people of a mirror sign in here"


def test_numbers_and_names_out_of_bounds_are_refused(full: HiringTeam) -> None:
    with signed_in(full, ADA, Role.ADMIN) as browser:
        token = token_of(browser)
        for fields in (
            {"panel": "9" * 30, "minutes": "9" * 30},
            {"panel": "-1", "minutes": "1e3"},
            {"panel": [str(each) for each in range(1, 150)]},
            {"day": "9999-12-31", "minutes": "1440", "which": "7", "panel": "71"},
        ):
            typed = {"csrf": token, "day": "2049-03-26", "start": "10:00", "minutes": "30", "action": "schedule"}
            with full.unchanged():
                assert browser.post(_SPOT, data={**typed, **fields}).status_code == 422, fields
        many = {f"field{number}": "x" for number in range(1_300)}
        refused = browser.post(_SPOT, data={"csrf": token, **many})
        assert (refused.status_code, "This form is too large" in refused.text) == (400, True)
        for size in (300_000, 2_000_000):
            too_large = browser.post(_SPOT, data={"csrf": token, "day": "x" * size})
            assert (too_large.status_code, "This is too large" in too_large.text) == (413, True)
            assert too_large.headers["connection"] == "close"
