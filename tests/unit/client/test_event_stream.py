"""Events as they arrive: in any pieces, complete or not at all."""

import pytest

from rowen.client.event_stream import EventStream, RevisionEvent
from rowen.imports.errors import ServerResponseError

STREAM = (
    b'retry: 1000\n\nid: 7\nevent: created\ndata: {"a":"\xe2\x80\xa8 id: 9"}\n\n'
    b": still here\n\nid: 8\nevent: updated\ndata: {}\n\nid: 9\nevent: cut off\ndata: {"
)
EXPECTED = [RevisionEvent(7, b'{"a":"\xe2\x80\xa8 id: 9"}'), RevisionEvent(8, b"{}")]


def received(stream: bytes, size: int) -> tuple[list[RevisionEvent], int]:
    """Return the events of a stream that arrives in blocks of a size, and how often it paused."""
    blocks = (stream[start : start + size] for start in range(0, len(stream), size))
    pauses: list[None] = []
    return list(EventStream(blocks, lambda: pauses.append(None))), len(pauses)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_events_are_whole_however_they_arrive(size: int) -> None:
    assert received(STREAM, size)[0] == EXPECTED


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_lines_end_as_the_standard_allows(end: bytes, size: int) -> None:
    stream = b"id: 7\ndata: a\ndata: b\n\ndata:c\n\nid: 8\ndata:d\n\n".replace(b"\n", end)
    assert received(stream, size)[0] == [RevisionEvent(7, b"a\nb"), RevisionEvent(7, b"c"), RevisionEvent(8, b"d")]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("size", [1, 1000])
def test_a_stream_pauses_after_a_heartbeat_and_after_an_event(end: bytes, size: int) -> None:
    for begun, pauses in {b":\n\n": 1, b"id: 7\ndata: a\n\n": 1, b"id: 7\ndata: a\n": 0, b": ": 0}.items():
        assert received(begun.replace(b"\n", end), size)[1] == pauses


@pytest.mark.parametrize("event", [b"data: {}", b"id: x\ndata: {}", "id: \u00b2\ndata: {}".encode("latin-1")])
def test_an_event_needs_a_revision(event: bytes) -> None:
    with pytest.raises(ServerResponseError, match="is not a revision"):
        received(event + b"\n\n", 1000)
