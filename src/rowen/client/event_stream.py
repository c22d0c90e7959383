"""Server-Sent Events as they arrive (WHATWG HTML, section 9.2).

Owns the bounds on a stream of events, whose lines httpx-sse reads. Must not know where bytes come from, or what events
mean.
"""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import httpx
from httpx_sse import EventSource

from rowen.imports.errors import ServerResponseError

MOST_WITHOUT_EVENT: Final = 16 * 1024 * 1024
"""How many bytes may arrive before an event is complete: one large event, or a million heartbeats."""

_MOST_ID_DIGITS: Final = 19
# Latin-1 makes one character of each byte: the text of an event takes no more memory than its bytes, and gives them
# back as they were.
_CHARSET: Final = "latin-1"
_HEADERS: Final = {"Content-Type": f"text/event-stream; charset={_CHARSET}"}
_BLANK_LINES: Final = (b"\n\n", b"\r\r", b"\n\r\n")


class RevisionEvent(NamedTuple):
    """One event: its id, which is a revision, and its data."""

    revision: int
    data: bytes


class EventStream:
    """The events in a stream of blocks; `on_pause` is called where a block ends with nothing begun.

    An event without an id has that of the event before it. Iterating raises ServerResponseError.
    """

    def __init__(self, blocks: Iterator[bytes], on_pause: Callable[[], None]) -> None:
        self._blocks = blocks
        self._on_pause = on_pause
        self._size = 0

    def __iter__(self) -> Iterator[RevisionEvent]:
        response = httpx.Response(200, headers=_HEADERS, content=self._whole_lines())
        for event in EventSource(response).iter_sse():
            if event.data:
                self._size = 0
                yield RevisionEvent(_revision(event.id), event.data.encode(_CHARSET))

    def _whole_lines(self) -> Iterator[bytes]:
        """Return the blocks cut at line ends: httpx-sse would keep a line in as many strings as it has blocks."""
        line, tail = bytearray(), b"\n"
        for block in self._blocks:
            self._size += len(block)
            if self._size > MOST_WITHOUT_EVENT:
                raise ServerResponseError(f"the server has sent {MOST_WITHOUT_EVENT // 1024**2} MiB without an event")
            end = max(block.rfind(b"\n"), block.rfind(b"\r")) + 1
            line += block[:end] if end else block
            if end:
                tail = (tail + line[-3:])[-3:]
                yield bytes(line)
                line = bytearray(block[end:])
            if not line and tail.endswith(_BLANK_LINES):
                self._on_pause()


def _revision(event_id: str) -> int:
    if not (event_id.isascii() and event_id.isdigit() and len(event_id) <= _MOST_ID_DIGITS):
        raise ServerResponseError("the server sends an event whose id is not a revision: is it a Rowen server?")
    return int(event_id)
