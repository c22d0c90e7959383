"""What pages show, to whom, and that nothing stored becomes part of them."""

import re
from types import ModuleType
from typing import Any, Final

import httpx
import pytest

from rowen.app.roles import Role
from rowen.web.languages import LANGUAGES
from rowen.web.texts import english, german
from tests.support.documents import ROOT
from tests.support.hiring_teams import ADA, GRACE, KATE, LONG_AGO, HiringTeam, seat
from tests.support.people import BROWSER, signed_in, submit, token_of, visitor
from tests.support.planning_people import make_available
from tests.support.server import serving
from tests.support.storage import SQLITE, Storage

_SIGNED_IN: Final = ("/me", "/preferences", "/interviews/1")
_FORMS: Final = ("/preferences", "/sign-out-everywhere", "/interviews/1/answer", "/sign-out")
_WEEK: Final = "/?view=agenda&week=2049-03-26"
_TEMPLATES: Final = ROOT / "src/rowen/web/templates"
_CODE: Final = re.compile(
    r"""\bon\w+=|style=|<script(?! (?:type="module" )?src)(?! type="application/json")|\|\s*safe"""
)
_CLASSES: Final = ("narrow", "medium", "wide", "settings", "top", "board")
"""The words in templates outside of tags: classes that are made by blocks."""
_HOSTILE: Final = """<script>alert(1)</script><img src=x onerror=alert(2)>"'>{{7*7}}"""


def test_visitors_are_sent_to_sign_in(team: HiringTeam) -> None:
    with visitor(team) as browser:
        assert "Rowen is the interview schedule" in browser.get("/").text
        for path in _SIGNED_IN:
            answer = browser.get(path)
            assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in"), path
        kept = browser.post("/interviews/1/answer", data={"answer": "accepted"})
        assert (kept.status_code, "Your session has ended" in kept.text) == (403, True)


@pytest.mark.parametrize("path", _FORMS)
def test_forms_of_other_sites_are_refused(team: HiringTeam, path: str) -> None:
    with signed_in(team, ADA, Role.COORDINATOR) as browser:
        token = token_of(browser)
        assert browser.post(path, data={}).status_code == 403
        assert browser.post(path, data={"csrf": "00" * 64}).status_code == 403
        evil = {"Origin": "https://evil.example"}
        assert browser.post(path, data={"csrf": token}, headers=evil).status_code == 403
        assert browser.get("/me").status_code == 200, "still signed in"


def test_programs_get_what_they_got_before(team: HiringTeam) -> None:
    with team.harness.server.client() as program:
        answer = program.get("/")
        assert answer.json()["name"] == "Rowen"
        assert "Accept" in answer.headers["vary"]
        assert program.get("/nothing").json() == {"message": "Resource not found"}
        assert program.get("/nothing", headers=BROWSER).status_code == 404
        assert "There is nothing here" in program.get("/nothing", headers=BROWSER).text
        assert program.get("/v1/nothing", headers=BROWSER).status_code == 401


def test_pages_run_nothing_from_elsewhere_and_are_not_kept(team: HiringTeam) -> None:
    with signed_in(team, ADA, Role.COORDINATOR) as browser:
        answer = browser.get("/", headers={"Accept-Encoding": "gzip"})
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-encoding"] == "gzip"
        for asset in set(re.findall(r'"(/assets/[^"]+)"', answer.text)):
            file = browser.get(asset)
            assert file.headers["cache-control"] == "public, max-age=31536000, immutable"
            again = browser.get(asset, headers={"If-None-Match": file.headers["etag"]})
            assert again.status_code == 304


def test_an_interviewer_sees_own_interviews_only(team: HiringTeam) -> None:
    own = team.schedule(interviewers=[seat(KATE)])["id"]
    foreign = team.schedule(interviewers=[seat(ADA)])["id"]
    with signed_in(team, KATE, Role.INTERVIEWER) as browser, signed_in(team, GRACE, Role.COORDINATOR) as planner:
        assert _linked(browser.get(_WEEK)) == {own}
        assert _linked(planner.get(_WEEK)) == {own, foreign}
        assert browser.get(f"/interviews/{own}").status_code == 200
        assert browser.get(f"/interviews/{foreign}").status_code == 404
        assert planner.get(f"/interviews/{foreign}").status_code == 200
        assert submit(browser, f"/interviews/{foreign}/answer", answer="accepted").status_code == 404
        for path in ("/interviews/0", "/interviews/x", "/interviews/987654321"):
            assert browser.get(path).status_code == 404


def test_scorecards_of_others_are_hidden_until_the_own_is_submitted(team: HiringTeam) -> None:
    interview = team.schedule(interviewers=[seat(KATE), seat(ADA)], **LONG_AGO)["id"]
    team.score(interview, ADA, overall_recommendation="strong_yes")
    with signed_in(team, KATE, Role.INTERVIEWER) as browser, signed_in(team, GRACE, Role.COORDINATOR) as planner:
        assert "Strong yes" in planner.get(f"/interviews/{interview}").text
        before = browser.get(f"/interviews/{interview}").text
        assert "Strong yes" not in before
        assert "Submit your own scorecard first" in before
        team.score(interview, KATE, overall_recommendation="no")
        assert "Strong yes" in browser.get(f"/interviews/{interview}").text


def test_an_answer_is_stored_with_one_form_and_the_organizer_stays(team: HiringTeam) -> None:
    made = team.schedule(interviewers=[seat(KATE), seat(ADA)])
    with signed_in(team, KATE, Role.INTERVIEWER) as browser:
        answer = submit(browser, f"/interviews/{made['id']}/answer", answer="accepted", **{"from": "mine"})
        assert (answer.status_code, answer.headers["location"]) == (303, f"/me#answer-{made['id']}")
        stored = team.client.get(f"/v1/scheduled_interviews/{made['id']}").json()
        assert [each["response_status"] for each in stored["interviewers"]] == ["accepted", "needs_action"]
        assert stored["organizer"] == made["organizer"]
        page = browser.get(f"/interviews/{made['id']}").text
        assert 'class="accepted" aria-pressed="true"' in page
        assert "Answer of Kate Austen" in page
        assert submit(browser, f"/interviews/{made['id']}/answer", answer="needs_action").status_code == 422


def test_an_interview_that_is_complete_takes_no_answer(team: HiringTeam) -> None:
    interview = team.schedule(interviewers=[seat(KATE)], **LONG_AGO)["id"]
    team.score(interview, KATE, overall_recommendation="no")
    with signed_in(team, KATE, Role.INTERVIEWER) as browser:
        assert "aria-pressed" not in browser.get(f"/interviews/{interview}").text
        refused = submit(browser, f"/interviews/{interview}/answer", answer="accepted")
        assert refused.status_code == 422
        assert "This cannot be changed" in refused.text


def test_a_week_is_filtered_by_name_person_and_status(team: HiringTeam) -> None:
    kates = team.schedule(interviewers=[seat(KATE)])["id"]
    adas = team.schedule(interviewers=[seat(ADA)])["id"]
    with signed_in(team, GRACE, Role.COORDINATOR) as browser:
        for query, expected in (
            ("", {kates, adas}),
            ("&search=austen", {kates}),
            ("&person=Ada+Lovelace", {adas}),
            ("&status=scheduled", {kates, adas}),
            ("&status=complete", set()),
            ("&search=nobody", set()),
        ):
            assert _linked(browser.get(_WEEK + query)) == expected, query
        assert "No interview matches" in browser.get(f"{_WEEK}&search=nobody").text
        assert "No interviews this week" in browser.get("/?view=agenda&week=2048-01-01").text
        for week in ("", "x", "0001-01-01", "9999-12-31"):
            assert browser.get("/", params={"week": week}).status_code == 200, week


def test_times_and_texts_follow_the_preferences(team: HiringTeam) -> None:
    interview = team.schedule(interviewers=[seat(KATE)])["id"]
    with signed_in(team, KATE, Role.INTERVIEWER) as browser:
        page = browser.get(f"/interviews/{interview}").text
        assert "Friday, March 26, 2049, 10:15" in page
        submit(browser, "/preferences", zone="Pacific/Auckland", language="de-DE")
        page = browser.get(f"/interviews/{interview}").text
        assert "Samstag, 27. März 2049, 11:15" in page
        assert "Freitag, 26. März 2049, 22:15" in page, "the team's time is shown, too"
        assert '<html lang="de-DE">' in page
        likely, _, areas = browser.get("/preferences").text.partition('<optgroup label="Afrika">')
        assert '<option value="Pacific/Auckland" selected>' in likely
        assert areas.count(" selected") == 1, "the language"
        submit(browser, "/preferences", zone="../../etc/passwd", language="xx")
        assert "Samstag" in browser.get(f"/interviews/{interview}").text


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [("de", "de-DE"), ("de-AT,en;q=0.5", "de-AT"), ("fr, en-GB", "en-GB"), ("en-AU", "en-US"), ("", "en-US")],
)
def test_the_language_of_the_browser_counts(team: HiringTeam, accepted: str, expected: str) -> None:
    with visitor(team, **{"Accept-Language": accepted}) as browser:
        assert f'<html lang="{expected}">' in browser.get("/").text


def test_stored_text_never_becomes_part_of_a_page(team: HiringTeam) -> None:
    guest = {"name": _HOSTILE, "email": f"{_HOSTILE.replace(' ', '')}@x", "response_status": "declined"}
    user = {"id": 71, "name": _HOSTILE, "response_status": "needs_action", "scorecard_id": 5}
    team.merge_records("users", [{"id": 71, "name": _HOSTILE, "first_name": _HOSTILE, "emails": [_HOSTILE]}])
    team.merge_records("candidates", [{"id": 81, "first_name": _HOSTILE, "last_name": _HOSTILE}])
    jobs = [{"id": 9, "name": _HOSTILE}]
    team.merge_records("applications", [{"id": 91, "candidate_id": 81, "jobs": jobs, "status": "active"}])
    team.merge([_interview(guest, user)], created_through_api=True)
    pages = (_WEEK, "/interviews/61", "/me", "/preferences", f"{_WEEK}&search={_HOSTILE}&job={_HOSTILE}")
    with signed_in(team, 71, Role.ADMIN) as browser:
        submit(browser, "/interviews/61/answer", answer="accepted")
        for path in pages:
            page = browser.get(path)
            assert page.status_code == 200, path
            assert "<script>" not in page.text, path
            assert "<img src=x" not in page.text, path
            assert "javascript:" not in page.text, path
            assert "&lt;script&gt;" in browser.get("/interviews/61").text


def _interview(*panel: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": 61,
        "application_id": 91,
        "start": {"date_time": "2049-03-26T10:00:00.000Z"},
        "end": {"date_time": "2049-03-26T11:00:00.000Z"},
        "location": _HOSTILE,
        "video_conferencing_url": "javascript:alert(3)",
        "status": "scheduled",
        "created_at": "2024-01-01T00:00:00.000Z",
        "updated_at": "2024-01-01T00:00:00.000Z",
        "interview": {"id": 7001, "name": _HOSTILE},
        "organizer": {"id": 72, "name": _HOSTILE},
        "interviewers": list(panel),
    }


def test_the_first_admin_signs_in_by_the_link_that_the_server_prints(storage: Storage, database: str) -> None:
    if storage is not SQLITE:
        pytest.skip("the store is tested on both")
    with serving(database) as server, server.client() as browser:
        browser.headers.update({**BROWSER, "Origin": server.url})
        path = next(line for line in server.log if "/sign-in/" in line).strip().removeprefix(server.url)
        typed = {"first_name": "Ann", "last_name": "", "email": "ann", "organization": "Team", "time_zone": "UTC"}
        problem = browser.post(path, data=typed)
        assert problem.status_code == 422
        assert 'value="Ann"' in problem.text
        assert "Enter an address such as" in problem.text
        assert browser.post(path, data={**typed, "last_name": "Lee", "email": "ann@team.example"}).status_code == 303
        assert "Ann Lee" in browser.get("/").text
        assert browser.get(path).status_code == 410
        assert [each["name"] for each in browser.get("/v1/users").json()] == ["Ann Lee"]


def test_pages_can_be_turned_off(storage: Storage, database: str) -> None:
    if storage is not SQLITE:
        pytest.skip("it is about the server")
    with serving(database, ["--no-pages"]) as server, server.client() as browser:
        assert not [line for line in server.log if "/sign-in/" in line]
        assert browser.get("/", headers=BROWSER).headers["location"] == "docs", (
            "the documentation, as there are no pages"
        )
        assert browser.get("/sign-in", headers=BROWSER).status_code == 404


def test_an_organization_without_interviews_is_led_to_the_first_one(team: HiringTeam) -> None:
    with (
        signed_in(team, ADA, Role.ADMIN) as admin,
        signed_in(team, GRACE, Role.COORDINATOR) as planner,
        signed_in(team, KATE, Role.INTERVIEWER) as browser,
    ):
        assert "Add your team" in admin.get("/").text
        assert "Add your team" not in planner.get("/").text
        assert "Schedule an interview" in planner.get("/").text
        assert "To the first interview" not in browser.get("/").text
        assert "To the first interview" not in planner.get("/?view=agenda").text
        team.schedule(interviewers=[seat(KATE)])
        assert "To the first interview" not in planner.get("/").text


@pytest.mark.parametrize("texts", [german.TEXTS], ids=["de"])
def test_every_language_has_every_text_with_its_values(texts: dict[str, str]) -> None:
    def values(text: str) -> set[str]:
        return set(re.findall(r"{(\w+)}", text))

    groups = [each.TEXTS for each in vars(english).values() if isinstance(each, ModuleType)]
    assert sum(map(len, groups)) == len(english.TEXTS), "no key is in two groups"
    assert list(texts) == list(english.TEXTS)
    assert {key for key in texts if values(texts[key]) != values(english.TEXTS[key])} == set()
    assert {tag.partition("-")[0] for tag in LANGUAGES} == {"en", "de"}


def test_templates_contain_no_text_of_their_own_and_no_code() -> None:
    for file in _TEMPLATES.glob("*.html"):
        content = file.read_text()
        assert not _CODE.search(content), file.name
        for key in re.findall(r'\bt\(["\']([\w.]+)["\'][,)]', content):
            assert key in english.TEXTS, (file.name, key)
        words = re.sub(r"{%.*?%}|{{.*?}}|{#.*?#}|<pre>.*?</pre>|<[^>]*>", " ", content, flags=re.DOTALL)
        assert set(re.findall(r"[A-Za-z]{3,}", words)) <= {"Rowen", *_CLASSES}, file.name


def _linked(answer: httpx.Response) -> set[int]:
    """Return the interviews that a page leads to."""
    assert answer.status_code == 200, answer.text
    return {int(found) for found in re.findall(r'href="/interviews/(\d+)"', answer.text)}


def test_the_agenda_marks_interviews_at_the_same_time_and_zones_with_the_same_clock_are_one(team: HiringTeam) -> None:
    times = {"start": "2049-03-24T09:00:00.000Z", "end": "2049-03-24T10:00:00.000Z"}
    interview = team.schedule(interviewers=[seat(KATE), seat(ADA)], **times)["id"]
    team.schedule(interviewers=[seat(KATE)], **times)
    team.schedule(interviewers=[seat(GRACE)], **times)
    for user, zone in ((KATE, "Europe/London"), (ADA, "Europe/Berlin")):
        make_available(team, user, time_zone=zone)
    with signed_in(team, GRACE, Role.COORDINATOR) as browser:
        page = browser.get("/?view=agenda&week=2049-03-24").text
        assert page.count('<span class="clash">Double booking</span>') == 2
        page = browser.get(f"/interviews/{interview}").text
        assert "(you, your team, Kate Austen)" in page
        assert "(Ada Lovelace)" in page
