"""The demo's rooms, its pools of interviewers, and when these can hold interviews.

Owns invented setups only, for the people and places of the demo's interviews. Must not know a clock or a database.
"""

from collections.abc import Iterator
from typing import Final

from rowen.api.codec import setups
from rowen.app.records import AVAILABILITY, POOLS, ROOMS, RecordRow
from rowen.app.rooms import add_room
from rowen.app.unit_of_work import UnitOfWork, WriteResult
from rowen.demo.data import INTERVIEWERS, ROOM_NAMES, TIME_ZONE
from rowen.interviews.availability import WEEKDAYS, Availability, Hours, Limits
from rowen.interviews.changes import Actor, ActorKind
from rowen.interviews.moments import Instant
from rowen.interviews.pools import Pool, PoolMember
from rowen.interviews.rooms import Room

_FIRST_ROOM: Final = 8_101
_POOL: Final = 8_201
_SITE: Final = "Headquarters"
_CAPACITIES: Final = (4, 12)
_HOURS: Final = (Hours(9 * 60, 18 * 60),)
_DAYS: Final = WEEKDAYS[:5]
_SENIOR: Final = 3
"""How many of the interviewers are senior: the first ones."""


async def add_rooms(unit: UnitOfWork) -> WriteResult:
    """Add the rooms that are missing."""
    actor = Actor(ActorKind.IMPORT)
    for number, (name, capacity) in enumerate(zip(ROOM_NAMES, _CAPACITIES, strict=True)):
        room = Room(id=_FIRST_ROOM + number, name=name, site=_SITE, capacity=capacity, features=("Screen", "Camera"))
        if await unit.record(ROOMS, room.id) is None:
            await add_room(unit, setups, room, actor)
    return WriteResult(b"")


def setup_records(now: Instant) -> Iterator[RecordRow]:
    """Yield a pool of all interviewers, and the availability of each, as rows."""
    times = int(now), int(now)
    people = [identifier for identifier, *_ in INTERVIEWERS if identifier is not None]
    members = (
        PoolMember(user_id=each, tags=("senior",) if place < _SENIOR else ()) for place, each in enumerate(people)
    )
    pool = Pool(id=_POOL, name="Engineering interviewers", members=tuple(members))
    yield setups.row(POOLS, pool.id, pool, times)
    for each in people:
        yield setups.row(AVAILABILITY, each, _AVAILABILITY, times)


_AVAILABILITY: Final = Availability(
    TIME_ZONE, dict.fromkeys(_DAYS, _HOURS), limits=Limits(6, 16), minimum_notice_minutes=4 * 60
)
