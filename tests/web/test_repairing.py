"""Repairing an interview whose interviewer cannot come, without JavaScript."""

import html
import re
from typing import Any, Final

import httpx
import pytest

from rowen.app.organizations import DoubleBooking
from rowen.app.roles import Role
from tests.support.hiring_teams import ADA, GRACE, KATE, LUKASZ, HiringTeam, accepted, guest, seat
from tests.support.people import signed_in, token_of
from tests.support.records import Record
from tests.support.sql import fetch

_JOB: Final = 8001
_LATER: Final = "2020-01-16T12:00:00.000Z"
_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday")
_TIMES: Final = {"start": "2049-03-24T10:00:00.000Z", "end": "2049-03-24T11:00:00.000Z"}


@pytest.fixture
def planned(team: HiringTeam) -> HiringTeam:
    """Return a team in which Ada, Grace and Kate work in the mornings; Kate and Grace usually hold the interview."""
    application = {"id": 5001, "candidate_id": 50_010, "jobs": [{"id": _JOB, "name": "Pilot"}]}
    team.merge_records("applications", [{**application, "status": "active", "last_activity_at": _LATER}])
    usual = [{"id": KATE, "name": "Kate Austen"}, {"id": GRACE, "name": "Grace Hopper"}]
    fit = {"id": 7001, "name": "Culture Fit", "estimated_minutes": 60, "default_interviewer_users": usual}
    stage = {"id": 6001, "name": "Face to Face", "job_id": _JOB, "interviews": [fit], "updated_at": _LATER}
    team.merge_records("job_stages", [stage])
    for user in (ADA, GRACE, KATE):
        _works(team, user)
    return team


def _works(team: HiringTeam, user: int, begins: str = "09:00", ends: str = "12:00") -> None:
    content = {"time_zone": "UTC", "working_hours": {each: [{"from": begins, "to": ends}] for each in _WEEKDAYS}}
    accepted(team.send("PUT", f"/rowen/v1/users/{user}/availability", content))


def _broken(team: HiringTeam, **changes: Any) -> Record:
    """Return an interview that Kate has declined."""
    panel = [seat(KATE, "declined"), seat(ADA, "accepted"), guest("Guest@mail.example", "accepted", name="A Guest")]
    return team.schedule(**{"interviewers": panel, **_TIMES, **changes})


def _page(browser: httpx.Client, interview: int, person: int = KATE) -> str:
    answer = browser.get(f"/interviews/{interview}/repair", params={"person": person})
    assert answer.status_code == 200, answer.text
    return answer.text


def _forms(page: str) -> list[dict[str, str]]:
    """Return the fields of the forms that have a version, in their order."""
    found = []
    for form in re.findall(r"<form.*?</form>", page, re.DOTALL):
        fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))
        if "version" in fields:
            found.append({name: html.unescape(value) for name, value in fields.items()})
    return found


def _apply(browser: httpx.Client, interview: int, form: dict[str, str]) -> httpx.Response:
    return browser.post(f"/interviews/{interview}/repair", data=form)


def _answers(interview: Record) -> dict[str, str]:
    return {each["name"]: each["response_status"] for each in interview["interviewers"]}


def _undo(browser: httpx.Client, interview: int, done: httpx.Response) -> httpx.Response:
    """Press the button that undoes what was just done."""
    assert done.status_code == 303, done.text
    return _undo_as_shown(browser, interview, browser.get(done.headers["location"]).text)


def _undo_as_shown(browser: httpx.Client, interview: int, page: str) -> httpx.Response:
    (form,) = [each for each in re.findall(r"<form.*?</form>", page, re.DOTALL) if "/repair/undo" in each]
    fields = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form)
    named = {name: [html.unescape(value) for key, value in fields if key == name] for name, _ in fields}
    return browser.post(f"/interviews/{interview}/repair/undo", data=named)


def test_the_usual_interviewer_who_is_free_takes_the_seat_and_one_click_undoes_it(planned: HiringTeam) -> None:
    interview = _broken(planned)
    with signed_in(planned, ADA, Role.COORDINATOR) as browser:
        page = browser.get(f"/interviews/{interview['id']}").text
        assert f'/repair?person={KATE}">Find a replacement<' in page
        assert f'/repair?person={ADA}">Cannot come?<' in page
        page = _page(browser, interview["id"])
        assert "Kate Austen declined this interview." in page
        assert "Grace Hopper instead of Kate Austen" in page
        assert "<del>Kate Austen</del>" in page
        (form,) = _forms(page)
        assert form["joining"] == str(GRACE)
        done = _apply(browser, interview["id"], form)
        swapped = planned.get(interview["id"])
        assert _answers(swapped) == {"Grace Hopper": "needs_action", "Ada Lovelace": "accepted", "A Guest": "accepted"}
        assert swapped["start"] == interview["start"]
        assert _undo(browser, interview["id"], done).status_code == 303
    back = planned.get(interview["id"])
    assert back["interviewers"] == interview["interviewers"]
    assert planned.kinds()[-2:] == ["panel_changed", "panel_changed"]


def test_a_pool_fills_the_seat_with_the_least_loaded_who_are_free(planned: HiringTeam) -> None:
    _works(planned, LUKASZ)
    members = [{"user_id": each} for each in (KATE, GRACE, LUKASZ)]
    accepted(planned.post("/rowen/v1/pools", {"name": "Backend", "members": members}))
    others = {"start": "2049-03-25T10:00:00.000Z", "end": "2049-03-25T11:00:00.000Z"}
    planned.schedule(interviewers=[seat(GRACE)], application_id=5002, **others)
    interview = _broken(planned)
    with signed_in(planned, ADA, Role.COORDINATOR) as browser:
        joining = [int(each["joining"]) for each in _forms(_page(browser, interview["id"]))]
        assert joining == [LUKASZ, GRACE]
        planned.schedule(interviewers=[seat(LUKASZ)], application_id=5002, **_TIMES)
        assert [int(each["joining"]) for each in _forms(_page(browser, interview["id"]))] == [GRACE]


def test_a_pool_that_fills_seats_of_the_interview_replaces_somebody_who_is_in_none(planned: HiringTeam) -> None:
    _works(planned, LUKASZ)
    planned.schedule(interviewers=[seat(GRACE)], application_id=5002, **_TIMES)
    fills = {"name": "Backend", "members": [{"user_id": LUKASZ}], "interviews": [{"interview_id": 7001}]}
    accepted(planned.post("/rowen/v1/pools", fills))
    interview = _broken(planned)
    with signed_in(planned, ADA, Role.COORDINATOR) as browser:
        assert [int(each["joining"]) for each in _forms(_page(browser, interview["id"]))] == [LUKASZ]


def test_where_nobody_else_is_free_the_interview_is_moved_with_the_same_people(planned: HiringTeam) -> None:
    planned.schedule(interviewers=[seat(GRACE)], application_id=5002, **_TIMES)
    interview = _broken(planned)
    with signed_in(planned, ADA, Role.COORDINATOR) as browser:
        page = _page(browser, interview["id"])
        assert "15 minutes later" in page
        assert "15 minutes earlier" in page
        done = _apply(browser, interview["id"], _forms(page)[0])
        moved = planned.get(interview["id"])
        assert moved["start"] == {"date_time": "2049-03-24T10:15:00.000Z"}
        assert _answers(moved) == {"Kate Austen": "needs_action", "Ada Lovelace": "accepted", "A Guest": "accepted"}
        _undo(browser, interview["id"], done)
    back = planned.get(interview["id"])
    assert {name: back[name] for name in ("start", "end", "interviewers")} == {
        name: interview[name] for name in ("start", "end", "interviewers")
    }


def test_no_time_is_proposed_at_which_a_guest_has_another_interview(planned: HiringTeam) -> None:
    planned.schedule(interviewers=[seat(GRACE)], application_id=5002, **_TIMES)
    elsewhere = {"start": "2049-03-24T11:00:00.000Z", "end": "2049-03-24T12:00:00.000Z"}
    planned.schedule(interviewers=[seat(LUKASZ), guest("guest@mail.example")], application_id=5002, **elsewhere)
    interview = _broken(planned)
    with signed_in(planned, ADA, Role.COORDINATOR) as browser:
        page = _page(browser, interview["id"])
        assert "15 minutes later" not in page
        assert "15 minutes earlier" in page
        (earlier, *_) = _forms(page)
        start = 2_500_192_800_000 + 900_000
        later = {**earlier, "moves": f"{interview['id']}-{start}-{start + 3_600_000}"}
        assert _apply(browser, interview["id"], later).status_code == 409
        assert _apply(browser, interview["id"], earlier).status_code == 303


def test_at_last_the_interviews_of_the_day_change_places(planned: HiringTeam) -> None:
    planned.schedule(interviewers=[seat(GRACE)], application_id=5002, **_TIMES)
    later = {"start": "2049-03-24T11:00:00.000Z", "end": "2049-03-24T12:00:00.000Z"}
    _works(planned, ADA, "10:00", "12:00")
    interview = planned.schedule(interviewers=[seat(KATE, "declined")], **_TIMES)
    other = planned.schedule(interviewers=[seat(ADA, "accepted")], **later)
    with signed_in(planned, ADA, Role.COORDINATOR) as browser:
        _works(planned, KATE, "11:00", "12:00")
        page = _page(browser, interview["id"])
        assert "Another order of the day" in page
        done = _apply(browser, interview["id"], _forms(page)[0])
        assert done.status_code == 303, done.text
        assert planned.get(interview["id"])["start"] == other["start"]
        assert planned.get(other["id"])["start"] == interview["start"]
        _undo(browser, interview["id"], done)
    assert planned.get(interview["id"])["start"] == interview["start"]
    assert planned.get(other["id"])["start"] == other["start"]


@pytest.mark.parametrize("reloads", [False, True])
def test_undoing_leaves_an_interview_as_it_is_that_a_colleague_has_moved_since(
    planned: HiringTeam, *, reloads: bool
) -> None:
    planned.schedule(interviewers=[seat(GRACE)], application_id=5002, **_TIMES)
    later = {"start": "2049-03-24T11:00:00.000Z", "end": "2049-03-24T12:00:00.000Z"}
    _works(planned, ADA, "10:00", "12:00")
    interview = planned.schedule(interviewers=[seat(KATE, "declined")], **_TIMES)
    other = planned.schedule(interviewers=[seat(ADA, "accepted")], **later)
    _works(planned, KATE, "11:00", "12:00")
    with signed_in(planned, ADA, Role.COORDINATOR) as browser:
        done = _apply(browser, interview["id"], _forms(_page(browser, interview["id"]))[0])
        shown = browser.get(done.headers["location"]).text
        moved = {"start": "2049-03-25T10:00:00.000Z", "end": "2049-03-25T11:00:00.000Z"}
        accepted(planned.send("PATCH", f"/v2/scheduled_interviews/{other['id']}", moved))
        with planned.unchanged():
            page = browser.get(done.headers["location"]).text if reloads else shown
            kept = _undo_as_shown(browser, interview["id"], page)
            assert kept.headers["location"] == f"/interviews/{interview['id']}?kept=repair"
            assert "Nothing was undone." in browser.get(kept.headers["location"]).text
            unseen = {"csrf": token_of(browser), "with": str(other["id"])}
            kept = browser.post(f"/interviews/{interview['id']}/repair/undo", data=unseen)
            assert kept.headers["location"].endswith("?kept=repair"), "a form that names no version"
    assert planned.get(other["id"])["start"]["date_time"] == moved["start"]


def test_a_mirror_takes_neither_a_repair_nor_its_undoing(planned: HiringTeam) -> None:
    interview = _broken(planned)["id"]
    swapped = _broken(planned, start="2049-03-25T10:00:00.000Z", end="2049-03-25T11:00:00.000Z")["id"]
    with signed_in(planned, ADA, Role.COORDINATOR) as browser:
        (form,) = _forms(_page(browser, interview))
        done = _apply(browser, swapped, _forms(_page(browser, swapped))[0])
        page = browser.get(done.headers["location"]).text
        change = "UPDATE organizations SET mirrored_from = ? WHERE id = ?"
        fetch(planned.harness.database, change, "https://account.example", planned.organization.id)
        with planned.unchanged():
            assert _apply(browser, interview, form).status_code == 403
            assert _undo_as_shown(browser, swapped, page).status_code == 403
            answer = {"csrf": form["csrf"], "answer": "accepted"}
            assert browser.post(f"/interviews/{interview}/answer", data=answer).status_code == 403


def test_somebody_who_is_no_longer_free_or_an_older_page_changes_nothing(planned: HiringTeam) -> None:
    interview = _broken(planned)
    with signed_in(planned, ADA, Role.COORDINATOR) as browser:
        (form,) = _forms(_page(browser, interview["id"]))
        planned.schedule(interviewers=[seat(GRACE)], application_id=5002, **_TIMES)
        before = planned.get(interview["id"])
        taken = _apply(browser, interview["id"], form)
        assert taken.status_code == 409
        assert "no longer free" in taken.text
        shift = _forms(taken.text)[0]
        stale = _apply(browser, interview["id"], {**shift, "version": '"other"'})
        assert stale.status_code == 409
        assert planned.get(interview["id"]) == before


def test_nothing_is_proposed_where_nothing_fits(planned: HiringTeam) -> None:
    planned.schedule(interviewers=[seat(GRACE)], application_id=5002, **_TIMES)
    _works(planned, KATE, "10:00", "11:00")
    interview = _broken(planned)
    with signed_in(planned, ADA, Role.COORDINATOR) as browser:
        page = _page(browser, interview["id"])
        assert "Nothing fits." in page
        assert f"/interviews/{interview['id']}/panel" in page


def test_what_is_not_proposed_is_refused(planned: HiringTeam) -> None:
    planned.change_settings(DoubleBooking.ALLOW)
    interview = _broken(planned)
    stranger = planned.schedule(application_id=5002, interviewers=[seat(GRACE)], **_TIMES)
    with planned.unchanged(), signed_in(planned, ADA, Role.COORDINATOR) as browser:
        (form, *_) = _forms(_page(browser, interview["id"]))
        number, start, end = interview["id"], 2_500_200_000_000, 2_500_203_600_000
        for changes, status in (
            ({"person": "x"}, 422),
            ({"joining": "", "moves": ""}, 422),
            ({"joining": "", "moves": "1-2"}, 422),
            ({"joining": "", "moves": f"{number}-{end}-{start}"}, 422),
            ({"joining": "", "moves": f"{stranger['id']}-{start}-{end}"}, 422),
            ({"joining": "", "moves": f"{number}-{start}-{end} {stranger['id']}-{start}-{end}"}, 422),
            ({"joining": str(ADA), "moves": ""}, 422),
            ({"joining": "999", "moves": ""}, 422),
            ({"joining": str(GRACE), "person": str(LUKASZ), "moves": ""}, 422),
        ):
            assert _apply(browser, number, {**form, **changes}).status_code == status, changes
        assert browser.get(f"/interviews/{number}/repair").status_code == 404
        assert browser.get(f"/interviews/{number}/repair", params={"person": GRACE}).status_code == 404
        undo = {"csrf": token_of(browser), "version": form["version"]}
        assert browser.post(f"/interviews/{number}/repair/undo", data=undo).status_code == 422


def test_interviewers_and_other_organizations_repair_nothing(planned: HiringTeam) -> None:
    interview = _broken(planned)["id"]
    stranger = planned.harness.tenant()
    stranger.merge_records("users", [{"id": ADA, "name": "Ada Lovelace"}])
    with planned.unchanged(), signed_in(stranger, ADA, Role.ADMIN) as browser:
        assert browser.get(f"/interviews/{interview}/repair", params={"person": KATE}).status_code == 404
        form = {"csrf": token_of(browser), "person": str(KATE), "joining": str(GRACE), "version": "x"}
        assert _apply(browser, interview, form).status_code == 404
    with planned.unchanged(), signed_in(planned, KATE, Role.INTERVIEWER) as browser:
        assert "/repair?" not in browser.get(f"/interviews/{interview}").text
        assert browser.get(f"/interviews/{interview}/repair", params={"person": KATE}).status_code == 403
