"""Batches of records that are ready to be merged.

Owns what a batch holds and how it is divided by resource. Must not know how records are read or merged.
"""

from collections.abc import Iterator
from typing import NamedTuple

from rowen.app.imports import ImportCheckpoint
from rowen.app.interviews import InterviewRow
from rowen.app.records import INTERVIEWS, RecordRow
from rowen.imports.items import Checkpoint


class PreparedBatch(NamedTuple):
    """Interviews and other records ready to be merged, and the checkpoint after them, if a server sent them."""

    drafts: list[InterviewRow]
    records: list[RecordRow]
    checkpoint: Checkpoint | None = None

    @property
    def size(self) -> int:
        """How many records it holds."""
        return len(self.drafts) + len(self.records)

    def parts(self) -> Iterator[tuple[str, "PreparedBatch"]]:
        """Yield the batch divided by resource: interviews first, the checkpoint with the last part."""
        by_resource: dict[str, list[RecordRow]] = {}
        for each in self.records:
            by_resource.setdefault(each.resource, []).append(each)
        parts = [(INTERVIEWS, PreparedBatch(self.drafts, []))] if self.drafts or not self.records else []
        parts += [(resource, PreparedBatch([], records)) for resource, records in by_resource.items()]
        *others, (resource, last) = parts
        yield from others
        yield resource, last._replace(checkpoint=self.checkpoint)

    def checkpoint_of(self, source: str) -> ImportCheckpoint | None:
        """Return the checkpoint to be stored with the batch, for the source of that name."""
        return None if self.checkpoint is None else ImportCheckpoint(source, self.checkpoint.next_url)
