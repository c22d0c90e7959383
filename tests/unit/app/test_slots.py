"""Asking for slots: what other requests of a server have to wait for."""

import asyncio
from threading import Event
from typing import Any

import pytest

from rowen.app import slots
from rowen.app.organizations import Organization
from rowen.app.planning import Facts, People, PlanningRequest, people_of
from rowen.app.slots import Planner, SeatInput, SessionInput, SlotsInput
from rowen.interviews.busy import Intervals
from rowen.interviews.holds import Hold
from rowen.interviews.moments import Instant
from tests.support.identities import ORGANIZATION

_MANY = 300
_WINDOW = (60_000_000, 120_000_000)


class _Facts:
    """Many users, of whom nothing is known."""

    async def read(self, organization: Organization, wanted: PlanningRequest) -> Facts:
        names = {each: f"User {each}" for each in wanted.users}
        return Facts(organization, names, frozenset(), {}, [], {}, {}, {}, {}, None, Intervals(), frozenset())

    async def holds(self, organization: Organization) -> list[Hold]:
        return []

    async def availability(self, organization: Organization, users: Any) -> dict[int, Any]:
        return {}


def test_requests_are_served_while_many_people_are_prepared(monkeypatch: pytest.MonkeyPatch) -> None:
    served = Event()

    def prepared(*given: Any) -> People:
        assert served.wait(10), "nothing else was done meanwhile"
        return people_of(*given)

    monkeypatch.setattr(slots, "people_of", prepared)
    seat = SeatInput(users=tuple(range(1, _MANY + 1)))
    asked = SlotsInput(window=_WINDOW, sessions=(SessionInput(minutes=30, seats=(seat,)),))

    async def both() -> int:
        question = asyncio.create_task(Planner(_Facts(), lambda: Instant(0)).find(ORGANIZATION, asked))
        for _ in range(3):
            await asyncio.sleep(0)
        served.set()
        return len((await question).not_offered)

    assert asyncio.run(both()) == _MANY
