"""The writes that pass through mirrors, as rows.

Owns that each step from state to state is one commit, which happens only if the row is in the state that it leaves.
Must not know what is written, or the account.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import bindparam, delete, insert, literal_column, select, update

from rowen.app.account_writes import OPEN, UNDONE, AccountWrite, Failure, Request, WriteState
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant
from rowen.store.engines.base import Engine, Row, Transaction, constant
from rowen.store.ledger.ledger import Ledger
from rowen.store.schema.mirror_tables import account_writes, mirrors

_COLUMNS: Final = (
    "id",
    "request",
    "queued_at",
    "expires_at",
    "state",
    "sent_at",
    "attempts",
    "interview_id",
    "failure",
)
"""In the order of the fields of `AccountWrite`."""

_OF: Final = account_writes.c.organization_id == bindparam("organization")
_THIS: Final = (_OF, account_writes.c.id == bindparam("write"))
_CLAIMED: Final = (WriteState.SENT, WriteState.IN_DOUBT, WriteState.ACCEPTED)
_encode: Final = msgspec.json.Encoder(enc_hook=int).encode  # an Instant is a number


def _read(kind: type, value: Any) -> Any:
    return kind(value)  # Instant is the only type of ours in a request


_request: Final = msgspec.json.Decoder(Request, dec_hook=_read).decode
_failure: Final = msgspec.json.Decoder(Failure).decode


class AccountWriteTable:
    """The `AccountWrites` of one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._ledger = Ledger(engine)
        self._prepare_reading(engine)
        self._prepare_steps(engine)
        self._prepare_forgetting(engine)

    def _prepare_reading(self, engine: Engine) -> None:
        columns = account_writes.c
        shown = [columns[name] for name in _COLUMNS]
        self._allowed = engine.prepare(
            select(mirrors.c.write_through, mirrors.c.loaded_at).where(
                mirrors.c.organization_id == bindparam("organization")
            )
        )
        self._find = engine.prepare(select(*shown).where(*_THIS))
        self._open = engine.prepare(
            select(*shown).where(_OF, columns.state.in_(map(constant, OPEN))).order_by(columns.queued_at, columns.id)
        )
        self._claimed = engine.prepare(
            select(columns.id)
            .where(
                _OF,
                columns.event_id == bindparam("event"),
                columns.id != bindparam("write"),
                columns.state.in_(map(constant, _CLAIMED)),
            )
            .limit(literal_column("1"))
        )

    def _prepare_steps(self, engine: Engine) -> None:
        columns = account_writes.c
        queued = columns.state == constant(WriteState.QUEUED)
        self._insert = engine.prepare(
            insert(account_writes).values({each.name: bindparam(each.name) for each in columns})
        )
        self._withdraw = engine.prepare(
            update(account_writes)
            .where(*_THIS, queued)
            .values(state=constant(WriteState.WITHDRAWN), request=bindparam("nothing"), ended_at=columns.queued_at)
        )
        self._claim = engine.prepare(
            update(account_writes)
            .where(
                *_THIS,
                columns.state.in_(map(constant, (WriteState.QUEUED, WriteState.SENT))),
                columns.expires_at > bindparam("now"),
            )
            .values(
                state=constant(WriteState.SENT),
                sent_at=bindparam("now"),
                attempts=columns.attempts + literal_column("1"),
            )
        )
        changed = ("state", "request", "interview_id", "failure", "ended_at")
        self._note = engine.prepare(
            update(account_writes).where(*_THIS).values({name: bindparam(f"new_{name}") for name in changed})
        )

    def _prepare_forgetting(self, engine: Engine) -> None:
        columns = account_writes.c
        self._forget_undone = engine.prepare(
            delete(account_writes).where(*_THIS, columns.state.in_(map(constant, UNDONE)))
        )
        self._forget = engine.prepare(delete(account_writes).where(_OF, columns.ended_at < bindparam("before")))
        self._old = engine.prepare(
            select(columns.id).where(_OF, columns.ended_at < bindparam("before")).limit(literal_column("1"))
        )

    async def allowed(self, organization: OrganizationId) -> bool | None:
        """Return whether writes pass through the mirror of an organization; None while it is read the first time."""
        row = await self._engine.row(self._allowed, {"organization": organization})
        if row is None or not row[0]:
            return False
        return True if row[1] is not None else None

    async def enqueue(self, organization: OrganizationId, write: AccountWrite) -> None:
        """Queue a write; one with this id that is there already is left alone, unless it is undone."""
        named = {"organization": organization, "write": write.id}

        async def work(transaction: Transaction) -> None:
            await self._ledger.take(transaction, organization)  # so that nobody else queues it at the same time
            await transaction.run(self._forget_undone, named)
            if await transaction.row(self._find, named) is None:
                await transaction.run(self._insert, _values(organization, write))

        await self._engine.write(work, organization)

    async def find(self, organization: OrganizationId, identifier: str) -> AccountWrite | None:
        """Return a write."""
        row = await self._engine.row(self._find, {"organization": organization, "write": identifier})
        return None if row is None else _write_of(row)

    async def withdraw(self, organization: OrganizationId, identifier: str) -> bool:
        """Take a write out of the queue; return False if it is not in it."""
        values = {"organization": organization, "write": identifier, "nothing": b""}
        return await self._engine.write(lambda transaction: transaction.run(self._withdraw, values)) > 0

    async def claim(self, organization: OrganizationId, identifier: str, now: Instant) -> bool:
        """Note that a write is being sent now; return False if it was withdrawn, or has expired."""
        values = {"organization": organization, "write": identifier, "now": int(now)}
        return await self._engine.write(lambda transaction: transaction.run(self._claim, values)) > 0

    async def note(self, organization: OrganizationId, write: AccountWrite, now: Instant) -> None:
        """Store the state of a write, its interview and its failure; what was asked is forgotten with its end."""
        is_open = write.state in OPEN
        values = {
            "organization": organization,
            "write": write.id,
            "new_state": write.state.value,
            "new_request": _encode(write.request) if is_open else b"",
            "new_interview_id": write.interview,
            "new_failure": None if write.failure is None else _encode(write.failure),
            "new_ended_at": None if is_open else int(now),
        }
        await self._engine.write(lambda transaction: transaction.run(self._note, values))

    async def open(self, organization: OrganizationId) -> Sequence[AccountWrite]:
        """Return the writes with something left to do, in the order in which they were queued."""
        return [_write_of(row) for row in await self._engine.rows(self._open, {"organization": organization})]

    async def is_claimed(self, organization: OrganizationId, event_id: str, identifier: str) -> bool:
        """Return whether another write with this event was sent, and what became of it is not known."""
        values = {"organization": organization, "event": event_id, "write": identifier}
        return await self._engine.row(self._claimed, values) is not None

    async def forget(self, organization: OrganizationId, before: Instant) -> None:
        """Delete the writes that ended before a time."""
        values = {"organization": organization, "before": int(before)}
        if await self._engine.row(self._old, values) is not None:
            await self._engine.write(lambda transaction: transaction.run(self._forget, values))


def _values(organization: OrganizationId, write: AccountWrite) -> dict[str, Any]:
    return {
        "organization_id": organization,
        "id": write.id,
        "event_id": write.event_id,
        "request": _encode(write.request),
        "queued_at": write.queued_at,
        "expires_at": write.expires_at,
        "state": write.state.value,
        "sent_at": write.sent_at,
        "attempts": write.attempts,
        "interview_id": write.interview,
        "failure": None,
        "ended_at": None,
    }


def _write_of(row: Row) -> AccountWrite:
    identifier, request, queued_at, expires_at, state, sent_at, attempts, interview, failure = row
    return AccountWrite(
        identifier,
        _request(request) if request else Request(action="create"),  # type: ignore[arg-type]
        queued_at,
        expires_at,
        WriteState(state),
        sent_at,
        attempts,
        interview,
        None if failure is None else _failure(failure),
    )
