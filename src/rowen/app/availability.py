"""The availability of people: replacing it.

Owns whose it is (contract section 16). Must not know JSON, HTTP or SQL.
"""

from collections.abc import Iterable
from typing import Final

from rowen.app.records import AVAILABILITY, USERS, RecordRow
from rowen.app.setups import By, SetupCodec, require_actor, store
from rowen.app.unit_of_work import UnitOfWork
from rowen.interviews.availability import AvailabilityFields, usual_availability
from rowen.interviews.errors import Code, Problems, Refusal

_NOTICE: Final = 24 * 60
"""The notice, in minutes, of those who have not chosen any."""


async def stored_availability(unit: UnitOfWork, user: int) -> RecordRow | None:
    """Return the stored availability of a user, None without one. Raises Refusal (not found) for an unknown user."""
    if await unit.record(USERS, user) is None:
        raise Refusal(Code.NOT_FOUND)
    return await unit.record(AVAILABILITY, user)


async def replace_availability(
    unit: UnitOfWork, codec: SetupCodec, before: RecordRow | tuple[str, int], fields: AvailabilityFields, by: By
) -> RecordRow:
    """Replace the availability of a user; `before` is its row, or its resource and id. Raises Refusal."""
    problems = Problems(fields.problems)
    actor = await require_actor(unit, fields.on_behalf_of, by, problems)
    if fields.value is None:
        raise problems.refusal()
    return await store(unit, codec, before, fields.value, actor)


async def give_usual_hours(
    unit: UnitOfWork, codec: SetupCodec, users: Iterable[int], on_behalf_of: int | None, by: By
) -> None:
    """Store usual working hours, in the organization's time zone, for those of users who have no availability.

    Interviews of theirs are booked at least a day before, so that no candidate takes people by surprise.
    Raises Refusal: not found for an unknown user.
    """
    usual = usual_availability(unit.organization.time_zone)._replace(minimum_notice_minutes=_NOTICE)
    fields = AvailabilityFields(usual, on_behalf_of, ())
    for user in users:
        if await stored_availability(unit, user) is None:
            await replace_availability(unit, codec, (AVAILABILITY, user), fields, by)
