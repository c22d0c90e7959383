"""Status updates: what is updated, when, and how often."""

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta

import pytest

from rowen import wiring
from rowen.api.codec import documents, holds, records, setups
from rowen.app.organizations import Organization
from rowen.app.status_updates import StatusUpdater
from rowen.interviews.errors import Unavailable
from rowen.interviews.interview import Moment, Status
from rowen.interviews.moments import Instant
from rowen.store.database import locate
from rowen.store.unit_of_work.due_interviews import DueInterviewFinder
from rowen.store.unit_of_work.unit_of_work import StoreUnitOfWorks
from tests.support.use_case_harness import BEFORE, END, START, UseCases, opened_use_cases


def test_nothing_is_written_where_nothing_is_due(use_cases: UseCases) -> None:
    use_cases.schedule()
    before = use_cases.fresh()
    assert use_cases.tick() == 0
    use_cases.clock.instant = Instant(END - 1)
    assert use_cases.tick() == 0
    assert use_cases.fresh() == before


def test_an_interview_is_moved_at_its_end(use_cases: UseCases) -> None:
    made = use_cases.schedule()
    use_cases.clock.instant = END
    assert use_cases.tick() == 1
    after = use_cases.get(made.id)
    assert (after.status, after.updated_at) == (Status.AWAITING_FEEDBACK, END)
    assert use_cases.tick() == 0


@pytest.mark.parametrize("grace", [1, 3_600_000])
def test_the_grace_is_waited_for(use_cases: UseCases, grace: int) -> None:
    use_cases.tenant.change_settings(grace=grace)
    use_cases.schedule()
    use_cases.clock.instant = Instant(END + grace - 1)
    assert use_cases.tick() == 0
    use_cases.clock.instant = Instant(END + grace)
    assert use_cases.tick() == 1


def test_a_new_grace_applies_to_scheduled_interviews(use_cases: UseCases) -> None:
    use_cases.schedule()
    use_cases.tenant.change_settings(grace=1_000)
    use_cases.clock.instant = Instant(END + 999)
    assert use_cases.tick() == 0
    use_cases.tenant.change_settings(grace=999)
    assert use_cases.tick() == 1


@pytest.mark.slow
def test_more_than_a_batch_is_moved_in_one_tick_those_due_longest_first(use_cases: UseCases) -> None:
    ids = [
        use_cases.schedule(start=Moment(date_time=START), end=Moment(date_time=Instant(END - number))).id
        for number in range(210)
    ]
    before = use_cases.fresh().revision
    use_cases.clock.instant = END
    assert use_cases.tick() == 210
    assert use_cases.fresh().revision == before + 210
    times = [use_cases.get(identifier).updated_at or BEFORE for identifier in ids[::50]]
    assert times == sorted(times, reverse=True)


@pytest.mark.parametrize(
    ("time_zone", "end"),
    [
        ("UTC", "2030-05-02T00:00:00.000Z"),
        ("Pacific/Auckland", "2030-05-01T12:00:00.000Z"),
        ("America/Los_Angeles", "2030-05-02T07:00:00.000Z"),
    ],
)
def test_a_day_ends_when_it_does_for_the_organization(database: str, time_zone: str, end: str) -> None:
    with opened_use_cases(database, time_zone) as use_cases:
        day = date(2030, 5, 1)
        use_cases.schedule(start=Moment(date=day), end=Moment(date=day + timedelta(days=1)))
        use_cases.clock.instant = Instant(Instant.parse(end) - 1)
        assert use_cases.tick() == 0
        use_cases.clock.instant = Instant.parse(end)
        assert use_cases.tick() == 1


@pytest.mark.slow
def test_two_clocks_move_each_interview_once(use_cases: UseCases, database: str) -> None:
    ids = [use_cases.schedule().id for _ in range(50)]
    before = use_cases.fresh().revision
    other = wiring.open_store(locate(database))
    writing = StoreUnitOfWorks(other.engine, (documents, records, setups, holds), use_cases.clock)
    rival = StatusUpdater(DueInterviewFinder(other.engine), writing, use_cases.clock)
    use_cases.clock.instant = END

    async def both() -> Sequence[int]:
        try:
            return await asyncio.gather(use_cases.status_updater.tick(), rival.tick())
        finally:
            await other.engine.close()

    assert sum(use_cases.run(both())) == 50
    assert use_cases.fresh().revision == before + 50
    assert {use_cases.get(identifier).status for identifier in ids} == {Status.AWAITING_FEEDBACK}


class _Faulty:
    """Due interviews of a store that cannot be reached at first, and then ends the updates."""

    def __init__(self) -> None:
        self.looks = 0

    async def organizations(self, now: Instant) -> Sequence[Organization]:
        self.looks += 1
        if self.looks == 1:
            raise Unavailable("the disk is away")
        raise asyncio.CancelledError


def test_status_updates_continue_when_the_store_is_back(use_cases: UseCases, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rowen.app.status_updates.TICK_SECONDS", 0)
    due = _Faulty()

    async def run() -> None:
        with pytest.raises(asyncio.CancelledError):
            await StatusUpdater(due, use_cases.store.writing, use_cases.clock).run()

    use_cases.run(run())
    assert due.looks == 2, "unavailable, then looked"
