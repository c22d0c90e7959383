"""Reading Server-Sent Events, as a browser does (WHATWG HTML, section 9.2)."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx


@dataclass
class EventStream:
    """An open stream: the events that have arrived, and those still to come."""

    response: httpx.Response
    comments: list[str] = field(default_factory=list)
    retry: int | None = None

    def __post_init__(self) -> None:
        self._events = self._read()

    def next(self) -> dict[str, Any]:
        """Wait for the next event and return its id, its type and its data."""
        return next(self._events)

    def rest(self) -> list[dict[str, Any]]:
        """Return all events until the stream ends."""
        return list(self._events)

    def wait_until_open(self) -> None:
        """Return once the first line has arrived: from then on nothing is missed."""
        assert self.retry is None
        event = next(self._events)
        assert event == {"retry": self.retry}

    def _read(self) -> Iterator[dict[str, Any]]:
        lines: list[str] = []
        for line in self._lines():
            if line:
                lines.append(line)
                continue
            event: dict[str, Any] = {}
            for name, _, value in (each.partition(":") for each in lines):
                value = value.removeprefix(" ")
                if not name:
                    self.comments.append(value)
                else:
                    event[name] = json.loads(value) if name in ("data", "retry", "id") else value
            lines = []
            if "retry" in event:
                self.retry = event["retry"]
            if event:
                yield event

    def _lines(self) -> Iterator[str]:
        rest = b""
        for chunk in self.response.iter_raw():
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                yield line.decode()


@contextmanager
def following(client: httpx.Client, target: str, headers: dict[str, str] | None = None) -> Iterator[EventStream]:
    """Open a stream of events until the end of the block; return once it has begun."""
    accept = {"Accept": "text/event-stream", **(headers or {})}
    with client.stream("GET", target, headers=accept) as response:
        if response.status_code != 200:
            response.read()
        assert response.status_code == 200, response.text
        stream = EventStream(response)
        stream.wait_until_open()
        yield stream
