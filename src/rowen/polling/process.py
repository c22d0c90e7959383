"""The process that turns calendars into busy times.

Owns its life: it is started when it is needed, and killed if a calendar takes too long or breaks it. Must not know what
a calendar contains. A hostile calendar costs this process at most, and not the server.
"""

import asyncio
import json
import struct
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from rowen.interviews.busy import Interval
from rowen.polling.expansion import AskedWindow, CalendarError

SECONDS: Final = 10.0
"""How long a calendar may take."""

_LENGTH: Final = struct.Struct(">I")
_LARGEST_RESULT: Final = 4 << 20


class Expander:
    """Turns calendars into busy times, one at a time. Its process ends with `close`, or with this one."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._turn = asyncio.Lock()

    async def busy_times(self, content: bytes, asked: AskedWindow) -> Sequence[Interval]:
        """Return the busy times of a calendar, in order and apart. Raises CalendarError."""
        async with self._turn:
            exchange = asyncio.create_task(asyncio.to_thread(self._exchange, content, asked))
            done, _ = await asyncio.wait({exchange}, timeout=self._seconds)
            if not done:
                self.close()  # which ends the exchange, too
                await asyncio.wait({exchange})
                exchange.exception()
                raise CalendarError(f"takes more than {self._seconds:g} seconds to understand")
            try:
                found = exchange.result()
            except (OSError, ValueError, struct.error) as error:
                self.close()
                raise CalendarError("takes too much memory to understand") from error
        if "error" in found:
            raise CalendarError(found["error"])
        return [Interval(*each) for each in found["busy"]]

    def close(self) -> None:
        """Kill the process, if it runs."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    with suppress(OSError):  # it has not read all
                        stream.close()

    def _exchange(self, content: bytes, asked: AskedWindow) -> dict[str, Any]:
        if self._process is not None and self._process.poll() is not None:
            self.close()
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "rowen.polling.expansion"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # it would quote calendars
            )
        source, target = self._process.stdout, self._process.stdin
        assert source is not None and target is not None  # noqa: S101  (both are pipes)
        header = json.dumps({**asked._asdict(), "emails": sorted(asked.emails)}).encode()
        target.write(_LENGTH.pack(len(header)) + header + _LENGTH.pack(len(content)) + content)
        target.flush()
        (size,) = _LENGTH.unpack(source.read(_LENGTH.size))
        if size > _LARGEST_RESULT:
            raise ValueError(size)
        found: dict[str, Any] = json.loads(source.read(size))
        return found
