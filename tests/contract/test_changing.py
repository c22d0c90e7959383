"""Changing and deleting interviews: which, by whom, and the bytes of the response (contract section 4)."""

import pytest

from tests.support.harness import Harness
from tests.support.hiring_teams import (
    ACTIVE,
    ADA,
    HIRED,
    INTERVIEWS,
    LONG_AGO,
    REJECTED,
    STRICT,
    UNKNOWN,
    HiringTeam,
    accepted,
    body,
    errors_of,
    guest,
    hiring_team,
    new_event,
    refused_fields,
    written,
)
from tests.support.records import Record, record

# --- PATCH


@pytest.mark.parametrize("path", [INTERVIEWS, STRICT])
def test_a_patch_changes_what_it_names(team: HiringTeam, path: str) -> None:
    made = team.schedule(location="Here")
    event = new_event()
    for changes, served in (
        ({"location": "There"}, {"location": "There"}),
        ({"location": None}, {"location": None}),
        ({"external_event_id": event}, {"external_event_id": event}),
        ({"video_conferencing_url": "http://video.example"}, {"video_conferencing_url": "http://video.example"}),
        ({"start": "2049-03-26T23:00:00+01:00"}, {"start": {"date_time": "2049-03-26T22:00:00.000Z"}}),
        ({"end": {"date_time": "2049-03-26T23:30:00Z"}}, {"end": {"date_time": "2049-03-26T23:30:00.000Z"}}),
        (
            {"start": {"date": "2049-03-26"}, "end": {"date": "2049-03-27"}},
            {"start": {"date": "2049-03-26"}, "end": {"date": "2049-03-27"}},
        ),
    ):
        answer = team.patch(f"{path}/{made['id']}", changes)
        changed = accepted(answer)
        assert changed["updated_at"] > made["updated_at"]
        assert answer.content == written({**made, **served, "updated_at": changed["updated_at"]})
        assert team.client.get(f"{STRICT}/{made['id']}").content == answer.content
        made = changed
    assert team.kinds() == ["created", *["updated"] * 4, *["rescheduled"] * 3]


@pytest.mark.parametrize("names", [(), ("location", "external_event_id"), ("start", "end")])
def test_a_patch_that_changes_nothing_is_not_a_change(team: HiringTeam, names: tuple[str, ...]) -> None:
    asked = body(location="Here")
    made = team.post(INTERVIEWS, asked)
    with team.unchanged():
        again = team.patch(f"{INTERVIEWS}/{accepted(made)['id']}", {name: asked[name] for name in names})
        assert again.status_code == 200
        assert (again.content, again.headers["etag"]) == (made.content, made.headers["etag"])


def test_fields_that_a_patch_may_not_have(team: HiringTeam) -> None:
    made = team.schedule()
    names = ["application_id", "interview_id", "id", "status", "created_at", "updated_at", "organizer", "interview"]
    with team.unchanged():
        answer = team.patch(f"{INTERVIEWS}/{made['id']}", {name: made.get(name, 1) for name in names})
        assert refused_fields(answer) == names


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"start": "2049-03-26T23:00:00.001Z"}, ["start"]),
        ({"end": "2049-03-26"}, ["end"]),
        ({"start": {"date": "2049-03-26"}}, ["start"]),
        ({"start": None, "end": None, "external_event_id": None}, ["start", "end", "external_event_id"]),
        ({"interviewers": None}, ["interviewers"]),
        ({"interviewers": []}, ["interviewers"]),
    ],
)
def test_a_patch_must_make_sense_with_what_there_is(team: HiringTeam, changes: Record, fields: list[str]) -> None:
    made = team.schedule()
    with team.unchanged():
        assert refused_fields(team.patch(f"{INTERVIEWS}/{made['id']}", changes)) == fields


def test_the_old_form_of_a_patch_knows_no_guests(team: HiringTeam) -> None:
    made = team.schedule()
    asked = {"interviewers": [guest("stranger@elsewhere.example")]}
    with team.unchanged():
        assert refused_fields(team.patch(f"{STRICT}/{made['id']}", asked)) == ["interviewers[0].email"]
    assert accepted(team.patch(f"{INTERVIEWS}/{made['id']}", asked))["interviewers"][0]["id"] is None


# --- what can be changed


def _refused(team: HiringTeam, identifier: int) -> set[tuple[str, ...]]:
    """Return the fields named by the refusals of a PATCH, in both forms, and a DELETE."""
    with team.unchanged():
        answers = [
            team.patch(f"{INTERVIEWS}/{identifier}", {"location": "Elsewhere"}),
            team.patch(f"{STRICT}/{identifier}", {"location": "Elsewhere"}),
            team.delete(f"{STRICT}/{identifier}"),
        ]
        return {tuple(refused_fields(each)) for each in answers}


def test_only_interviews_made_through_the_api_can_be_changed(team: HiringTeam) -> None:
    team.merge([record(1, application_id=ACTIVE)])
    assert _refused(team, 1) == {("id",)}
    team.merge([record(2, application_id=ACTIVE)], created_through_api=True)
    assert team.change(2, location="Elsewhere")["location"] == "Elsewhere"


def test_a_complete_interview_cannot_be_changed(team: HiringTeam) -> None:
    made = team.schedule(**LONG_AGO)
    team.score(made["id"], ADA)
    assert _refused(team, made["id"]) == {("status",)}


@pytest.mark.parametrize("application", [REJECTED, HIRED])
def test_an_interview_of_an_application_that_is_over_cannot_be_changed(team: HiringTeam, application: int) -> None:
    team.merge([record(1, application_id=application)], created_through_api=True)
    assert _refused(team, 1) == {("application_id",)}


def test_interviews_that_await_feedback_can_be_changed_and_deleted(team: HiringTeam) -> None:
    made = team.schedule(**LONG_AGO)
    assert team.change(made["id"], location="Elsewhere")["status"] == "awaiting_feedback"
    accepted(team.delete(f"{STRICT}/{made['id']}"))


def test_an_unknown_interview_is_not_found(team: HiringTeam, harness: Harness) -> None:
    with hiring_team(harness) as other:
        foreign = [other.schedule() for _ in range(3)][-1]["id"]
        with other.unchanged(), team.unchanged():
            for identifier in (UNKNOWN, foreign, "x", 0, 2**53, "1%20"):
                for answer in (
                    team.patch(f"{INTERVIEWS}/{identifier}", {"location": "Here"}),
                    team.patch(f"{STRICT}/{identifier}", {}),
                    team.delete(f"{STRICT}/{identifier}"),
                ):
                    assert (answer.status_code, answer.content) == (404, b'{"message":"Resource not found"}')


# --- external_event_id


def test_an_external_event_id_is_unique_until_it_is_free_again(team: HiringTeam, harness: Harness) -> None:
    made, other = team.schedule(), team.schedule()
    event = made["external_event_id"]
    with team.unchanged():
        refused = team.post(INTERVIEWS, body(external_event_id=event))
        assert str(made["id"]) in errors_of(refused)["external_event_id"]
        assert refused_fields(team.patch(f"{INTERVIEWS}/{other['id']}", {"external_event_id": event})) == [
            "external_event_id"
        ]
    with hiring_team(harness) as another:
        assert another.schedule(external_event_id=event)["external_event_id"] == event
    team.change(made["id"], external_event_id=new_event())
    assert team.change(other["id"], external_event_id=event)["external_event_id"] == event
    accepted(team.delete(f"{STRICT}/{other['id']}"))
    assert team.schedule(external_event_id=event)["external_event_id"] == event


def test_an_imported_interview_holds_its_event_too(team: HiringTeam) -> None:
    team.merge([record(1, external_event_id="Größe, 1")])
    with team.unchanged():
        assert refused_fields(team.post(INTERVIEWS, body(external_event_id="Größe, 1"))) == ["external_event_id"]


def test_an_event_that_was_imported_twice_may_stay(team: HiringTeam) -> None:
    team.merge(
        [record(each, external_event_id="shared", application_id=ACTIVE) for each in (1, 2)], created_through_api=True
    )
    assert team.change(2, external_event_id="shared", location="Elsewhere")["location"] == "Elsewhere"


# --- DELETE


def test_a_deleted_interview_is_gone_and_leaves_a_tombstone(team: HiringTeam) -> None:
    made = team.schedule()
    path = f"{STRICT}/{made['id']}"
    answer = team.delete(path)
    assert answer.status_code == 200
    assert answer.content == b'{"message":"Interview %d has been deleted."}' % made["id"]
    assert answer.headers["content-type"] == "application/json;charset=utf-8"
    with team.unchanged():
        for again in (team.client.get(path), team.delete(path), team.patch(f"{INTERVIEWS}/{made['id']}", {})):
            assert again.status_code == 404
    assert team.client.get(STRICT).content == b"[]"
    assert team.changes()[-1]["document"] == made
