"""Events as they arrive: in any pieces, whole or not at all."""

import pytest

from rowen.exchange.errors import SourceAddressInvalid
from rowen.exchange.following import Event, ServerFeed, events

STREAM = (
    b'retry: 1000\n\nid: 7\nevent: created\ndata: {"a":"\xe2\x80\xa8 id: 9"}\n\n'
    b": still here\n\nid: 8\nevent: updated\ndata: {}\n\nid: 9\nevent: cut off\ndata: {"
)
EXPECTED = [Event("7", b'{"a":"\xe2\x80\xa8 id: 9"}'), Event("8", b"{}")]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_events_are_whole_however_they_arrive(size: int) -> None:
    chunks = [STREAM[start : start + size] for start in range(0, len(STREAM), size)]
    assert list(events(chunks)) == EXPECTED


@pytest.mark.parametrize("address", ["", "rowen.example", "ftp://rowen.example", "http://", "http://[::1"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(SourceAddressInvalid):
        ServerFeed(address, "key")
