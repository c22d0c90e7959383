"""Clients that write to one schedule at once, at random, and log what they asked and were answered.

Owns what they write. Must not know how the results are checked: `test_replay.py` compares the log with the feed.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final, NamedTuple

from tests.support.bodies import RESPONSES
from tests.support.model.rules import time_text
from tests.support.records import Record
from tests.support.wire import Connection, Reply

CLIENTS: Final = 16
PEOPLE: Final = 30
HOUR: Final = 3_600_000
PAST: Final = 1_577_836_800_000
"""2020-01-01: an interview that has ended."""

FUTURE: Final = 4_102_444_800_000
"""2100-01-01: an interview that is in the future during the whole test."""

V2: Final = "/v2/scheduled_interviews"
SCORECARDS: Final = "/rowen/v1/scorecards"


class Card(NamedTuple):
    """A scorecard: its interview, and whether it was submitted."""

    interview: int
    is_final: bool


class Logged(NamedTuple):
    """One write that was carried out: who asked (a client's number is its user), what, and the answer's body.

    `card` is the scorecard, as its client knew it, that was deleted.
    """

    client: int
    method: str
    target: str
    body: Record | None
    answer: Any
    card: Card | None = None

    @property
    def of(self) -> int:
        """The id in the target."""
        return int(self.target.rpartition("/")[2])


@dataclass
class SharedLog:
    """What all clients know: the interviews, as last seen by any of them, and the log."""

    wanted: int
    interviews: dict[int, Record] = field(default_factory=dict)
    log: list[Logged] = field(default_factory=list)
    _grows: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def add(self, entry: Logged) -> None:
        """Log a successful write."""
        self.log.append(entry)
        async with self._grows:
            self._grows.notify_all()

    async def reaches(self, count: int) -> None:
        """Return when this many writes were logged."""
        async with self._grows:
            await self._grows.wait_for(lambda: len(self.log) >= count)

    @property
    def is_full(self) -> bool:
        """Whether enough was written."""
        return len(self.log) >= self.wanted


class ConcurrentClient:
    """One client, with a user of its own."""

    def __init__(self, number: int, shared: SharedLog, connection: Connection) -> None:
        self._number = number
        self._shared = shared
        self._connection = connection
        self._chance = Random(number)
        self._cards: dict[int, Card] = {}
        self._turn = 0

    async def work(self) -> None:
        """Write until enough was written."""
        ways: dict[Callable[[], Any], int] = {
            self._create: 30,
            self._change: 42,
            self._cancel: 8,
            self._hand_in: 12,
            self._change_card: 4,
            self._delete_card: 4,
        }
        while not self._shared.is_full:
            self._turn += 1
            (way,) = self._chance.choices(list(ways), list(ways.values()))
            if way == self._create or self._shared.interviews:
                await way()

    async def create(self, start: int, end: int) -> Record:
        """Schedule an interview from `start` to `end`, and return it."""
        body = {
            "application_id": self._chance.randint(1, 3),
            "interview_id": self._chance.choice([7001, 7002]),
            "interviewers": self._panel(),
            "start": time_text(start),
            "end": time_text(end),
            "external_event_id": f"client {self._number}, {self._turn}, {end}",
        }
        reply = await self._ask("POST", V2, body)
        assert reply.status == 200, reply.body
        made: Record = reply.json
        return made

    async def _create(self) -> None:
        start, end = self._times()
        made = await self.create(start, end)
        self._shared.interviews[made["id"]] = made

    async def _change(self) -> None:
        seen = self._chosen()
        body: Record = {"location": f"Room {self._turn} of {self._number}: “größer”"}  # so that each is a change
        kind = self._chance.randrange(4)
        if kind == 0:
            start, end = self._times()
            body |= {"start": time_text(start), "end": {"date_time": time_text(end)}}
        elif kind == 1:
            body["interviewers"] = self._panel()
        elif kind == 2:
            body["interviewers"] = [_again(each) for each in seen["interviewers"]]
            self._chance.choice(body["interviewers"])["response_status"] = self._chance.choice(RESPONSES)
        reply = await self._ask("PATCH", f"{V2}/{seen['id']}", body)
        if reply.status == 200:
            self._shared.interviews[seen["id"]] = reply.json

    async def _cancel(self) -> None:
        identifier = self._chosen()["id"]
        await self._ask("DELETE", f"/v1/scheduled_interviews/{identifier}")
        self._shared.interviews.pop(identifier, None)

    async def _hand_in(self) -> None:
        seen = self._chosen()
        users = [each["id"] for each in seen["interviewers"] if each["id"] is not None]
        if users:
            body: Record = {
                "scheduled_interview_id": seen["id"],
                "interviewer_id": self._chance.choice(users),
                "overall_recommendation": "yes",
                "attributes": [{"name": "Größe", "type": "Skills", "note": None, "rating": "mixed"}],
                "submit": self._chance.random() < 0.8,
            }
            reply = await self._ask("POST", SCORECARDS, body)
            if reply.status == 200:
                self._cards[reply.json["id"]] = Card(seen["id"], body["submit"])

    async def _change_card(self) -> None:
        drafts = [identifier for identifier, card in self._cards.items() if not card.is_final]
        if drafts:
            identifier = self._chance.choice(drafts)
            body: Record = {"overall_recommendation": "no", "submit": self._chance.random() < 0.7}
            reply = await self._ask("PATCH", f"{SCORECARDS}/{identifier}", body)
            if reply.status == 200:
                self._cards[identifier] = self._cards[identifier]._replace(is_final=body["submit"])

    async def _delete_card(self) -> None:
        if self._cards:
            identifier = self._chance.choice(list(self._cards))
            card = self._cards.pop(identifier)
            await self._ask("DELETE", f"{SCORECARDS}/{identifier}", card=card)

    async def _ask(self, method: str, target: str, body: Record | None = None, *, card: Card | None = None) -> Reply:
        headers = {"On-Behalf-Of": str(self._number)}
        reply = await self._connection.ask(method, target, body, headers)
        if reply.status == 200:
            await self._shared.add(Logged(self._number, method, target, body, reply.json, card))
        else:
            assert reply.status in (404, 422), reply
        return reply

    def _chosen(self) -> Record:
        return self._shared.interviews[self._chance.choice(list(self._shared.interviews))]

    def _times(self) -> tuple[int, int]:
        start = self._chance.choice([PAST, FUTURE]) + self._chance.randrange(1000) * HOUR
        return start, start + self._chance.randint(1, 3) * HOUR

    def _panel(self) -> list[Record]:
        users = self._chance.sample(range(1, PEOPLE + 1), self._chance.randint(1, 3))
        panel: list[Record] = [{"user_id": each, "response_status": self._chance.choice(RESPONSES)} for each in users]
        if self._chance.randrange(8) == 0:
            panel.append({"email": "guest@elsewhere.example", "name": "Guest", "response_status": "tentative"})
        return panel


def _again(seat: Record) -> Record:
    named = {"email": seat["email"], "name": seat["name"]} if seat["id"] is None else {"user_id": seat["id"]}
    return {**named, "response_status": seat["response_status"]}
