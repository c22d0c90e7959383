"""The codec of booking links, which Harvest does not have.

Owns their documents, as stored. Must not know where they are stored, or what clients see.
"""

from typing import Final

import msgspec

from rowen.app.booking_links import APPLICATION, BookingLink
from rowen.app.records import BOOKING_LINKS, RecordRow

_decoder: Final = msgspec.json.Decoder(BookingLink)


def link(document: bytes) -> BookingLink:
    """Decode a stored link."""
    return _decoder.decode(document)


def link_row(value: BookingLink) -> RecordRow:
    """Return the row of a link; it is found by the digest of its secret, and by its application."""
    terms = (("digest", value.digest), ("kind", "link"), (APPLICATION, str(value.application_id)))
    times = (value.created_at, value.created_at)
    return RecordRow(BOOKING_LINKS, value.id, *times, None, False, msgspec.json.encode(value), terms)
