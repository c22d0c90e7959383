"""A mirror equals its account, whatever happens there: random changes, rounds and deaths, against a plain model.

The model joins the rows of the upstream in the simplest way, each time it is asked.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rowen.interviews.interview import ScheduledInterview, problems
from rowen.mirror import join, rows
from rowen.mirror.join import Known, LeftOut
from tests.support import v3_account
from tests.support.harness import Harness, opened
from tests.support.mirroring import mirroring_of
from tests.support.records import Record
from tests.support.storage import SQLITE
from tests.support.strategies import PROFILE
from tests.support.v3_upstream import V3Upstream, v3_upstream

STATUSES = ["to_be_scheduled", "scheduled", "awaiting_feedback", "complete", "skipped", "sent"]
V1_STATUSES = {"scheduled", "awaiting_feedback", "complete"}
IDS = st.integers(1, 6)
TIME = "2026-11-01T12:00:00.000Z"

_interviews = st.fixed_dictionaries(
    {"status": st.sampled_from(STATUSES), "organizer_id": st.none() | IDS, "job_interview_id": st.none() | IDS},
    optional={"starts_at": st.none() | st.just("2030-01-01T09:00:00.000Z"), "location": st.sampled_from(["A", "B"])},
)
_seats = st.fixed_dictionaries(
    {
        "interview_id": IDS,
        "user_id": st.none() | IDS,
        "scorecard_id": st.none() | IDS,
        "email": st.just("guest@example.com"),
        "response_status": st.sampled_from(["accepted", "declined", None, "unheard_of"]),
    }
)
_rows = st.one_of(
    st.tuples(st.just("interviews"), IDS, _interviews),
    st.tuples(st.just("interviewers"), IDS, _seats),
    st.tuples(st.just("users"), IDS, st.fixed_dictionaries({"name": st.sampled_from(["Ann", "Bob", None])})),
    st.tuples(st.just("job_interviews"), IDS, st.fixed_dictionaries({"name": st.sampled_from(["Bread", "Cake"])})),
    st.tuples(st.just("scorecards"), IDS, st.fixed_dictionaries({"status": st.sampled_from(["draft", "complete"])})),
)
_events = st.one_of(
    st.tuples(st.just("put"), _rows),
    st.tuples(st.just("put"), _rows),
    st.tuples(st.just("remove"), _rows),
    st.tuples(st.just("round"), st.none()),
    st.tuples(st.just("restart"), st.none()),
)


@pytest.fixture(scope="module")
def harness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    folder: Path = tmp_path_factory.mktemp("mirror")
    with opened(SQLITE.new_database(folder)) as harness:
        yield harness


@given(events=st.lists(_events, max_size=25))
@settings(PROFILE, max_examples=SQLITE.scaled(60), suppress_health_check=list(HealthCheck))
def test_a_mirror_equals_its_account(harness: Harness, events: list[tuple[str, Any]]) -> None:
    with v3_upstream() as upstream, mirroring_of(harness.tenant(), upstream) as mirroring:
        mirroring.round()
        for what, row in events:
            upstream.advance(1_000)
            if what == "put":
                resource, identifier, fields = row
                upstream.put(resource, {"id": identifier, **DEFAULTS.get(resource, {}), **fields})
            elif what == "remove":
                resource, identifier, _ = row
                if identifier in upstream.rows.get(resource, {}):
                    upstream.remove(resource, identifier)
            elif what == "restart":
                mirroring.restart()
            else:
                mirroring.round()
        mirroring.sweep()
        assert {key: summary(each) for key, each in mirroring.interviews().items()} == model(upstream)
        feed = harness.run(harness.store.feed.after(mirroring.tenant.organization, 0, 1_000))
        newest = {json.loads(each.summary)["scheduled_interview_id"]: each.kind for each in feed.entries}
        shown = {key for key, kind in newest.items() if key is not None and kind != "cancelled"}
        assert shown == set(mirroring.interviews()), "every interview that is there, and no other"


DEFAULTS: dict[str, dict[str, Any]] = {"interviews": {"application_id": 70}, "scorecards": {"application_id": 70}}


def model(upstream: V3Upstream) -> dict[int, Any]:
    """Return what v1 shows of the upstream's rows."""

    def name(resource: str, identifier: int | None) -> str | None:
        row = upstream.rows.get(resource, {}).get(identifier or 0)
        return None if row is None else row["name"]

    found = {}
    for row in upstream.rows.get("interviews", {}).values():
        if row["status"] not in V1_STATUSES or not row.get("starts_at"):
            continue
        panel = []
        for _, seat in sorted(upstream.rows.get("interviewers", {}).items()):
            if seat["interview_id"] == row["id"]:
                scorecard = upstream.rows.get("scorecards", {}).get(seat["scorecard_id"] or 0, {})
                answer = seat["response_status"]
                panel.append(
                    (
                        seat["user_id"],
                        name("users", seat["user_id"]),
                        answer if answer in ("accepted", "declined") else "needs_action",
                        seat["scorecard_id"] if scorecard.get("status") == "complete" else None,
                    )
                )
        reference, organizer = row["job_interview_id"], row["organizer_id"]
        found[row["id"]] = (
            row["status"],
            row.get("location"),
            reference and (reference, name("job_interviews", reference)),
            organizer and (organizer, name("users", organizer)),
            panel,
        )
    return found


def summary(interview: Record) -> Any:
    """Return the part of an interview that the model knows."""
    reference, organizer = interview["interview"], interview["organizer"]
    return (
        interview["status"],
        interview["location"],
        reference and (reference["id"], reference["name"]),
        organizer and (organizer["id"], organizer["name"]),
        [
            (each["id"], each["name"], each["response_status"], each["scorecard_id"])
            for each in interview["interviewers"]
        ],
    )


_moments = st.none() | st.datetimes().map(lambda each: f"{each.isoformat(timespec='milliseconds')}Z") | st.just("soon")
_dates = st.none() | st.dates()


@given(
    status=st.sampled_from(STATUSES),
    times=st.tuples(_moments, _moments),
    dates=st.tuples(_dates, _dates),
    panel=st.lists(st.tuples(st.none() | IDS, st.none() | st.text(max_size=5), st.none() | st.text(max_size=5))),
)
@PROFILE
def test_every_row_has_a_sound_v1_form_or_none(
    status: str, times: tuple[Any, Any], dates: tuple[Any, Any], panel: list[tuple[Any, Any, Any]]
) -> None:
    row = rows.Interview(
        id=v3_account.TIMED,
        created_at=TIME,
        application_id=70,
        status=status,
        starts_at=times[0],
        ends_at=times[1],
        all_day_start_on=dates[0],
        all_day_end_on=dates[1],
    )
    seats = [
        rows.Interviewer(id=number, user_id=user, email=email, response_status=answer)
        for number, (user, email, answer) in enumerate(panel, 1)
    ]
    made = join.interview(row, 0, seats, Known())
    if isinstance(made, ScheduledInterview):
        assert status in V1_STATUSES
        assert problems(made) == []
    else:
        assert isinstance(made, LeftOut)
