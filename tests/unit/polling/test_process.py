"""The process that reads calendars: what a hostile calendar costs."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pytest

from rowen.interviews.busy import Interval
from rowen.polling.expansion import AskedWindow, CalendarError
from rowen.polling.process import Expander
from tests.support.foreign_calendars import ASKED, at, calendar, event
from tests.support.processes import note_processes

pytestmark = pytest.mark.slow

NEVER: Final = calendar(event("RRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30"))
"""A calendar with an event that recurs on no day: looking for one takes until the year 9999, second by second."""


@contextmanager
def expanding(seconds: float) -> Iterator[Expander]:
    """Return an expander, which is closed at the end of the block."""
    expander = Expander(seconds)
    try:
        yield expander
    finally:
        expander.close()


def test_one_that_takes_too_long_ends_and_the_next_is_read() -> None:
    async def work() -> None:
        with expanding(2) as expander, pytest.raises(CalendarError, match="takes more than 2 seconds"):
            await expander.busy_times(NEVER, ASKED)
        with expanding(30) as expander:
            for _ in range(2):
                busy = await expander.busy_times(calendar(event()), ASKED)
                assert busy == [Interval(at("2031-02-03T09:00"), at("2031-02-03T10:00"))]
            with pytest.raises(CalendarError, match="is not a calendar"):
                await expander.busy_times(b"nothing", ASKED)
            with pytest.raises(CalendarError, match="cannot be understood"):
                await expander.busy_times(calendar(event()), AskedWindow("Nowhere/At_All", frozenset(), 0, 1))

    asyncio.run(work())


def test_a_process_that_dies_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    started = note_processes(monkeypatch, "rowen.polling.expansion")

    async def work() -> None:
        with expanding(30) as expander:
            await expander.busy_times(calendar(event()), ASKED)
            (process,) = started
            process.kill()
            process.wait()
            assert await expander.busy_times(calendar(event()), ASKED)
            assert len(started) == 2

    asyncio.run(work())
