"""Changes as sentences: one for each kind, and nothing that would control a terminal."""

import json
from datetime import UTC, timedelta, timezone
from typing import Any

import pytest

from rowen.cli.change_descriptions import describe, read_entry
from rowen.interviews.changes import Kind

KATE = {"id": 4080, "name": "Kate Austen", "email": "kate@example.com"}
GUEST = {"id": None, "name": None, "email": "guest@example.com"}
DOCUMENT = {
    "id": 9128481,
    "start": {"date_time": "2024-03-26T22:15:00.000Z"},
    "interview": {"id": 7, "name": "Culture Fit"},
    "interviewers": [KATE, GUEST],
}
INTERVIEW = "interview 9128481 (Culture Fit), Tue 26 Mar 22:15"


def entry(kind: str, *fields: tuple[str, Any, Any], **changes: Any) -> bytes:
    """Return an entry of the feed."""
    found = {
        "revision": 12,
        "time": "2024-03-25T14:02:11.000Z",
        "kind": kind,
        "actor": {"kind": "user", "id": 2000, "name": "Jack Shepard", "api_key": "script"},
        "scheduled_interview_id": 9128481,
        "resource": "scheduled_interviews",
        "counts": None,
        "fields": [{"field": field, "before": before, "after": after} for field, before, after in fields],
        "document": DOCUMENT,
        **changes,
    }
    return json.dumps(found).encode()


CASES = {
    "created": (entry("created"), f"Jack Shepard scheduled {INTERVIEW}"),
    "rescheduled": (
        entry("rescheduled", ("start", {"date_time": "2024-03-25T20:00:00.000Z"}, DOCUMENT["start"])),
        f"Jack Shepard moved {INTERVIEW}, before Mon 25 Mar 20:00",
    ),
    "rescheduled, its end only": (entry("rescheduled", ("end", {}, {})), f"Jack Shepard moved {INTERVIEW}"),
    "panel_changed": (
        entry("panel_changed", ("interviewers.4080", None, KATE), ("interviewers.guest@example.com", GUEST, None)),
        f"Jack Shepard changed the panel of {INTERVIEW}: Kate Austen joins, guest@example.com leaves",
    ),
    "responded": (
        entry("responded", ("interviewers.4080.response_status", "needs_action", "accepted")),
        f"Kate Austen accepted {INTERVIEW}",
    ),
    "responded, two": (
        entry(
            "responded",
            ("interviewers.4080.response_status", "needs_action", "declined"),
            ("interviewers.guest@example.com.response_status", "needs_action", "tentative"),
        ),
        f"Kate Austen declined and guest@example.com may come to {INTERVIEW}",
    ),
    "updated": (
        entry("updated", ("location", None, "Hatch"), ("video_conferencing_url", None, "https://example.com")),
        f"Jack Shepard changed {INTERVIEW}: location, video conferencing url",
    ),
    "status_changed": (
        entry("status_changed", ("status", "scheduled", "awaiting_feedback"), actor={"kind": "clock"}),
        f"{INTERVIEW} awaits feedback",
    ),
    "scored": (
        entry("scored", ("interviewers.4080.scorecard_id", None, 9), ("status", "awaiting_feedback", "complete")),
        f"Kate Austen scored {INTERVIEW}",
    ),
    "score_removed": (
        entry("score_removed", ("interviewers.4080.scorecard_id", 9, None)),
        f"Jack Shepard took back the scorecard of Kate Austen for {INTERVIEW}",
    ),
    "person_renamed": (
        entry("person_renamed", ("interviewers.4080.name", "Kate Ford", "Kate Austen")),
        f"Kate Ford is now Kate Austen in {INTERVIEW}",
    ),
    "person_renamed, the organizer": (
        entry("person_renamed", ("organizer", {"id": 1, "name": "Jack"}, {"id": 1, "name": "Jack Shepard"})),
        f"Jack is now Jack Shepard in {INTERVIEW}",
    ),
    "cancelled": (entry("cancelled"), f"Jack Shepard cancelled {INTERVIEW}"),
    "imported": (
        entry(
            "imported",
            actor={"kind": "import"},
            counts={"new": 480, "changed": 20},
            scheduled_interview_id=None,
            document=None,
        ),
        "an import imported 480 new and 20 changed scheduled interviews",
    ),
    "recorded": (
        entry(
            "recorded",
            ("4080.name", None, "Kate Austen"),
            resource="users",
            counts={"new": 1, "changed": 0},
            scheduled_interview_id=None,
            document=None,
        ),
        "Jack Shepard added user 4080",
    ),
    "recorded, changed": (
        entry(
            "recorded",
            ("6001.name", "Face", "Face to Face"),
            ("6001.job_id", 1, 2),
            resource="job_stages",
            counts={"new": 0, "changed": 1},
            scheduled_interview_id=None,
            document=None,
        ),
        "Jack Shepard changed job stage 6001: name, job id",
    ),
    "repaired": (
        entry("repaired", ("updated_at", "2030-01-01T00:00:00.000Z", None), actor={"kind": "operator"}),
        f"the operator repaired the times of {INTERVIEW}",
    ),
    "repaired, records": (
        entry(
            "repaired",
            actor={"kind": "operator"},
            resource="job_stages",
            counts={"new": 0, "changed": 3},
            scheduled_interview_id=None,
            document=None,
        ),
        "the operator repaired the times of 3 job stages",
    ),
    "of a newer Rowen": (entry("moved_to_mars"), f"Jack Shepard: moved to mars, {INTERVIEW}"),
}


@pytest.mark.parametrize("case", CASES)
def test_every_kind_has_its_sentence(case: str) -> None:
    body, expected = CASES[case]
    assert describe(read_entry(body), UTC) == expected


def test_no_kind_is_left_out() -> None:
    assert {case.partition(",")[0] for case in CASES} >= set(Kind)


def test_times_are_those_of_the_zone() -> None:
    east = timezone(timedelta(hours=9))
    assert describe(read_entry(entry("cancelled")), east).endswith("Wed 27 Mar 07:15")


def test_another_year_is_named_and_a_day_has_no_time() -> None:
    later = {**DOCUMENT, "start": {"date": "2025-01-02"}}
    assert describe(read_entry(entry("created", document=later)), UTC).endswith("(Culture Fit), Thu 02 Jan 2025")
    timed = {**DOCUMENT, "start": {"date_time": "2025-01-02T08:00:00.000Z"}}
    assert describe(read_entry(entry("created", document=timed)), UTC).endswith("Thu 02 Jan 2025 08:00")


def test_unknown_fields_are_left_out() -> None:
    bare = entry("responded", document=None, actor={"kind": "user", "id": 7})
    assert describe(read_entry(bare), UTC) == "user 7 answered interview 9128481"


def test_a_name_cannot_command_the_terminal() -> None:
    hostile = {"kind": "user", "id": 1, "name": "Jack\x1b[2J\r\nall is well\u202e\x9b"}
    said = describe(read_entry(entry("cancelled", actor=hostile)), UTC)
    assert said.isprintable()
    assert said.startswith("Jack\ufffd[2J\ufffd\ufffdall is well\ufffd\ufffd cancelled")
