"""The clock: what it moves, when, and how often."""

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta

import pytest

from rowen import wiring
from rowen.app.clock import Clock
from rowen.app.ports import Organization
from rowen.harvest import documents
from rowen.interviews.errors import Unavailable
from rowen.interviews.interview import Moment, Status
from rowen.interviews.moments import Instant
from rowen.store.database import locate
from rowen.store.desk import DeskWriting
from rowen.store.due import DueInterviews
from tests.unit.app.office import BEFORE, END, START, Office, opened


def test_nothing_is_written_where_nothing_is_due(office: Office) -> None:
    office.schedule()
    before = office.fresh()
    assert office.tick() == 0
    office.now = Instant(END - 1)
    assert office.tick() == 0
    assert office.fresh() == before


def test_an_interview_is_moved_at_its_end(office: Office) -> None:
    made = office.schedule()
    office.now = END
    assert office.tick() == 1
    after = office.get(made.id)
    assert (after.status, after.updated_at) == (Status.AWAITING_FEEDBACK, END)
    assert office.tick() == 0


@pytest.mark.parametrize("grace", [1, 3_600_000])
def test_the_grace_is_waited_for(office: Office, grace: int) -> None:
    office.run(office.store.organizations.change("team", None, grace))
    office.schedule()
    office.now = Instant(END + grace - 1)
    assert office.tick() == 0
    office.now = Instant(END + grace)
    assert office.tick() == 1


def test_a_new_grace_holds_for_what_is_scheduled_already(office: Office) -> None:
    office.schedule()
    office.run(office.store.organizations.change("team", None, 1_000))
    office.now = Instant(END + 999)
    assert office.tick() == 0
    office.run(office.store.organizations.change("team", None, 999))
    assert office.tick() == 1


def test_more_than_a_batch_is_moved_in_one_tick_those_due_longest_first(office: Office) -> None:
    ids = [
        office.schedule(start=Moment(date_time=START), end=Moment(date_time=Instant(END - number))).id
        for number in range(210)
    ]
    before = office.fresh().revision
    office.now = END
    assert office.tick() == 210
    assert office.fresh().revision == before + 210
    times = [office.get(identifier).updated_at or BEFORE for identifier in ids[::50]]
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
    with opened(database, time_zone) as office:
        day = date(2030, 5, 1)
        office.schedule(start=Moment(date=day), end=Moment(date=day + timedelta(days=1)))
        office.now = Instant(Instant.parse(end) - 1)
        assert office.tick() == 0
        office.now = Instant.parse(end)
        assert office.tick() == 1


def test_two_clocks_move_each_interview_once(office: Office, database: str) -> None:
    ids = [office.schedule().id for _ in range(50)]
    before = office.fresh().revision
    other = wiring.open_store(locate(database))
    writing = DeskWriting(other.engine, documents, lambda: office.now)
    rival = Clock(DueInterviews(other.engine), writing, lambda: office.now)
    office.now = END

    async def both() -> Sequence[int]:
        try:
            return await asyncio.gather(office.clock.tick(), rival.tick())
        finally:
            await other.engine.close()

    assert sum(office.run(both())) == 50
    assert office.fresh().revision == before + 50
    assert {office.get(identifier).status for identifier in ids} == {Status.AWAITING_FEEDBACK}


class _Faulty:
    """What is due of a store that cannot be reached at first, and then stops the clock."""

    def __init__(self) -> None:
        self.looks = 0

    async def organizations(self, now: Instant) -> Sequence[Organization]:
        self.looks += 1
        if self.looks == 1:
            raise Unavailable("the disk is away")
        raise asyncio.CancelledError

    async def forget(self, now: Instant) -> None:
        raise AssertionError("nothing was found")


def test_the_clock_goes_on_when_the_store_is_back(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rowen.app.clock._TICK", 0)
    due = _Faulty()

    async def run() -> None:
        with pytest.raises(asyncio.CancelledError):
            await Clock(due, office.writing, lambda: office.now).run()

    office.run(run())
    assert due.looks == 2, "unavailable, then looked"
