"""Clients of one schedule, whichever node serves it: they write, read, sync and follow, and never stop for an error.

Owns their requests, their retries, and the checks of every response: a read sees every write acknowledged before it
began, the feed has no gap, and an error asks to try again. Must not know the faults that are injected, or when.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from time import monotonic
from typing import Any, Final, NamedTuple

import msgspec

from tests.support.crash_clients import ON_BEHALF, new_interview
from tests.support.wire import Connection, Reply

V1: Final = "/v1/scheduled_interviews"
V2: Final = "/v2/scheduled_interviews"
START: Final = "1970-01-01T00:00:00.000Z"

_PATIENCE_SECONDS: Final = 12.0
"""How long a client waits for a response, in seconds: longer than a node waits for a lock, so that it gets the reason.
"""

_PAUSE_SECONDS: Final = 0.05
"""How long a client waits before it tries again: less than it is asked to, so that it sees the end of a fault."""

_PACE_SECONDS: Final = 0.01
"""How long a client pauses between two requests: tests share the machine with everything that they test."""


class Kind(StrEnum):
    """The kind of a failure: by the node, the balancer, a closed connection, or no response at all."""

    REFUSED = "refused"
    NO_NODE = "no node"
    CUT = "cut"
    SILENT = "silent"


class Failure(NamedTuple):
    """A failed request: when that was noticed, its kind, and the client."""

    at: float
    kind: Kind
    who: str


@dataclass
class Board:
    """The clients' shared knowledge; `written` counts acknowledged writes.

    `created` are the acknowledged interviews by their events, `located` the acknowledged number in the location of the
    one interview that is changed repeatedly.
    """

    interview: int
    written: int = 0
    created: dict[str, bytes] = field(default_factory=dict)
    newest: str = ""
    located: int = 0
    failures: list[Failure] = field(default_factory=list)


class Client(ABC):
    """One client with one connection, which is reopened if it was cut.

    It runs round after round until `is_over`. Its last successful action began at `went_on`.
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
        """Run round after round until it is over."""
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
        """Do what remains at the end: for most clients nothing."""
        return

    @abstractmethod
    async def _do(self) -> None:
        """Do one thing to its end, trying as often as necessary."""

    async def _until_answered(
        self, method: str, target: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Return the response to a request that is sent as often as necessary, with the same bytes each time."""
        while True:
            reply = await self._ask(method, target, body, headers)
            if reply is not None and not _is_in_flight(reply):
                assert reply.status == 200, (self.name, method, target, reply)
                return reply
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _ask(self, method: str, target: str, body: Any, headers: Mapping[str, str] | None) -> Reply | None:
        """Send a request once; None if it has no response, or one that asks to try again."""
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
    """Return whether the same node is still executing the request, sent before a connection was cut."""
    return reply.status == 409 and b"Idempotency-Key" in reply.body


def _failure(reply: Reply) -> Kind | None:
    """Return the kind of failure of a response, if it is one: a node's errors always have the form of its errors."""
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
    """Schedules interviews, each with its own event and idempotency key."""

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
    """Changes one interview repeatedly: its location is a number that grows."""

    async def _do(self) -> None:
        number = self._board.located + 1
        headers = {**ON_BEHALF, "Idempotency-Key": f"{self.name}-{number}"}
        target = f"{V2}/{self._board.interview}"
        reply = await self._until_answered("PATCH", target, {"location": str(number)}, headers)
        assert reply.json["location"] == str(number)
        self._board.located = number
        self._board.written += 1


class Reader(Client):
    """Reads the interview that is changed repeatedly, and looks for the newest one."""

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
    """Keeps a copy by requesting what was updated since the newest record in it."""

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
