"""Answers to requests that may be sent again: the idempotency keys.

Owns keeping an answer with its effect for a day, and that two requests of one key do not run at once in a process.
Must not know what was asked.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import msgspec
from sqlalchemy import bindparam, delete, insert, select

from rowen.app.desk import Repetition, Written
from rowen.interviews.errors import Code, FieldProblem, Refusal
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant
from rowen.store.engine import Engine, Transaction
from rowen.store.tables import idempotency_keys

KEPT: Final = 86_400_000
"""For how many milliseconds an answer is kept."""

_OTHER: Final = FieldProblem("Idempotency-Key", "Was used for another request")
_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(Written)


class Repetitions:
    """Keeps and finds answers by their keys, within write transactions."""

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
    def in_flight(self, organization: OrganizationId, repetition: Repetition | None) -> Iterator[None]:
        """Hold a key for the length of the block. Raises Refusal (in flight) where it is held already."""
        if repetition is None:
            yield
            return
        held = (organization, repetition.api_key, repetition.key)
        if held in self._running:
            raise Refusal(Code.IN_FLIGHT)
        self._running.add(held)
        try:
            yield
        finally:
            self._running.discard(held)

    async def find(
        self, transaction: Transaction, organization: OrganizationId, repetition: Repetition, now: Instant
    ) -> Written | None:
        """Return the answer given before. Raises Refusal (invalid) where the key was used for another request."""
        named = _named(organization, repetition)
        row = await transaction.row(self._find, named)
        if row is None:
            return None
        fingerprint, created_at, answer = row
        if created_at < now - KEPT:
            await transaction.run(self._forget, named)
            return None
        if fingerprint != repetition.fingerprint:
            raise Refusal(Code.INVALID, problems=(_OTHER,))
        return _decoder.decode(answer)

    async def keep(
        self,
        transaction: Transaction,
        organization: OrganizationId,
        repetition: Repetition,
        now: Instant,
        written: Written,
    ) -> None:
        """Keep an answer with its effect."""
        values = {
            "organization_id": organization,
            "api_key_id": repetition.api_key,
            "key": repetition.key,
            "fingerprint": repetition.fingerprint,
            "created_at": int(now),
            "answer": _encoder.encode(written),
        }
        await transaction.run(self._keep, values)

    async def forget(self, now: Instant) -> None:
        """Let go of the answers that are older than a day."""
        before = {"before": int(now) - KEPT}
        if await self._engine.row(self._any_old, before) is None:
            return

        async def work(transaction: Transaction) -> int:
            return await transaction.run(self._forget_old, before)

        await self._engine.write(work)


def _named(organization: OrganizationId, repetition: Repetition) -> dict[str, int | str]:
    return {"organization": organization, "api_key": repetition.api_key, "key": repetition.key}
