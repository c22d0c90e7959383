"""Ids of records that are made here.

Owns that they are new. Must not know what a record is.
"""

from typing import Final

from rowen.interviews.interview import LARGEST_ID, OrganizationId
from rowen.store.engines.base import Transaction
from rowen.store.ledger.ledger import LedgerState
from rowen.store.records.writer import RecordWriter

_BEYOND: Final = 2**52  # where ids begin if an imported record has one of the last


async def allocate(
    writer: RecordWriter, transaction: Transaction, of: tuple[OrganizationId, str], state: LedgerState, count: int
) -> tuple[list[int], LedgerState]:
    """Return ids that no record of an organization's resource has, ascending, and the ledger without them.

    They are greater than all ids that the ledger has assigned, and than those of the resource's records.
    """
    highest = await writer.last_id(transaction, *of)
    last = max(state.last_id, highest or 0)
    if last + count > LARGEST_ID:
        last = _BEYOND + state.revision
    found: list[int] = []
    while len(found) < count:
        drawn = range(last + 1, last + 1 + count - len(found))
        taken = await writer.get_all(transaction, *of, drawn)
        found += [identifier for identifier in drawn if identifier not in taken]
        last = drawn[-1]
    return found, state._replace(last_id=max(state.last_id, last))
