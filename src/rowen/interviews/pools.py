"""Pools: people of whom any can fill a seat of a panel.

Owns what a pool is. Must not know how pools are stored, or how a person is chosen.
"""

from typing import Final

import msgspec

from rowen.interviews.errors import FieldProblem
from rowen.interviews.interview import Identifier
from rowen.interviews.scheduling import UNSET, Unset

MOST_MEMBERS: Final = 2_000
MOST_INTERVIEWS: Final = 1_000
MOST_SEATS: Final = 10
LARGEST_WEIGHT: Final = 1_000


class PoolMember(msgspec.Struct, frozen=True, kw_only=True):
    """A member of a pool: `tags` are skills that a seat may ask for.

    Of members with equally many interviews in the weeks around a start, the one with the greatest `weight` is chosen
    (contract section 17).
    """

    user_id: Identifier
    weight: int = 1
    tags: tuple[str, ...] = ()


class PoolInterview(msgspec.Struct, frozen=True, kw_only=True):
    """An interview of a plan, and how many of its seats are usually filled from the pool."""

    interview_id: Identifier
    count: int = 1


class Pool(msgspec.Struct, frozen=True, kw_only=True):
    """A pool as served; several may have the same name."""

    id: Identifier
    name: str
    members: tuple[PoolMember, ...] = ()
    interviews: tuple[PoolInterview, ...] = ()

    def seats_of(self, interview: int | None) -> int:
        """Return how many seats of an interview of a plan are usually filled from the pool."""
        return next((each.count for each in self.interviews if each.interview_id == interview), 0)


class PoolFields(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of a pool that a client sets; those that are UNSET stay as they are.

    Of `members` and `interviews` those that are among the `problems` are None. `on_behalf_of` is the acting user, None
    only if that is among the problems.
    """

    name: str | Unset = UNSET
    members: tuple[PoolMember | None, ...] | Unset = UNSET
    interviews: tuple[PoolInterview | None, ...] | Unset = UNSET
    on_behalf_of: int | None = None
    problems: tuple[FieldProblem, ...] = ()
