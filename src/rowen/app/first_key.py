"""The first API key of a database, created when a server starts without any.

Owns which organization gets it. Must not know how it is shown.
"""

from collections.abc import Sequence
from typing import NamedTuple

from rowen.app.keys import Keys, new_key
from rowen.app.organizations import Organization, Organizations
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.moments import Instant


class FirstKey(NamedTuple):
    """A new key: its text, to be shown once, and the name of its organization."""

    text: str
    organization: str


class NoFirstKey(NamedTuple):
    """No key was created: the database has these organizations, and none of them is the default."""

    organizations: tuple[str, ...]


async def make_first_key(
    organizations: Organizations, keys: Keys, default: str, now: Instant
) -> FirstKey | NoFirstKey | None:
    """Create a key if there is none yet; return None if there is one.

    It is for the only organization, or for that with the name `default`, which is created if there is none at all.
    """
    if await keys.all():
        return None
    text, stored = new_key("first")
    try:
        known = await organizations.all() or [await organizations.create(default, "UTC", now)]
        organization = _chosen(known, default)
        if organization is None:
            return NoFirstKey(tuple(each.name for each in known))
        await keys.create(organization.id, stored, now)
    except Refusal as refusal:
        if refusal.code is Code.CONFLICT:
            return None  # another server that started at the same time was first
        raise
    return FirstKey(text, organization.name)


def _chosen(known: Sequence[Organization], default: str) -> Organization | None:
    return known[0] if len(known) == 1 else next((each for each in known if each.name == default), None)
