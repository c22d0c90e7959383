"""Results of requests that may be sent again: the idempotency keys.

Owns storing a result with its effect for a day, and that two requests with one key do not run at once in a process.
Must not know what was requested.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import msgspec
from sqlalchemy import bindparam, delete, insert, select

from rowen.app.unit_of_work import IdempotentRequest, KeyReusedError, WriteResult
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant
from rowen.store.engines.base import Engine, Transaction
from rowen.store.schema.tables import idempotency_keys

KEPT: Final = 86_400_000
"""How long a result is kept, in milliseconds."""

_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(WriteResult)


class IdempotencyKeys:
    """Stores and finds results by their keys, within write transactions."""

    def __init__(self, engine: Engine) -> None:
        kept = idempotency_keys.c
        this = (
            kept.organization_id == bindparam("organization"),
            kept.api_key_id == bindparam("api_key"),
            kept.key == bindparam("key"),
        )
        self._find = engine.prepare(select(kept.fingerprint, kept.created_at, kept.answer).where(*this))
        self._forget = engine.prepare(delete(idempotency_keys).where(*this))
        self._forget_old = engine.prepare(delete(idempotency_keys).where(kept.created_at < bindparam("before")))
        self._any_old = engine.prepare(select(kept.created_at).where(kept.created_at < bindparam("before")))
        self._keep = engine.prepare(
            insert(idempotency_keys).values({column.name: bindparam(column.name) for column in kept})
        )
        self._engine = engine
        self._running: set[tuple[OrganizationId, int, str]] = set()

    @contextmanager
    def in_flight(self, organization: OrganizationId, idempotent: IdempotentRequest | None) -> Iterator[None]:
        """Hold a key for the duration of the block. Raises Refusal (in flight) if it is held already."""
        if idempotent is None:
            yield
            return
        held = (organization, idempotent.api_key, idempotent.key)
        if held in self._running:
            raise Refusal(Code.IN_FLIGHT)
        self._running.add(held)
        try:
            yield
        finally:
            self._running.discard(held)

    async def find(
        self, transaction: Transaction, organization: OrganizationId, idempotent: IdempotentRequest, now: Instant
    ) -> WriteResult | None:
        """Return the earlier result. Raises KeyReusedError if the key was used for another request."""
        named = _named(organization, idempotent)
        row = await transaction.row(self._find, named)
        if row is None:
            return None
        fingerprint, created_at, answer = row
        if created_at < now - KEPT:
            await transaction.run(self._forget, named)
            return None
        if fingerprint != idempotent.fingerprint:
            raise KeyReusedError
        return _decoder.decode(answer)

    async def keep(
        self,
        transaction: Transaction,
        organization: OrganizationId,
        idempotent: IdempotentRequest,
        now: Instant,
        written: WriteResult,
    ) -> None:
        """Store a result with its effect."""
        values = {
            "organization_id": organization,
            "api_key_id": idempotent.api_key,
            "key": idempotent.key,
            "fingerprint": idempotent.fingerprint,
            "created_at": int(now),
            "answer": _encoder.encode(written),
        }
        await transaction.run(self._keep, values)

    async def delete_expired(self, now: Instant) -> None:
        """Delete the results that are older than a day."""
        before = {"before": int(now) - KEPT}
        if await self._engine.row(self._any_old, before) is None:
            return

        async def work(transaction: Transaction) -> int:
            return await transaction.run(self._forget_old, before)

        await self._engine.write(work)


def _named(organization: OrganizationId, idempotent: IdempotentRequest) -> dict[str, int | str]:
    return {"organization": organization, "api_key": idempotent.api_key, "key": idempotent.key}
