"""The process that joins records while this one writes others, during a first load.

Owns its life: it is started when there is much to join, and ended after it. Must not know how records are joined. What
it cannot do, this process does itself.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import BinaryIO, Final

import msgspec
import structlog

from rowen.mirror.joiner import Joined
from rowen.mirror.joining_process import Beginning, Request, Result, receive, send
from rowen.mirror.threads import in_thread

MANY: Final = 20_000
"""How many rows make it worthwhile to start a process, which takes as long as joining as many."""

PATIENCE: Final = 300.0
"""How long the process may take to join some records, in seconds; usually it takes a few."""

_log = structlog.stdlib.get_logger("rowen.mirror")
_result: Final = msgspec.msgpack.Decoder(Result)


class JoiningProcess:
    """Joins records beside this process, if it knows of which database. Ends with `close`, or with this process."""

    def __init__(self, beginning: Beginning | None = None) -> None:
        self._beginning = beginning
        self._process: subprocess.Popen[bytes] | None = None
        self._is_useless = beginning is None or (os.cpu_count() or 1) < 2

    def prepare(self, rows: int) -> None:
        """Start the process if there are many rows to join, unless it runs: it takes a moment until it can begin."""
        if self._process is not None or self._is_useless or rows < MANY:
            return
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "rowen.mirror.joining_process"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,  # an interrupt from the terminal is for this process, which ends that one
            )
            send(self._pipes()[0], self._beginning)
        except OSError as error:
            self._give_up(error)

    async def join(self, target: str, identifiers: Sequence[int]) -> Joined | None:
        """Return what `Joiner` does, but of interviews only the drafts; None if the process does not run."""
        if self._process is None:
            return None
        try:
            async with asyncio.timeout(PATIENCE):
                return await in_thread(lambda: self._exchange(Request(target, identifiers)))
        except (OSError, EOFError, msgspec.MsgspecError) as error:  # TimeoutError is an OSError
            self._give_up(error)
            return None

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

    def _give_up(self, error: Exception) -> None:
        _log.warning("records are joined in this process only", reason=type(error).__name__)
        self._is_useless = True
        self.close()

    def _exchange(self, request: Request) -> Joined:
        target, source = self._pipes()
        send(target, request)
        return _result.decode(receive(source)).joined()

    def _pipes(self) -> tuple[BinaryIO, BinaryIO]:
        """Return where requests go, and where results come from."""
        assert self._process is not None  # noqa: S101
        target, source = self._process.stdin, self._process.stdout
        assert target is not None and source is not None  # noqa: S101  (both are pipes)
        return target, source  # type: ignore[return-value]
