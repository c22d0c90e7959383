"""Clients of one schedule, whoever serves it: they write, read, sync and follow, and never stop for an error.

Owns what each asks, how it asks again, and what it requires of every answer: that a read sees every write acknowledged
before it began, that the feed has no gap, and that an error says to try again. Must not know what is done to those who
answer, or when.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from time import monotonic
from typing import Any, Final, NamedTuple

import msgspec

from tests.fault.scribes import ON_BEHALF, new_interview
from tests.support.wire import Connection, Reply

V1: Final = "/v1/scheduled_interviews"
V2: Final = "/v2/scheduled_interviews"
START: Final = "1970-01-01T00:00:00.000Z"

_PATIENCE_SECONDS: Final = 12.0
"""How long a client waits for an answer: longer than a node does for a lock, as it is then told why."""

_PAUSE_SECONDS: Final = 0.05
"""How long a client waits before it tries again: less than it is asked to, so that the end of a fault is seen."""

_PACE_SECONDS: Final = 0.01
"""How long a client rests between two requests: tests share the machine with all that they test."""


class Kind(StrEnum):
    """How a request was not answered: by the node, the balancer, an end of the connection, or not at all."""

    REFUSED = "refused"
    NO_NODE = "no node"
    CUT = "cut"
    SILENT = "silent"


class Failure(NamedTuple):
    """A request without an answer that counts: when that was found, how, and who had asked."""

    at: float
    kind: Kind
    who: str


@dataclass
class Board:
    """What the clients know together; `written` counts acknowledged writes.

    `created` are the acknowledged interviews by their events, `located` the acknowledged number in the location of the
    one interview that is changed all the time.
    """

    interview: int
    written: int = 0
    created: dict[str, bytes] = field(default_factory=dict)
    newest: str = ""
    located: int = 0
    failures: list[Failure] = field(default_factory=list)


class Client(ABC):
    """One client with one connection, which is opened anew where it was cut.

    It goes round until `is_over`. What it did last it had begun at `went_on`.
    """

    def __init__(self, name: str, board: Board, port: int, key: str) -> None:
        self.name = name
        self.is_over = False
        self.went_on = 0.0
        self._board = board
        self._port = port
        self._key = key
        self._connection: Connection | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def run(self) -> None:
        """Go round until it is over."""
        try:
            while not self.is_over:
                await self.round()
                await asyncio.sleep(_PACE_SECONDS)
            await self.finish()
        finally:
            self._drop()

    async def round(self) -> None:
        """Do one thing to its end."""
        began = monotonic()
        await self._do()
        self.went_on = began

    async def finish(self) -> None:
        """Do what remains when it is over: for most of them nothing."""
        return

    @abstractmethod
    async def _do(self) -> None:
        """Do one thing to its end, however often it has to be tried."""

    async def _until_answered(
        self, method: str, target: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Return the answer to a request that is sent as often as it takes. The same bytes each time."""
        while True:
            reply = await self._ask(method, target, body, headers)
            if reply is not None and not _is_in_flight(reply):
                assert reply.status == 200, (self.name, method, target, reply)
                return reply
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _ask(self, method: str, target: str, body: Any, headers: Mapping[str, str] | None) -> Reply | None:
        """Send a request once; None where it has no answer, or one that says to try again."""
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                if self._connection is None:
                    reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port, limit=2**20)
                    self._connection = Connection((reader, self._writer), self._key)
                reply = await self._connection.ask(method, target, body, headers)
        except TimeoutError:
            self._fail(Kind.SILENT)
        except (OSError, asyncio.IncompleteReadError):
            self._fail(Kind.CUT)
        else:
            kind = _failure(reply)
            if reply.headers.get("connection", "").lower() == "close":
                self._drop()
            if kind is None:
                return reply
            self._board.failures.append(Failure(monotonic(), kind, self.name))
        return None

    def _fail(self, kind: Kind) -> None:
        self._drop()
        self._board.failures.append(Failure(monotonic(), kind, self.name))

    def _drop(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._connection = self._writer = None


def _is_in_flight(reply: Reply) -> bool:
    """Tell whether the same request is being carried out by the same node, sent before a connection was cut."""
    return reply.status == 409 and b"Idempotency-Key" in reply.body


def _failure(reply: Reply) -> Kind | None:
    """Return what kind of failure an answer is: what a node says has the form of its errors, whatever happens."""
    if reply.status < 500:
        return None
    if "x-request-id" not in reply.headers:
        assert reply.status in (502, 503, 504), reply
        return Kind.NO_NODE
    assert reply.status == 503, reply
    assert int(reply.headers["retry-after"]) > 0
    assert set(reply.json) == {"message", "request_id"}, reply
    return Kind.REFUSED


class Creator(Client):
    """Schedules interviews, each with an event of its own and under a key of its own."""

    _count = 0

    async def _do(self) -> None:
        self._count += 1
        event = f"{self.name}-{self._count}"
        headers = {**ON_BEHALF, "Idempotency-Key": event}
        reply = await self._until_answered("POST", V2, new_interview(event), headers)
        assert reply.json["external_event_id"] == event
        self._board.created[event] = reply.body
        self._board.newest = event
        self._board.written += 1


class Mover(Client):
    """Changes one interview again and again: its location is a number that grows."""

    async def _do(self) -> None:
        number = self._board.located + 1
        headers = {**ON_BEHALF, "Idempotency-Key": f"{self.name}-{number}"}
        target = f"{V2}/{self._board.interview}"
        reply = await self._until_answered("PATCH", target, {"location": str(number)}, headers)
        assert reply.json["location"] == str(number)
        self._board.located = number
        self._board.written += 1


class Reader(Client):
    """Looks at the interview that is changed all the time, and for the one that was made last."""

    _seen = 0

    async def _do(self) -> None:
        acknowledged = self._board.located
        reply = await self._until_answered("GET", f"{V1}/{self._board.interview}")
        found = int(reply.json["location"])
        assert found >= acknowledged, f"{self.name}: {acknowledged} was acknowledged before, and {found} was read"
        assert found >= self._seen, f"{self.name}: {self._seen} was read before, and then {found}"
        self._seen = found
        event = self._board.newest
        if event:
            reply = await self._until_answered("GET", f"{V1}?external_event_id={event}")
            assert [each["external_event_id"] for each in reply.json] == [event], self.name


class Syncer(Client):
    """Keeps a copy by asking for what was updated since the newest that it has."""

    def __init__(self, name: str, board: Board, port: int, key: str) -> None:
        super().__init__(name, board, port, key)
        self.copy: dict[int, bytes] = {}
        self._newest = START

    async def _do(self) -> None:
        target: str | None = f"{V1}?per_page=20&updated_after={self._newest}"
        while target is not None:
            reply = await self._until_answered("GET", target)
            for raw in msgspec.json.decode(reply.body, type=list[msgspec.Raw]):
                found = msgspec.json.decode(raw, type=_Updated)
                self.copy[found.id] = bytes(raw)
                self._newest = max(self._newest, found.updated_at)
            target = reply.next

    async def finish(self) -> None:
        await self._do()


class _Updated(msgspec.Struct):
    id: int
    updated_at: str


class Follower(Client):
    """Reads the feed page by page: one revision after the other, each later than the one before it."""

    def __init__(self, name: str, board: Board, port: int, key: str, revision: int) -> None:
        super().__init__(name, board, port, key)
        self.revision = revision
        self.documents: dict[int, bytes] = {}
        self._time = START

    async def _do(self) -> None:
        more = True
        while more:
            reply = await self._until_answered("GET", f"/rowen/v1/changes?limit=50&after={self.revision}")
            page = msgspec.json.decode(reply.body, type=_Page)
            for change in page.changes:
                assert change.revision == self.revision + 1, f"{self.name}: {change.revision} after {self.revision}"
                assert change.time > self._time, f"{self.name}: {change.time} after {self._time}"
                self.revision, self._time = change.revision, change.time
                self.documents[change.scheduled_interview_id] = bytes(change.document)
            assert page.last_revision == self.revision
            more = page.more

    async def finish(self) -> None:
        await self._do()


class _Change(msgspec.Struct):
    revision: int
    time: str
    scheduled_interview_id: int
    document: msgspec.Raw


class _Page(msgspec.Struct):
    changes: list[_Change]
    last_revision: int
    more: bool
