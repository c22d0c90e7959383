"""The ports that the calls of the API work with.

Owns the list of use cases and ports. Must not know what implements a port.
"""

from dataclasses import dataclass

from rowen.app.account_writes import AccountWrites, WaitLimits
from rowen.app.booking_links import BookingLinks
from rowen.app.busy import BusySources
from rowen.app.calendars import Calendars
from rowen.app.changes import Commits, Feed
from rowen.app.conflicts import Conflicts
from rowen.app.hiring import HiringCodec
from rowen.app.holds import HoldCodec
from rowen.app.interviews import Interviews
from rowen.app.records import Records, ScorecardCodec
from rowen.app.rows import Rows
from rowen.app.setups import SetupCodec
from rowen.app.slots import Planner
from rowen.app.unit_of_work import UnitOfWorks
from rowen.app.users import UserCodec
from rowen.app.webhooks import Webhooks


@dataclass(frozen=True, slots=True)
class Services:
    """The use cases and ports of one open database.

    `account_wait` is how long a write waits that passes through a mirror.
    """

    interviews: Interviews
    records: Records
    rows: Rows
    writing: UnitOfWorks
    account_writes: AccountWrites
    account_wait: WaitLimits
    conflicts: Conflicts
    feed: Feed
    commits: Commits
    webhooks: Webhooks
    calendars: Calendars
    scorecard_codec: ScorecardCodec
    user_codec: UserCodec
    hiring_codec: HiringCodec
    setup_codec: SetupCodec
    planner: Planner
    hold_codec: HoldCodec
    booking_links: BookingLinks
    busy: BusySources
