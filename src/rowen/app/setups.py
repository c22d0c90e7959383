"""What scheduling has to know of an organization: rooms, pools and the availability of people.

Owns the port of their documents, and how a change of one is written: as that of any record. Must not know JSON, HTTP or
SQL.
"""

from typing import Final, Protocol

from rowen.app.hiring import acting_user
from rowen.app.records import RecordRow
from rowen.app.scheduling import actor_of
from rowen.app.unit_of_work import UnitOfWork
from rowen.interviews.availability import Availability
from rowen.interviews.changes import Actor, ActorKind
from rowen.interviews.errors import Problems
from rowen.interviews.pools import Pool
from rowen.interviews.rooms import Room

Setup = Room | Pool | Availability

By = str | Actor
"""By whom a write is made: the name of an API key, which acts for a user, or an actor that acts for nobody."""

OPERATOR: Final = Actor(ActorKind.OPERATOR)
"""A person who runs a command of `rowen`."""


class SetupCodec(Protocol):
    """The documents of rooms, pools and availability."""

    def row(self, resource: str, identifier: int, value: Setup, times: tuple[int, int]) -> RecordRow:
        """Return the row of one, with the times of its creation and its last change."""
        ...

    def room(self, document: bytes) -> Room:
        """Decode a stored room."""
        ...

    def pool(self, document: bytes) -> Pool:
        """Decode a stored pool."""
        ...

    def availability(self, document: bytes) -> Availability:
        """Decode the stored availability of a user."""
        ...


async def require_actor(unit: UnitOfWork, on_behalf_of: int | None, by: By, problems: Problems) -> Actor:
    """Return who writes. Raises UnknownUserError, and Refusal (invalid) with all problems, if any."""
    if isinstance(by, Actor):
        problems.raise_any()
        return by
    user = await acting_user(unit, on_behalf_of)
    if problems.found or user is None:
        raise problems.refusal()
    return actor_of(user, by)


async def store(
    unit: UnitOfWork, codec: SetupCodec, before: RecordRow | tuple[str, int], value: Setup, actor: Actor
) -> RecordRow:
    """Write one, as a change of its own; if nothing differs, nothing. `before` is its row, or its resource and id."""
    if not isinstance(before, RecordRow):
        now = await unit.begin_change()
        row = codec.row(*before, value, (now, now))
        await unit.record_change(None, row, actor)
        return row
    known = (before.created_at or 0, before.updated_at or 0)
    if codec.row(before.resource, before.id, value, known).document == before.document:
        return before
    row = codec.row(before.resource, before.id, value, (known[0], await unit.begin_change()))
    await unit.record_change(before, row, actor)
    return row


async def remove(unit: UnitOfWork, record: RecordRow, actor: Actor) -> None:
    """Delete one, as a change of its own."""
    await unit.begin_change()
    await unit.record_removal(record, actor)
