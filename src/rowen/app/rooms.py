"""Rooms: adding, changing and removing them.

Owns that names are unique in an organization, and that a room is booked by the interviews at its name, whatever wrote
them (contract section 16). Must not know JSON, HTTP or SQL.
"""

from typing import Any, Final

import msgspec

from rowen.app.records import ROOMS, RecordRow
from rowen.app.setups import By, SetupCodec, remove, require_actor, store
from rowen.app.unit_of_work import UnitOfWork
from rowen.interviews.changes import Actor, Change, Kind
from rowen.interviews.errors import Code, FieldProblem, Problems, Refusal
from rowen.interviews.people import Person
from rowen.interviews.rooms import Room, RoomFields, person_of_room
from rowen.interviews.scheduling import UNSET

MOST_ROOMS: Final = 10_000
"""How many rooms an organization may have."""


async def create_room(unit: UnitOfWork, codec: SetupCodec, fields: RoomFields, by: By) -> RecordRow:
    """Add a room, booked by the interviews at its name that have not ended. Raises Refusal."""
    problems = Problems(fields.problems)
    await _check_name(unit, fields, None, problems)
    actor = await require_actor(unit, fields.on_behalf_of, by, problems)
    if unit.organization.room_count >= MOST_ROOMS:
        problem = FieldProblem("body", f"Must be one of at most {MOST_ROOMS:,} rooms")
        raise Refusal(Code.INVALID, problems=(problem,))
    room = Room(id=await unit.new_record_id(ROOMS), **_given(fields))
    return await add_room(unit, codec, room, actor)


async def add_room(unit: UnitOfWork, codec: SetupCodec, room: Room, actor: Actor) -> RecordRow:
    """Add a room of which nobody else has the id or the name."""
    row = await store(unit, codec, (ROOMS, room.id), room, actor)
    await unit.rooms.count(1)
    await unit.rooms.book(person_of_room(room.id), room.name)
    return row


async def change_room(unit: UnitOfWork, codec: SetupCodec, record: RecordRow, fields: RoomFields, by: By) -> RecordRow:
    """Change a room; with a new name, also in the interviews in it that have not ended. Raises Refusal."""
    problems = Problems(fields.problems)
    await _check_name(unit, fields, record, problems)
    actor = await require_actor(unit, fields.on_behalf_of, by, problems)
    before = codec.room(record.document or b"")
    after = msgspec.structs.replace(before, **_given(fields))
    row = await store(unit, codec, record, after, actor)
    if after.name != before.name:
        await _rename(unit, person_of_room(record.id), after.name, actor)
    return row


async def delete_room(unit: UnitOfWork, record: RecordRow, on_behalf_of: int | None, by: By) -> None:
    """Remove a room; the interviews in it keep their location. Raises Refusal."""
    actor = await require_actor(unit, on_behalf_of, by, Problems())
    await unit.rooms.release(person_of_room(record.id))
    await remove(unit, record, actor)
    await unit.rooms.count(-1)


async def _check_name(unit: UnitOfWork, fields: RoomFields, own: RecordRow | None, problems: Problems) -> None:
    if fields.name is UNSET:
        return
    for holder in await unit.records_by_term(ROOMS, "name", fields.name):
        if own is None or holder.id != own.id:
            problems.note("name", f"Must be unique (room {holder.id} has it)")


async def _rename(unit: UnitOfWork, room: Person, name: str, actor: Actor) -> None:
    """Move the bookings of a room to its new name, and the location of the interviews that have not ended."""
    interviews = await unit.rooms.release(room)
    await unit.rooms.book(room, name)
    if unit.organization.mirrored_from is not None:
        return  # what is in a mirror comes from the account
    for identifier in interviews:
        stored = await unit.interview(identifier)
        if stored is not None:
            await unit.begin_change()
            after = msgspec.structs.replace(stored.interview, location=name)
            await unit.save(stored.interview, after, Change(Kind.UPDATED, actor))


def _given(fields: RoomFields) -> dict[str, Any]:
    names = ("name", "site", "capacity", "features")
    return {name: value for name in names if (value := getattr(fields, name)) is not UNSET}
