"""The time zone of a person's availability.

Owns how it is read. Must not know a page.
"""

from typing import Final

import msgspec

from rowen.app.organizations import Organization
from rowen.app.records import AVAILABILITY, RecordQuery, Records


class _Availability(msgspec.Struct):
    time_zone: str


_decode: Final = msgspec.json.Decoder(_Availability).decode


async def own_zone(records: Records, organization: Organization, user: int) -> str:
    """Return the name of the time zone of a user's availability; empty for a user without one."""
    document = await records.document(organization, RecordQuery(AVAILABILITY), user)
    return "" if document is None else _decode(document).time_zone
