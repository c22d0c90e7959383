"""Which of the records with one id is kept: the newest, in whatever order they arrive. See docs/decisions/0004.

Owns the order of such records, and how far a merge raises the ledger. Must not know tables, or where records come from.
"""

from collections.abc import Callable, Iterable
from typing import Final, Protocol, TypeVar

from rowen.app.imports import MergeCounts
from rowen.interviews.clock_skew import is_ahead
from rowen.interviews.moments import Instant
from rowen.store.ledger.ledger import LedgerState

_NEVER: Final = -(2**63)  # a record without a time is older than any with one


class Dated(Protocol):
    """A record for comparison: imported, or stored."""

    @property
    def updated_at(self) -> int | None:
        """When it was last changed, in milliseconds since 1970."""
        ...

    @property
    def document(self) -> bytes | None:
        """Its document."""
        ...


class Identified(Dated, Protocol):
    """A record with its id."""

    @property
    def id(self) -> int:
        """Its id."""
        ...


Record = TypeVar("Record", bound=Identified)


def rank(record: Dated, clamp_at: Instant | None = None) -> tuple[int, bytes]:
    """Return a key that orders the records of one id: the newer is greater; if equally new, the greater document.

    The second rule is arbitrary, but stable: whatever the order of arrival, the same record is kept. With `clamp_at` a
    time too far ahead of it counts as missing.
    """
    updated_at = record.updated_at
    if updated_at is None or (clamp_at is not None and is_ahead(updated_at, clamp_at)):
        updated_at = _NEVER
    return updated_at, record.document or b""


def newest_of(
    records: Iterable[Record], counts: MergeCounts, is_newest: Callable[[Record], bool] = lambda _: False
) -> dict[int, Record]:
    """Return the newest records of a batch by id, and count the others.

    A record for which `is_newest` holds is newer than all before it.
    """
    newest: dict[int, Record] = {}
    for record in records:
        rival = newest.setdefault(record.id, record)
        if rival is record:
            continue
        if rival.document == record.document:
            counts.unchanged += 1
            continue
        counts.older += 1
        if rank(record) > rank(rival) or is_newest(record):
            newest[record.id] = record
    return newest


def advanced(state: LedgerState, records: Iterable[Dated], ids: Iterable[int], now: Instant) -> LedgerState:
    """Return the ledger after a merge: later writes are later than these records, and have other ids.

    A time too far ahead of `now` is a mistake in one record, and must not move all later changes along with it.
    """
    times = [time for each in records if (time := each.updated_at) is not None and not is_ahead(time, now)]
    return state._replace(
        last_updated_at=Instant(max([state.last_updated_at, *times])), last_id=max([state.last_id, *ids])
    )
