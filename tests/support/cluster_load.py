"""Load on a schedule during faults, and the checks at the end.

Owns the clients of one organization, the times when errors are allowed, and the comparison of acknowledged writes with
the database. The clients run on a loop in a thread of their own while tests inject faults. Must not know these.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from types import TracebackType
from typing import Final, NamedTuple, Self

import httpx
import uvloop

from rowen.store.database import locate
from rowen.wiring import check
from tests.support import programs
from tests.support.cluster_clients import V2, Board, Client, Creator, Failure, Follower, Kind, Mover, Reader, Syncer
from tests.support.crash_clients import ON_BEHALF, SEED_INTERVIEW, new_interview
from tests.support.harness import opened
from tests.support.server import basic
from tests.support.sql import fetch

AFTERWARDS: Final = 5.0
"""For how many seconds after a fault, when all clients have continued, there may be errors."""

_STEP_SECONDS: Final = 0.01  # between two checks whether it is over
_DOCUMENTS: Final = "SELECT id, document FROM scheduled_interviews WHERE organization_id = ?"
_EVENTS: Final = "SELECT external_event_id, id FROM scheduled_interviews WHERE organization_id = ? ORDER BY id"
_REVISION: Final = "SELECT revision FROM organizations WHERE id = ?"
_OUT_OF_ORDER: Final = """
    SELECT revision FROM (
        SELECT revision, revision - lag(revision) OVER in_order AS step, time - lag(time) OVER in_order AS later
        FROM changes WHERE organization_id = ? WINDOW in_order AS (ORDER BY revision)) AS steps
    WHERE step != 1 OR later <= 0
"""


class _Fault(NamedTuple):
    """When there may be errors, and of which kinds."""

    began: float
    ended: float
    allowed: frozenset[Kind]

    def explains(self, failure: Failure) -> bool:
        return self.began <= failure.at <= self.ended and failure.kind in self.allowed


class Load:
    """An organization of a database, and clients that write and read its schedule until the end of the block.

    They use a port of this machine. At the end of the block everything acknowledged has to be in the database once,
    every reader has to know all of it, and every error has to fall into a fault.
    """

    def __init__(self, name: str, database: str, port: int, *, creators: int = 3, readers: int = 3) -> None:
        self._database = database
        self._faults: list[_Fault] = []
        with opened(database) as harness:
            made = harness.tenant(name)
            made.merge([SEED_INTERVIEW])
        self.organization, self.key = made.organization.id, made.key
        self.board = Board(self._moved(port))
        common = (self.board, port, self.key)
        self._writers: list[Client] = [Creator(f"creator-{number}", *common) for number in range(creators)]
        self._writers.append(Mover("mover", *common))
        self._syncer = Syncer("syncer", *common)
        self._follower = Follower("follower", *common, self._revision())
        self._readers: list[Client] = [Reader(f"reader-{number}", *common) for number in range(readers)]
        self._readers += [self._syncer, self._follower]
        self._is_stopped = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=f"load on {name}")

    def _moved(self, port: int) -> int:
        """Schedule the interview that is changed repeatedly, and return its id."""
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=basic(self.key), timeout=30) as client:
            answer = client.post(V2, json=new_interview("moved", location="0"), headers=ON_BEHALF)
        assert answer.status_code == 200, answer.text
        identifier: int = answer.json()["id"]
        return identifier

    def __enter__(self) -> Self:
        self.start()
        self.wait_until_all_went_on()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()
        if error is None:
            self.require_all()

    def start(self) -> None:
        """Start the clients."""
        self._thread.start()

    def _stop(self) -> None:
        self._is_stopped.set()
        self._thread.join(programs.SECONDS)

    def require_all(self) -> None:
        """Stop the clients, and check the final state."""
        self._stop()
        self._require_sound()
        assert not self._thread.is_alive(), "the clients come to an end"
        self._require_contents()
        self._require_errors_explained()

    @contextmanager
    def fault(self, *allowed: Kind) -> Iterator[None]:
        """Allow these kinds of errors in the block, until all clients continue, and five seconds after that."""
        began = monotonic()
        yield
        self.wait_until_all_went_on()
        self._faults.append(_Fault(began, monotonic() + AFTERWARDS, frozenset(allowed)))

    def wait_for_writes(self, count: int) -> None:
        """Return once this many more writes were acknowledged."""
        wanted = self.board.written + count
        self._wait(lambda: self.board.written >= wanted, f"{count} more writes are acknowledged")

    def wait_until_all_went_on(self) -> None:
        """Return once each client has completed something that it began after now."""
        moment = monotonic()
        clients = (*self._writers, *self._readers)
        self._wait(lambda: all(each.went_on > moment for each in clients), "all clients go on")

    def wait_for_errors(self) -> None:
        """Return once a client has had one more error."""
        before = len(self.board.failures)
        self._wait(lambda: len(self.board.failures) > before, "a client meets an error")

    def _wait(self, condition: Callable[[], bool], what: str) -> None:
        programs.wait_until(lambda: condition() or not self._thread.is_alive(), what)
        self._require_sound()

    def _require_sound(self) -> None:
        """Raise the error that a client has found."""
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._go_on())
        except BaseException as error:  # any error: the test raises it
            self._error = error

    async def _go_on(self) -> None:
        """Run all clients until they are stopped: the writers first, so that the readers see the final state."""
        async with asyncio.TaskGroup() as reading:
            for each in self._readers:
                reading.create_task(each.run())
            async with asyncio.TaskGroup() as writing_tasks:
                for each in self._writers:
                    writing_tasks.create_task(each.run())
                while not self._is_stopped.is_set():
                    await asyncio.sleep(_STEP_SECONDS)
                for each in self._writers:
                    each.is_over = True
            for each in self._readers:
                each.is_over = True

    def _revision(self) -> int:
        revision: int = fetch(self._database, _REVISION, self.organization)[0][0]
        return revision

    def _require_contents(self) -> None:
        """Require that all acknowledged writes exist once, and that each reader knows them."""
        board = self.board
        documents: dict[int, bytes] = dict(fetch(self._database, _DOCUMENTS, self.organization))
        events = fetch(self._database, _EVENTS, self.organization)
        assert sorted(event for event, _ in events) == sorted(
            [*board.created, "moved", SEED_INTERVIEW["external_event_id"]]
        )
        made = {event: documents[identifier] for event, identifier in events if event in board.created}
        assert made == board.created, "each as it was acknowledged"
        assert f'"location":"{board.located}"'.encode() in documents[board.interview]
        assert self._syncer.copy == documents, "who syncs has missed nothing"
        assert self._follower.revision == self._revision()
        assert self._follower.documents == {each: documents[each] for each in documents if each != SEED_INTERVIEW["id"]}
        assert fetch(self._database, _OUT_OF_ORDER, self.organization) == []
        assert check(locate(self._database)) == []

    def _require_errors_explained(self) -> None:
        """Require that each error is explained by a fault."""
        faults = [(fault.began, fault.ended) for fault in self._faults]
        for failure in self.board.failures:
            assert any(fault.explains(failure) for fault in self._faults), (failure, faults)
