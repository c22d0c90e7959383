"""A process that reads and joins while this one writes, during a first load.

Owns its life: it is started when there is much to do, and ended after it. Must not know how an account is read or
records are joined. What it cannot do, this process does itself.
"""

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import BinaryIO, Final, Protocol

import msgspec
import structlog

from rowen.app.mirror import Position
from rowen.mirror.account import Statistics
from rowen.mirror.errors import StoppedError
from rowen.mirror.helper_process import (
    Beginning,
    Join,
    JoinedReply,
    PartReply,
    Read,
    ReadFailure,
    Reply,
    Retry,
    receive,
    send,
)
from rowen.mirror.joiner import Joined
from rowen.mirror.threads import in_thread
from rowen.mirror.walks import Part

SOME: Final = 2_000
"""From how many rows on the process is started: there will probably be many, and its start takes a moment."""

PATIENCE: Final = 300.0
"""How long the process may take to join some records and those asked for before, in seconds; usually it takes a few."""

_log = structlog.stdlib.get_logger("rowen.mirror")
_reply: Final = msgspec.msgpack.Decoder(Reply)
_retry: Final = msgspec.msgpack.Decoder(Retry)


class PartSource(Protocol):
    """The parts of a list, one after the other, until the position after one is that of the end."""

    def __next__(self) -> Part: ...

    def close(self) -> None:
        """Read no further."""


class HelperProcess:
    """Reads and joins beside this process, if it knows what. Ends with `close`, or with this process.

    `on_retry` is called as that of a `RetryPolicy`.
    """

    def __init__(
        self,
        beginning: Beginning | None = None,
        on_retry: Callable[[str, float], None] = lambda _reason, _seconds: None,
    ) -> None:
        self._beginning = beginning
        self._on_retry = on_retry
        self._process: subprocess.Popen[bytes] | None = None
        self._is_useless = beginning is None or (os.cpu_count() or 1) < 2
        self._exchanging = threading.Lock()
        self._is_decided = asyncio.Event()

    def prepare(self, rows: int) -> None:
        """Start the process, unless it runs, if there are some rows already: it takes a moment until it can begin."""
        if self._process is not None or self._is_useless or rows < SOME:
            return
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "rowen.mirror.helper_process"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,  # an interrupt from the terminal is for this process, which ends that one
            )
            send(_pipes(self._process)[0], self._beginning)
            self._is_decided.set()
        except OSError as error:
            self._give_up(error, self._process)

    async def started(self) -> None:
        """Wait until the process is started, or not expected to be any more: also if it cannot be."""
        await self._is_decided.wait()

    def expect_no_more(self) -> None:
        """Let those go on who wait for the start: there are no more rows that could cause it."""
        self._is_decided.set()

    def parts(self, position: Position, statistics: Statistics, here: Callable[[Position], PartSource]) -> PartSource:
        """Return the parts of a list after a position, read by the process if it runs, otherwise `here`.

        Its requests are added to `statistics`.
        """
        if self._process is None or self._beginning is None or self._beginning.access is None:
            return here(position)
        return _PartsBeside(self, position, statistics, here)

    def next_part(self, position: Position | None, statistics: Statistics) -> Part | None:
        """Return the next part, or the one after a position; None if the process does not run any more.

        Raises SourceError.
        """
        process = self._process
        if process is None:
            return None
        try:
            reply = _reply.decode(self._exchange(process, Read(position)))
        except (OSError, ValueError, EOFError, msgspec.MsgspecError) as error:  # ValueError: the pipes are closed
            self._give_up(error, process)
            return None
        assert isinstance(reply, PartReply | ReadFailure)  # noqa: S101
        statistics.requests += reply.requests
        statistics.throttled += reply.throttled
        if isinstance(reply, ReadFailure):
            raise reply.error()
        return reply.part()

    async def join(self, target: str, identifiers: Sequence[int]) -> Joined | None:
        """Return what `Joiner` does, but of interviews only the drafts; None if the process does not run."""
        process = self._process
        if process is None:
            return None
        try:
            async with asyncio.timeout(PATIENCE):
                reply = await in_thread(lambda: _reply.decode(self._exchange(process, Join(target, identifiers))))
        except (OSError, ValueError, EOFError, msgspec.MsgspecError) as error:  # TimeoutError is an OSError
            self._give_up(error, process)
            return None
        assert isinstance(reply, JoinedReply)  # noqa: S101
        return reply.joined()

    def close(self) -> None:
        """End the process, if it runs."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()  # it only reads
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    with suppress(OSError):  # it has not read all
                        stream.close()

    def _give_up(self, error: Exception, process: "subprocess.Popen[bytes] | None") -> None:
        if self._process is process:  # it was not ended meanwhile
            _log.warning("this process reads and joins by itself", reason=type(error).__name__)
            self._is_useless = True
            self.close()

    def _exchange(self, process: "subprocess.Popen[bytes]", request: Join | Read) -> bytes:
        """Return the reply to a request, to be decoded: meanwhile the process has the next request."""
        target, source = _pipes(process)
        with self._exchanging:
            send(target, request)
            while True:
                content = receive(source)
                try:
                    retry = _retry.decode(content)
                except msgspec.ValidationError:  # it is a reply
                    return content
                self._on_retry(retry.reason, retry.seconds)


def _pipes(process: "subprocess.Popen[bytes]") -> tuple[BinaryIO, BinaryIO]:
    """Return where requests go, and where replies come from."""
    target, source = process.stdin, process.stdout
    assert target is not None and source is not None  # noqa: S101  (both are pipes)
    return target, source  # type: ignore[return-value]


class _PartsBeside:
    """Parts that the process reads, and this one from where that one ends."""

    def __init__(
        self, helper: HelperProcess, position: Position, statistics: Statistics, here: Callable[[Position], PartSource]
    ) -> None:
        self._helper = helper
        self._after = position
        self._asked: Position | None = position
        self._statistics = statistics
        self._here = here
        self._rest: PartSource | None = None
        self._is_closed = False

    def __next__(self) -> Part:
        if self._rest is None:
            part = self._helper.next_part(self._asked, self._statistics)
            if part is not None:
                self._after, self._asked = part.position, None
                return part
            if self._is_closed:
                raise StoppedError
            self._rest = self._here(self._after)
        return next(self._rest)

    def close(self) -> None:
        """Read no further; the process does so when it is asked for another list, or ends."""
        self._is_closed = True
        if self._rest is not None:
            self._rest.close()
