"""The usual panel of an interview of a plan: people by name, and people of pools.

Owns the seats that a plan gives an interview, how they are written, and the fields that ask how many people of each
pool are wanted. Must not know a page, or how somebody of a pool is chosen.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from rowen.interviews.pools import MOST_SEATS, Pool
from rowen.web.directory import PlannedInterview
from rowen.web.forms import Form
from rowen.web.languages import Language


class PoolField(NamedTuple):
    """A pool in a form: the name of its field, which holds how many of its people are wanted."""

    field: str
    name: str
    members: int


def pool_fields(pools: Sequence[Pool], planned: PlannedInterview | None = None) -> list[PoolField]:
    """Return the fields of pools that somebody is in, or that fill a seat of an interview of a plan."""
    return [
        PoolField(_field(each), each.name, len(each.members))
        for each in pools
        if each.members or each.seats_of(_id(planned))
    ]


def default_pools(form: Form, pools: Sequence[Pool], planned: PlannedInterview | None) -> None:
    """Show how many people of each pool an interview of a plan usually has."""
    for each in pools:
        form.default(_field(each), str(each.seats_of(_id(planned))))


def wanted_pools(form: Form, pools: Sequence[Pool]) -> dict[int, int]:
    """Return how many people of each pool a form asks for, by the pools' ids; with the problems noted."""
    return {
        each.id: (form.whole(_field(each), 0, MOST_SEATS, "find.places") or 0) if form.text(_field(each)) else 0
        for each in pools
        if form.all(_field(each))
    }


def seats_of(planned: PlannedInterview, people: Mapping[int, str], pools: Sequence[Pool]) -> list[dict[str, Any]]:
    """Return the seats of an interview, as a question for slots has them: of those `people` and pools there are.

    None if nobody is in one of the pools: no time could be found.
    """
    named = [{"users": [user]} for user in planned.defaults if user in people]
    filling = [each for each in pools if each.seats_of(planned.id)]
    if not all(each.members for each in filling):
        return []
    return [*named, *({"pool": each.id, "count": each.seats_of(planned.id)} for each in filling)]


def panel_words(
    language: Language, planned: PlannedInterview, people: Mapping[int, str], pools: Sequence[Pool]
) -> list[str]:
    """Return the seats of an interview in words: the names of people, and how many of which pools."""
    names = [people[user] for user in planned.defaults if user in people]
    filled = ((each.name, each.seats_of(planned.id)) for each in pools)
    return [*names, *(language.text("plan.from_pool", count=count, pool=name) for name, count in filled if count)]


def _id(planned: PlannedInterview | None) -> int | None:
    return None if planned is None else planned.id


def _field(pool: Pool) -> str:
    return f"pool-{pool.id}"
