"""The life of an interview (contract section 5): its status by time, by clients and by scorecards.

The clocks of these servers are real: tests wait for the end of an interview by following the feed.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rowen.api.codec import documents
from rowen.app import scheduling
from rowen.app.unit_of_work import UnitOfWork, WriteResult
from rowen.interviews.interview import Moment, ResponseStatus
from rowen.interviews.moments import Instant
from rowen.interviews.scheduling import InterviewerInput, InterviewFields
from tests.support.events import following
from tests.support.harness import Harness, served
from tests.support.hiring_teams import (
    ACTIVE,
    ADA,
    CHANGES,
    LONG_AGO,
    STAGE_INTERVIEW,
    HiringTeam,
    hiring_team,
    new_event,
    seat,
)
from tests.support.records import Record, record
from tests.support.server import serving
from tests.support.storage import Storage

pytestmark = pytest.mark.slow

MINUTE = 60_000


@pytest.fixture(scope="module", params=["1", "2"], ids=["one_worker", "two_workers"])
def clocked(
    request: pytest.FixtureRequest, storage: Storage, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Harness]:
    """Return a server of one worker, and one of two."""
    database = storage.new_database(tmp_path_factory.mktemp("life"))
    with served(database, "--workers", request.param) as made:
        yield made


def soon(milliseconds: int) -> Record:
    """Return the times of an interview that ends in a moment."""
    end = datetime.now(UTC) + timedelta(milliseconds=milliseconds)
    return {"start": (end - timedelta(hours=1)).isoformat(), "end": end.isoformat()}


def ending_soon(
    team: HiringTeam,
    count: int = 1,
    milliseconds: int = 1_000,
    then: Callable[[Sequence[Record]], object] = lambda _: None,
    **others: Any,
) -> tuple[list[Record], int]:
    """Schedule interviews that end in a moment, but not before all are there, and what comes `then` is done.

    If this machine takes longer, others end later. Return the interviews, and the revision before them.
    """
    while True:
        before, times = newest_revision(team), soon(milliseconds)
        made = [team.schedule(**times, **others) for _ in range(count)]
        then(made)
        if datetime.now(UTC) < datetime.fromisoformat(times["end"]):
            return made, before
        for each in made:
            team.delete(f"/v1/scheduled_interviews/{each['id']}")
        milliseconds *= 2


def moves(team: HiringTeam, after: int, interviews: set[int]) -> list[Record]:
    """Wait until the clock has moved each of some interviews after a revision, and return these changes."""
    found: list[Record] = []
    with following(team.client, f"{CHANGES}?after={after}") as stream:
        while len(found) < len(interviews):
            change = stream.next()["data"]
            if change["kind"] == "status_changed" and change["scheduled_interview_id"] in interviews:
                found.append(change)
    return found


def test_an_interview_awaits_feedback_once_its_end_passes(clocked: Harness) -> None:
    with hiring_team(clocked) as team:
        (made,), before = ending_soon(team, interviewers=[seat(ADA), seat(4002)])
        assert made["status"] == "scheduled"
        (moved,) = moves(team, before, {made["id"]})
        assert moved["revision"] == before + 2, "right after it was created"
        assert moved["actor"]["kind"] == "clock"
        assert moved["fields"] == [{"field": "status", "before": "scheduled", "after": "awaiting_feedback"}]
        after = team.get(made["id"])
        assert after == {**made, "status": "awaiting_feedback", "updated_at": after["updated_at"]} == moved["document"]
        assert made["end"]["date_time"] <= after["updated_at"] == moved["time"]
        synced = team.client.get("/v1/scheduled_interviews", params={"updated_after": after["updated_at"]})
        assert synced.json() == [after]


def test_the_clock_moves_each_interview_once(clocked: Harness) -> None:
    with hiring_team(clocked) as team:
        beyond = team.schedule()
        made, before = ending_soon(team, 30, 1_500)
        ids = {each["id"] for each in made}
        moved = moves(team, before, ids)
        assert {each["scheduled_interview_id"] for each in moved} == ids
        assert [each["revision"] for each in moved] == list(range(before + 31, before + 61))
        # The next one due is later than all of these: none of them was updated again.
        (last,), before = ending_soon(team)
        (moved_last,) = moves(team, before, {last["id"]})
        again = [each for each in team.changes() if each["scheduled_interview_id"] in ids][60:]
        assert (again, moved_last["revision"]) == ([], before + 2)
        assert team.get(beyond["id"])["status"] == "scheduled"


def test_the_clock_looks_after_the_grace(clocked: Harness) -> None:
    with hiring_team(clocked) as team:
        team.change_settings(grace=60 * MINUTE)
        made = team.schedule(**LONG_AGO)
        assert made["status"] == "awaiting_feedback"
        waiting = team.schedule(**soon(-59 * MINUTE))
        assert waiting["status"] == "scheduled"
        revision = team.changes()[-1]["revision"]
        team.change_settings(grace=58 * MINUTE)
        (moved,) = moves(team, revision, {waiting["id"]})
        assert moved["document"]["status"] == "awaiting_feedback"


def test_imported_interviews_keep_their_status(clocked: Harness) -> None:
    with hiring_team(clocked) as team:
        panel = [{**record(1)["interviewers"][0], "scorecard_id": None}]
        long_over = record(1, status="scheduled", application_id=ACTIVE, interviewers=panel)
        team.merge([long_over], created_through_api=True)
        (made,), before = ending_soon(team)
        (moved,) = moves(team, before, {made["id"]})
        assert moved["revision"] == before + 2, "the clock passed over what was due for longest"
        assert team.get(1) == long_over
        assert team.change(1, location="Elsewhere")["status"] == "awaiting_feedback", "until something happens to it"


def newest_revision(team: HiringTeam) -> int:
    """Return the newest revision."""
    newest: int = team.client.get(CHANGES, params={"after": "now"}).json()["last_revision"]
    return newest


def test_the_clock_catches_up_after_it_was_off(database: str) -> None:
    with served(database) as harness, hiring_team(harness) as team:
        team.schedule()
        harness.server.stop()
        ids = [_schedule_an_hour_ago(team) for _ in range(3)]
        with (
            serving(database, ["--workers", "2"]) as server,
            server.client(team.key) as client,
            following(client, f"{CHANGES}?after=0") as stream,
        ):
            seen: list[Record] = []
            while len([each for each in seen if each["kind"] == "status_changed"]) < len(ids):
                seen.append(stream.next()["data"])
            moved = [each for each in seen if each["kind"] == "status_changed"]
            assert [each["scheduled_interview_id"] for each in moved] == ids
            assert {each["document"]["status"] for each in moved} == {"awaiting_feedback"}


def _schedule_an_hour_ago(team: HiringTeam) -> int:
    """Create an interview as it was created when its end was in the future; return its id."""
    now = Instant.of(datetime.now(UTC))
    start, end = Instant(now - 50 * MINUTE), Instant(now - 10 * MINUTE)
    fields = InterviewFields(
        application_id=ACTIVE,
        interview_id=STAGE_INTERVIEW,
        interviewers=(InterviewerInput(user_id=ADA, response_status=ResponseStatus.ACCEPTED),),
        start=Moment(date_time=start),
        end=Moment(date_time=end),
        external_event_id=new_event(),
        on_behalf_of=ADA,
    )

    async def work(unit: UnitOfWork) -> WriteResult:
        return WriteResult((await scheduling.schedule(unit, fields, "test")).document)

    harness = team.harness
    harness.clock.instant = Instant(now - 60 * MINUTE)
    written = harness.run(harness.store.writing.write(team.organization, work))
    made = documents.decode(written.body)
    assert made.status == "scheduled"
    return made.id


# --- changes by clients


def test_rescheduling_brings_an_interview_back(team: HiringTeam) -> None:
    made = team.schedule(**LONG_AGO)
    assert made["status"] == "awaiting_feedback"
    moved = team.change(made["id"], start="2049-03-26T10:00Z", end="2049-03-26T11:00Z")
    assert moved["status"] == "scheduled"
    back = team.change(made["id"], **LONG_AGO)
    assert back["status"] == "awaiting_feedback"
    assert team.kinds() == ["created", "rescheduled", "rescheduled"], "one change each, its status with it"


def test_an_interview_that_was_brought_back_is_moved_again(harness: Harness) -> None:
    with hiring_team(harness) as team:
        made = team.schedule(**LONG_AGO)
        before, milliseconds = newest_revision(team), 700
        while team.change(made["id"], **soon(milliseconds))["status"] != "scheduled":
            milliseconds *= 2
        (moved,) = moves(team, before, {made["id"]})
        assert moved["document"]["status"] == "awaiting_feedback"


def test_postponed_and_deleted_interviews_are_not_updated(harness: Harness) -> None:
    with hiring_team(harness) as team:

        def postpone_and_delete(made: Sequence[Record]) -> None:
            team.change(made[0]["id"], end="2049-03-26T10:00Z")
            assert team.delete(f"/v1/scheduled_interviews/{made[1]['id']}").status_code == 200

        (_, _, kept), before = ending_soon(team, 3, then=postpone_and_delete)
        moves(team, before, {kept["id"]})
        kinds = [each["kind"] for each in team.changes() if each["revision"] > before]
        assert kinds == ["created"] * 3 + ["rescheduled", "cancelled", "status_changed"]


@pytest.mark.parametrize(
    ("time_zone", "days_ahead", "status"),
    [("UTC", -1, "awaiting_feedback"), ("UTC", 0, "awaiting_feedback"), ("UTC", 2, "scheduled")],
)
def test_an_all_day_interview_is_over_when_its_last_day_is(
    harness: Harness, time_zone: str, days_ahead: int, status: str
) -> None:
    with hiring_team(harness, time_zone) as team:
        behind = (datetime.now(UTC) + timedelta(days=days_ahead)).date()
        times: dict[str, Any] = {"start": {"date": "2020-01-01"}, "end": {"date": behind.isoformat()}}
        assert team.schedule(**times)["status"] == status


def test_a_day_ends_when_it_ends_for_the_organization(harness: Harness) -> None:
    # In some time zone it is always tomorrow already, and in another still yesterday.
    today = datetime.now(UTC)
    for time_zone, behind, status in (
        ("Etc/GMT-14", (today + timedelta(hours=14)).date(), "awaiting_feedback"),
        ("Etc/GMT+12", (today - timedelta(hours=12)).date() + timedelta(days=1), "scheduled"),
    ):
        with hiring_team(harness, time_zone) as team:
            times: dict[str, Any] = {"start": {"date": "2020-01-01"}, "end": {"date": behind.isoformat()}}
            assert team.schedule(**times)["status"] == status
