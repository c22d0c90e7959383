"""Which addresses of servers can be followed."""

import pytest

from rowen.client.change_feed import ServerFeed
from rowen.imports.errors import SourceAddressError


@pytest.mark.parametrize("address", ["", "rowen.example", "ftp://rowen.example", "http://", "http://[::1"])
def test_an_invalid_address_is_refused(address: str) -> None:
    with pytest.raises(SourceAddressError):
        ServerFeed(address, "key")
