"""Rooms: where interviews are held.

Owns what a room is, and the number by which it is booked. An interview is in a room if its `location` is the room's
name (docs/decisions/0042). Must not know how rooms are stored.
"""

import msgspec

from rowen.interviews.errors import FieldProblem
from rowen.interviews.interview import LARGEST_ID, Identifier
from rowen.interviews.people import Person
from rowen.interviews.scheduling import UNSET, Unset


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """A room as served; its name is unique in its organization, and `capacity` is how many people it seats."""

    id: Identifier
    name: str
    site: str | None = None
    capacity: int | None = None
    features: tuple[str, ...] = ()


def person_of_room(room: int) -> Person:
    """Return the number by which a room is booked, as persons are: greater than the id of any user."""
    return Person(LARGEST_ID + room)


def room_of_person(person: int) -> int | None:
    """Return the id of the room with such a number; None for a user or a guest."""
    return person - LARGEST_ID if person > LARGEST_ID else None


class RoomFields(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of a room that a client sets; those that are UNSET stay as they are.

    `problems` are those of the request itself, and `on_behalf_of` is the acting user, None only if that is among the
    problems.
    """

    name: str | Unset = UNSET
    site: str | Unset | None = UNSET
    capacity: int | Unset | None = UNSET
    features: tuple[str, ...] | Unset = UNSET
    on_behalf_of: int | None = None
    problems: tuple[FieldProblem, ...] = ()
