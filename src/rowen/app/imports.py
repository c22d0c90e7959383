"""Importing interviews.

Owns the port that merges them, and what a merge returns. Must not know SQL, files or servers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from rowen.app.interviews import InterviewRow
from rowen.app.organizations import Organization
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant


@dataclass(slots=True)
class MergeCounts:
    """The counts of a merge.

    `adopted` counts the stored interviews that clients may now change. `frozen` counts those of the merge that are
    scheduled in the future and that clients cannot change.
    """

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    older: int = 0
    adopted: int = 0
    frozen: int = 0

    def add(self, other: "MergeCounts") -> None:
        """Add the counts of another merge."""
        self.new += other.new
        self.changed += other.changed
        self.unchanged += other.unchanged
        self.older += other.older
        self.adopted += other.adopted
        self.frozen += other.frozen


class ImportCheckpoint(NamedTuple):
    """The progress of an import from a server: `next` is the address of its next page, None at the end."""

    source: str
    next: str | None


class Merger(Protocol):
    """The scheduled interviews of a database, for merging imported ones into them."""

    async def merge(
        self,
        organization: Organization,
        drafts: Sequence[InterviewRow],
        *,
        now: Instant,
        created_through_api: bool,
        clamp: bool = False,
        checkpoint: ImportCheckpoint | None = None,
    ) -> MergeCounts:
        """Merge records by id in one transaction: of two records with one id the newer wins.

        With `created_through_api` clients may change all of them, including those that are stored already; without it
        those stay as they are. With `clamp` times that are too far ahead are set to the time of the commit.
        """
        ...

    async def preview(
        self,
        organization: Organization,
        drafts: Sequence[InterviewRow],
        *,
        now: Instant,
        created_through_api: bool,
        clamp: bool = False,
    ) -> MergeCounts:
        """Count what `merge` would do, without writing."""
        ...

    async def checkpoint(self, organization: OrganizationId, source: str) -> str | None:
        """Return the address at which an unfinished import of that source continues."""
        ...
