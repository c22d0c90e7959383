"""Things that happen, written to a database while a server serves it: through the store, from outside."""

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from rowen import wiring
from rowen.app.keys import new_key
from rowen.app.ports import Organization
from rowen.interviews.changes import Actor, ActorKind, FieldChange, Kind
from rowen.interviews.moments import Instant
from rowen.store.changes import ChangeLog, Entry, Summary
from rowen.store.database import locate, upgrade
from rowen.store.engine import Transaction
from rowen.store.ledger import Ledger, next_state

Result = TypeVar("Result")
NOW: Final = Instant.parse("2024-06-01T12:00:00.000Z")
JACK: Final = Actor(ActorKind.USER, 2000, "Jack Shepard", "script")


@dataclass(frozen=True, slots=True)
class Happening:
    """One change to be written: its kind, whose, and the document after it."""

    kind: Kind = Kind.UPDATED
    interview: int | None = 1
    document: bytes | None = b'{"id":1}'
    fields: Sequence[FieldChange] = ()


class Chronicler:
    """Writes changes to one database."""

    def __init__(self, database: str) -> None:
        self._runner = asyncio.Runner()
        self.store = wiring.open_store(locate(database))
        self._ledger = Ledger(self.store.engine)
        self._log = ChangeLog(self.store.engine)

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run a use of the store to its end."""
        return self._runner.run(work)

    def new_organization(self, name: str) -> Organization:
        """Make an organization."""
        return self.run(self.store.organizations.create(name, "UTC", NOW))

    def new_key(self, organization: Organization, name: str, *permissions: str) -> str:
        """Make a key, with every permission where none is named."""
        key, stored = new_key(name, allow=permissions)
        self.run(self.store.keys.create(organization.id, stored, NOW))
        return key

    def revoke(self, organization: Organization, name: str) -> None:
        """Revoke a key."""
        assert self.run(self.store.keys.revoke(organization.id, name, NOW))

    def write(self, organization: Organization, *happenings: Happening) -> int:
        """Write changes in one transaction, each of a revision of its own, and return the last revision."""

        async def work(transaction: Transaction) -> int:
            state = await self._ledger.take(transaction, organization.id)
            for each in happenings:
                state = next_state(state, NOW)
                summary = Summary(
                    state.revision, state.last_updated_at, each.kind, JACK, each.interview, fields=each.fields
                )
                await self._log.append(transaction, organization.id, Entry(summary, each.document))
            await self._ledger.advance(transaction, organization.id, state)
            return state.revision

        return self.run(self.store.engine.write(work))

    def pass_over(self, organization: Organization) -> int:
        """Raise the revision without a change that followers are told of, and return it."""

        async def work(transaction: Transaction) -> int:
            state = next_state(await self._ledger.take(transaction, organization.id), NOW)
            await self._ledger.advance(transaction, organization.id, state)
            return state.revision

        return self.run(self.store.engine.write(work))

    def close(self) -> None:
        """Let go of the database."""
        self.run(self.store.engine.close())
        self._runner.close()


@contextmanager
def chronicling(database: str) -> Iterator[Chronicler]:
    """Open a database, made if it is missing, until the end of the block."""
    upgrade(locate(database))
    chronicler = Chronicler(database)
    try:
        yield chronicler
    finally:
        chronicler.close()
