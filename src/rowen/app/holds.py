"""Holds: keeping a slot for an application until it expires.

Owns how long a slot is kept, and that a hold obeys what bookings obey (contract section 17). A hold raises the
revision, so that nothing made of older ones is taken for new; the log has no row of it. Must not know JSON, HTTP or
SQL.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

from rowen.app.bookings import (
    BookingInput,
    check_references,
    moved_interviews,
    require_free,
    wanted_by,
    with_kept_rooms,
)
from rowen.app.planning import DEFAULT_FRESHNESS, MINUTE, Freshness
from rowen.app.records import HOLDS, RecordRow
from rowen.app.scheduling import require_user
from rowen.app.unit_of_work import UnitOfWork
from rowen.interviews.errors import Code, Problems, Refusal
from rowen.interviews.holds import HeldSession, Hold

DEFAULT_MINUTES: Final = 30
LONGEST_MINUTES: Final = 7 * 1_440
MOST_HOLDS: Final = 1_000
"""How many holds an organization may have at a time."""


class HoldInput(NamedTuple):
    """What a client holds: the sessions of a slot, and for how many minutes."""

    asked: BookingInput
    minutes: int


class HoldCodec(Protocol):
    """The documents of holds."""

    def hold(self, document: bytes) -> Hold:
        """Decode a stored hold."""
        ...

    def hold_row(self, hold: Hold) -> RecordRow:
        """Return the row of a hold."""
        ...


async def create_hold(
    unit: UnitOfWork, codec: HoldCodec, wanted: HoldInput, freshness: Freshness = DEFAULT_FRESHNESS
) -> Hold:
    """Hold a slot, and remove the holds that have expired. Raises Refusal: invalid; conflict; not found (the user)."""
    asked = wanted.asked
    if asked.on_behalf_of is not None:
        await require_user(unit, asked.on_behalf_of)
    facts = await unit.planning_facts(wanted_by(asked))
    problems = Problems(asked.problems)
    check_references(facts, asked, problems)
    await moved_interviews(unit, asked, problems)
    if len(await _standing(unit, codec)) >= MOST_HOLDS:
        problems.note("body", f"Must be one of at most {MOST_HOLDS:,} holds")
    problems.raise_any()
    asked = with_kept_rooms(facts, asked)
    require_free(facts, asked, int(unit.now), freshness)
    hold = Hold(
        id=await unit.new_record_id(HOLDS),
        application_id=asked.application_id or 0,
        sessions=tuple(each for each in asked.sessions if each is not None),
        created_at=int(unit.now),
        expires_at=int(unit.now) + wanted.minutes * MINUTE,
    )
    await unit.begin_change()
    await unit.save_record(codec.hold_row(hold))
    return hold


async def delete_hold(unit: UnitOfWork, codec: HoldCodec, identifier: int, on_behalf_of: int | None) -> None:
    """Remove a hold. Raises Refusal (not found), for the user, too."""
    if on_behalf_of is not None:
        await require_user(unit, on_behalf_of)
    row = await unit.record(HOLDS, identifier)
    if row is None or row.document is None or codec.hold(row.document).expires_at <= unit.now:
        raise Refusal(Code.NOT_FOUND)
    await unit.begin_change()
    await unit.delete_record(HOLDS, identifier)


async def release(unit: UnitOfWork, codec: HoldCodec, application: int, sessions: Sequence[HeldSession | None]) -> None:
    """Remove the holds of an application that are at the same time as sessions that were booked for it."""
    for hold in await _standing(unit, codec):
        if hold.application_id == application and any(
            each.start < one.end and one.start < each.end for each in hold.sessions for one in sessions if one
        ):
            await unit.delete_record(HOLDS, hold.id)


async def _standing(unit: UnitOfWork, codec: HoldCodec) -> list[Hold]:
    """Return the holds that have not expired; the others are removed."""
    standing = []
    for row in await unit.records_by_term(HOLDS, "kind", "slot"):
        hold = codec.hold(row.document or b"")
        if hold.expires_at > unit.now:
            standing.append(hold)
        else:
            await unit.delete_record(HOLDS, hold.id)
    return standing
