"""The pages of an organization that mirrors an account, with and without passing its interviews through."""

import html
import re
from collections.abc import Iterator
from typing import Final

import httpx
import pytest

from rowen.app.organizations import DoubleBooking
from rowen.app.roles import Role
from tests.support.harness import Harness, Tenant
from tests.support.mirroring import mirroring_of
from tests.support.passing import Passing, passing
from tests.support.people import signed_in, submit, token_of
from tests.support.v3_account import ANN, BOB, TIMED
from tests.support.v3_upstream import V3Upstream, status

pytestmark = pytest.mark.slow

_NEW: Final = "/interviews/new?application=70&interview=61"
_FORM: Final = {"day": "2030-01-01", "start": "09:00", "minutes": "60", "panel": str(BOB), "action": "schedule"}
_GERMAN: Final = {"language": "de-DE", "zone": "UTC"}


@pytest.fixture
def upstream(upstream: V3Upstream) -> V3Upstream:
    """Return an account whose timed interview is scheduled."""
    upstream.put("interviews", {"id": TIMED, "status": "scheduled"})
    return upstream


@pytest.fixture
def tenant(harness: Harness) -> Tenant:
    return harness.tenant()


@pytest.fixture
def passed(tenant: Tenant, upstream: V3Upstream) -> Iterator[Passing]:
    with passing(tenant, upstream) as running:
        yield running


@pytest.fixture
def browser(tenant: Tenant, passed: Passing) -> Iterator[httpx.Client]:
    """Return the browser of Ann, who plans."""
    assert passed
    with signed_in(tenant, ANN, Role.COORDINATOR) as browser:
        yield browser


def _version(browser: httpx.Client, path: str) -> dict[str, str]:
    """Return the fields that name the version in the form of a page."""
    page = html.unescape(browser.get(path).text)
    return {name: re.findall(f'name="{name}" value="(.*?)">', page)[0] for name in ("version", "seen")} | {
        "csrf": token_of(browser)
    }


def _schedule(browser: httpx.Client, **fields: str) -> httpx.Response:
    return browser.post(_NEW, data={"csrf": token_of(browser), **_FORM, **fields})


def test_an_interview_is_made_in_the_account_once(browser: httpx.Client, passed: Passing) -> None:
    assert 'href="/interviews/new"' in browser.get("/todo").text
    form = {"csrf": token_of(browser), **_FORM, "guests": "guest@example.com", "location": "Oven"}
    made = [browser.post(_NEW, data=form) for _ in range(2)]
    assert [each.status_code for each in made] == [303, 303], made[0].text
    assert made[0].headers["location"] == made[1].headers["location"]
    (written,) = passed.upstream.written
    assert (written.method, written.user) == ("POST", ANN)
    assert written.body["interviewers"] == [
        {"user_id": BOB, "response_status": "needs_action"},
        {"email": "guest@example.com", "response_status": "needs_action"},
    ]
    assert "Oven" in browser.get(made[0].headers["location"]).text


def test_a_double_booking_is_asked_about_before_the_account_has_it(
    tenant: Tenant, browser: httpx.Client, passed: Passing
) -> None:
    tenant.change_settings(DoubleBooking.WARN)
    assert _schedule(browser).status_code == 303
    asked = _schedule(browser)
    assert asked.status_code == 422
    assert 'name="anyway"' in asked.text
    assert len(passed.upstream.written) == 1
    assert _schedule(browser, anyway="1").status_code == 303


def test_an_interview_is_moved_and_cancelled_in_the_account(browser: httpx.Client, passed: Passing) -> None:
    one = f"/interviews/{TIMED}"
    assert 'href="/interviews/9001/move"' in browser.get(one).text
    assert "kind=all_day" not in browser.get(f"{one}/move").text, "the account cannot change that"
    form = {"day": "2030-01-02", "start": "10:30", "minutes": "45", "location": "Attic", "kind": "timed"}
    moved = browser.post(f"{one}/move", data={**form, **_version(browser, f"{one}/move")})
    assert moved.status_code == 303, moved.text
    assert passed.upstream.rows["interviews"][TIMED]["starts_at"] == "2030-01-02T10:30:00.000Z"
    gone = browser.post(f"{one}/cancel", data=_version(browser, f"{one}/cancel"))
    assert gone.status_code == 303, gone.text
    assert TIMED not in passed.upstream.rows["interviews"]


def test_an_interviewer_answers_in_the_account_and_the_organizer_stays(tenant: Tenant, passed: Passing) -> None:
    with signed_in(tenant, BOB, Role.INTERVIEWER) as browser, tenant.open_client() as client:
        before = client.get(f"/v1/scheduled_interviews/{TIMED}").json()["organizer"]
        assert submit(browser, f"/interviews/{TIMED}/answer", answer="declined").status_code == 303
        after = client.get(f"/v1/scheduled_interviews/{TIMED}").json()
        assert submit(browser, "/interviews/9002/answer", answer="declined").status_code == 404, "not on its panel"
    (written,) = passed.upstream.written
    assert written.user == BOB
    answers = {each["user_id"]: each["response_status"] for each in written.body["interviewers"]}
    assert answers == {ANN: "accepted", BOB: "declined"}
    assert (after["organizer"], after["interviewers"][1]["response_status"]) == (before, "declined")


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        (403, "erlaubt diese Änderung nicht"),
        (429, "ausgelastet"),
        (500, "Vielleicht hat das Konto die Änderung gemacht"),
    ],
)
def test_what_the_account_refuses_is_shown_in_the_form(
    browser: httpx.Client, passed: Passing, answer: int, shown: str
) -> None:
    submit(browser, "/preferences", **_GERMAN)
    one = f"/interviews/{TIMED}"
    typed = {"day": "2030-01-02", "start": "10:30", "minutes": "45", "location": "Attic", "kind": "timed"}
    passed.upstream.write_faults.append(status(answer))
    moved = browser.post(f"{one}/move", data={**typed, **_version(browser, f"{one}/move")})
    assert moved.status_code == 422
    assert shown in moved.text
    assert 'value="Attic"' in moved.text, "what was typed is kept"


def test_a_mirror_that_passes_nothing_through_has_no_forms(tenant: Tenant, upstream: V3Upstream) -> None:
    with mirroring_of(tenant, upstream) as mirroring:
        mirroring.round()
    with signed_in(tenant, ANN, Role.COORDINATOR) as browser:
        assert 'href="/interviews/new"' not in browser.get("/todo").text
        assert 'href="/interviews/9001/move"' not in browser.get(f"/interviews/{TIMED}").text
        refused = _schedule(browser)
        assert (refused.status_code, "This schedule is a copy" in refused.text) == (403, True)


def test_other_records_of_a_mirror_have_no_forms(browser: httpx.Client) -> None:
    assert "Add a candidate" not in browser.get("/interviews/new").text
    assert "Add a person" not in browser.get(_NEW).text
    refused = submit(browser, "/interviews/new", first_name="Ana", last_name="Lloyd", new_job="Pilot")
    assert (refused.status_code, "Only interviews can be changed here" in refused.text) == (403, True)
    repaired = submit(browser, f"/interviews/{TIMED}/repair", person=str(BOB), joining=str(ANN))
    assert repaired.status_code in (403, 404, 422), repaired.text
