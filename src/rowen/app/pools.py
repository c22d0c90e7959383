"""Pools: adding, changing and removing them.

Owns that members are users of the organization, each of them once (contract section 16). Must not know JSON, HTTP or
SQL.
"""

from typing import Any

import msgspec

from rowen.app.records import POOLS, RecordRow
from rowen.app.setups import By, SetupCodec, remove, require_actor, store
from rowen.app.unit_of_work import UnitOfWork
from rowen.interviews.errors import Problems
from rowen.interviews.people import UserId
from rowen.interviews.pools import Pool, PoolFields
from rowen.interviews.scheduling import UNSET


async def create_pool(unit: UnitOfWork, codec: SetupCodec, fields: PoolFields, by: By) -> RecordRow:
    """Add a pool. Raises Refusal."""
    problems = Problems(fields.problems)
    await _check_members(unit, fields, problems)
    actor = await require_actor(unit, fields.on_behalf_of, by, problems)
    identifier = await unit.new_record_id(POOLS)
    return await store(unit, codec, (POOLS, identifier), Pool(id=identifier, **_given(fields)), actor)


async def change_pool(unit: UnitOfWork, codec: SetupCodec, record: RecordRow, fields: PoolFields, by: By) -> RecordRow:
    """Change a pool; its members are replaced if they are given. Raises Refusal."""
    problems = Problems(fields.problems)
    await _check_members(unit, fields, problems)
    actor = await require_actor(unit, fields.on_behalf_of, by, problems)
    before = codec.pool(record.document or b"")
    return await store(unit, codec, record, msgspec.structs.replace(before, **_given(fields)), actor)


async def delete_pool(unit: UnitOfWork, record: RecordRow, on_behalf_of: int | None, by: By) -> None:
    """Remove a pool. Raises Refusal."""
    actor = await require_actor(unit, on_behalf_of, by, Problems())
    await remove(unit, record, actor)


async def _check_members(unit: UnitOfWork, fields: PoolFields, problems: Problems) -> None:
    """Note the members who are no users, and those who are named twice."""
    places: dict[int, int] = {}
    for place, member in enumerate(() if fields.members is UNSET else fields.members):
        if member is None:
            continue
        path = f"members[{place}].user_id"
        if member.user_id in places:
            problems.note(path, f"Must not be the same as members[{places[member.user_id]}].user_id")
        elif await unit.user(UserId(member.user_id)) is None:
            problems.note(path, "Must be the id of a user")
        places.setdefault(member.user_id, place)


def _given(fields: PoolFields) -> dict[str, Any]:
    return {name: value for name in ("name", "members") if (value := getattr(fields, name)) is not UNSET}
