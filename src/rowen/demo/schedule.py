"""The demo's schedule: its organization, with the interviews of the reference and of an invented year, and their job.

Owns filling it. Must not know where it is stored or who serves it.
"""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from rowen.api.codec.documents import draft
from rowen.app.imports import Merger
from rowen.app.organizations import Organization, Organizations
from rowen.app.records import RecordMerger
from rowen.app.unit_of_work import UnitOfWorks
from rowen.demo.data import invented_interviews, reference_interviews
from rowen.demo.hiring import hiring_records
from rowen.demo.key import DEMO_ORGANIZATION
from rowen.demo.setups import add_rooms, setup_records
from rowen.interviews.moments import Instant


async def fill_demo(
    organizations: Organizations, merger: Merger, records: RecordMerger, writing: UnitOfWorks, now: Instant
) -> Organization:
    """Create the demo's organization if it is missing, merge the demo's records, as of `now`, into it; return it."""
    organization = await organizations.find(DEMO_ORGANIZATION)
    if organization is None:
        organization = await organizations.create(DEMO_ORGANIZATION, "UTC", now)
    zone = ZoneInfo(organization.time_zone)
    today = datetime.fromtimestamp(now / 1_000, UTC).date()
    given, made = reference_interviews(), list(invented_interviews(today))
    imported = [draft(interview, zone) for interview in given]
    invented = [draft(interview, zone) for interview in made]
    await records.merge(organization, [*hiring_records([*given, *made]), *setup_records(now)], now=now)
    await merger.merge(organization, imported, now=now, created_through_api=False)
    await merger.merge(organization, invented, now=now, created_through_api=True)
    await writing.write(organization, add_rooms)
    return organization
