"""Pools: adding, changing and removing them.

Owns that members are users of the organization and interviews those of its plans, each of them once (contract section
16). Must not know JSON, HTTP or SQL.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from rowen.app.records import JOB_STAGES, POOLS, RecordRow
from rowen.app.setups import By, SetupCodec, remove, require_actor, store
from rowen.app.unit_of_work import UnitOfWork
from rowen.interviews.errors import Problems
from rowen.interviews.people import UserId
from rowen.interviews.pools import MOST_INTERVIEWS, Pool, PoolFields, PoolInterview
from rowen.interviews.scheduling import UNSET


async def create_pool(unit: UnitOfWork, codec: SetupCodec, fields: PoolFields, by: By) -> RecordRow:
    """Add a pool. Raises Refusal."""
    problems = Problems(fields.problems)
    await _check_members(unit, fields, problems)
    await _check_interviews(unit, fields, (), problems)
    actor = await require_actor(unit, fields.on_behalf_of, by, problems)
    identifier = await unit.new_record_id(POOLS)
    return await store(unit, codec, (POOLS, identifier), Pool(id=identifier, **_given(fields)), actor)


async def change_pool(unit: UnitOfWork, codec: SetupCodec, record: RecordRow, fields: PoolFields, by: By) -> RecordRow:
    """Change a pool; its members and its interviews are replaced if they are given. Raises Refusal."""
    problems = Problems(fields.problems)
    before = codec.pool(record.document or b"")
    await _check_members(unit, fields, problems)
    await _check_interviews(unit, fields, before.interviews, problems)
    actor = await require_actor(unit, fields.on_behalf_of, by, problems)
    return await store(unit, codec, record, msgspec.structs.replace(before, **_given(fields)), actor)


async def delete_pool(unit: UnitOfWork, record: RecordRow, on_behalf_of: int | None, by: By) -> None:
    """Remove a pool. Raises Refusal."""
    actor = await require_actor(unit, on_behalf_of, by, Problems())
    await remove(unit, record, actor)


async def _check_members(unit: UnitOfWork, fields: PoolFields, problems: Problems) -> None:
    """Note the members who are no users, and those who are named twice."""
    members = () if fields.members is UNSET else fields.members
    named = [None if each is None else each.user_id for each in members]
    for path, user in _named_once("members[{}].user_id", named, problems):
        if await unit.user(UserId(user)) is None:
            problems.note(path, "Must be the id of a user")


async def _check_interviews(
    unit: UnitOfWork, fields: PoolFields, before: Sequence[PoolInterview], problems: Problems
) -> None:
    """Note the interviews that no plan has, and those that are named twice.

    One that the pool had `before` may have been removed from its plan since.
    """
    interviews = () if fields.interviews is UNSET else fields.interviews
    if len(interviews) > MOST_INTERVIEWS:
        problems.note("interviews", f"Must be at most {MOST_INTERVIEWS:,}")
    known = {each.interview_id for each in before}
    named = [None if each is None else each.interview_id for each in interviews]
    for path, identifier in _named_once("interviews[{}].interview_id", named, problems):
        if identifier not in known and not await unit.is_named(JOB_STAGES, "interview_id", str(identifier)):
            problems.note(path, "Must be the id of an interview of a job stage")


def _named_once(path: str, identifiers: Sequence[int | None], problems: Problems) -> Iterator[tuple[str, int]]:
    """Yield each id with its path, and note those that are named twice; None is among the problems already."""
    places: dict[int, int] = {}
    for place, identifier in enumerate(identifiers):
        if identifier is None:
            continue
        if identifier in places:
            problems.note(path.format(place), f"Must not be the same as {path.format(places[identifier])}")
        else:
            places[identifier] = place
            yield path.format(place), identifier


def _given(fields: PoolFields) -> dict[str, Any]:
    return {name: value for name in ("name", "members", "interviews") if (value := getattr(fields, name)) is not UNSET}
