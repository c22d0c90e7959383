"""The demo's applications have names, and its jobs plans."""

from datetime import date
from typing import Any, Final

import msgspec

from rowen.demo.data import invented_interviews, reference_interviews
from rowen.demo.hiring import hiring_records

INTERVIEWS: Final = [*reference_interviews(), *invented_interviews(date(2026, 11, 29))]


def records() -> dict[str, dict[int, dict[str, Any]]]:
    found: dict[str, dict[int, dict[str, Any]]] = {}
    for row in hiring_records(INTERVIEWS):
        found.setdefault(row.resource, {})[row.id] = msgspec.json.decode(row.document or b"")
    return found


def test_every_application_has_a_candidate_and_a_job() -> None:
    found = records()
    assert found["applications"].keys() == {each.application_id for each in INTERVIEWS}
    for application in found["applications"].values():
        candidate = found["candidates"][application["candidate_id"]]
        assert candidate["application_ids"] == [application["id"]]
        assert candidate["applications"][0]["jobs"] == application["jobs"]
        assert application["jobs"][0]["name"] == found["jobs"][application["jobs"][0]["id"]]["name"]
        assert application["current_stage"]["id"] in found["job_stages"]
    names = {(each["first_name"], each["last_name"]) for each in found["candidates"].values()}
    assert len(names) == len(found["candidates"])


def test_every_job_has_a_plan_of_three_to_five_interviews() -> None:
    found = records()
    assert {each["job_id"] for each in found["job_stages"].values()} == found["jobs"].keys()
    for job in found["jobs"]:
        stages = [each for each in found["job_stages"].values() if each["job_id"] == job]
        planned = [each for stage in stages for each in stage["interviews"]]
        assert 3 <= len(planned) <= 5
        assert [each["priority"] for each in stages] == list(range(len(stages)))
        assert all(each["default_interviewer_users"] for each in planned)
    ids = [each["id"] for stage in found["job_stages"].values() for each in stage["interviews"]]
    assert len(set(ids)) == len(ids)


def test_every_interview_is_of_the_plan_of_its_job() -> None:
    found = records()
    planned = {
        (stage["job_id"], each["id"]): each["name"]
        for stage in found["job_stages"].values()
        for each in stage["interviews"]
    }
    for interview in INTERVIEWS:
        (job,) = found["applications"][interview.application_id]["jobs"]
        assert interview.interview is not None
        assert planned[job["id"], interview.interview.id] == interview.interview.name


def test_open_jobs_have_the_applications() -> None:
    found = records()
    applied = {each["jobs"][0]["id"] for each in found["applications"].values()}
    assert applied == {each["id"] for each in found["jobs"].values() if each["status"] == "open"}
    assert {each["status"] for each in found["jobs"].values()} == {"open", "closed", "draft"}
    openings = [each["id"] for job in found["jobs"].values() for each in job.get("openings") or ()]
    assert len(set(openings)) == len(openings)


def test_interviews_still_to_come_belong_to_active_applications() -> None:
    found = records()
    for interview in INTERVIEWS:
        if interview.status != "complete":
            assert found["applications"][interview.application_id]["status"] == "active"
    assert {each["status"] for each in found["applications"].values()} == {"active", "rejected", "hired"}


def test_the_same_interviews_give_the_same_records() -> None:
    assert hiring_records(INTERVIEWS) == hiring_records(INTERVIEWS)
