"""What the calls of the API are given to work with.

Owns the list of ports, and nothing else.
"""

from dataclasses import dataclass

from rowen.app.conflicts import Conflicts
from rowen.app.desk import Writing
from rowen.app.following import Commits, Feed
from rowen.app.ports import Interviews
from rowen.app.records import Records
from rowen.app.telling import Webhooks


@dataclass(frozen=True, slots=True)
class Services:
    """The ports of one open database."""

    interviews: Interviews
    records: Records
    writing: Writing
    conflicts: Conflicts
    feed: Feed
    commits: Commits
    webhooks: Webhooks
