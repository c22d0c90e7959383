"""API keys: making and recognizing them.

Owns what a key looks like and what is kept of it. Must not know how keys are sent or stored.
"""

import secrets
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Final

from rowen.app.ports import NewKey
from rowen.interviews.errors import Code, FieldProblem, Refusal

PERMISSIONS: Final = {
    "scheduled_interviews:list": "List scheduled interviews",
    "scheduled_interviews:list_for_application": "List an application's scheduled interviews",
    "scheduled_interviews:retrieve": "Retrieve a scheduled interview",
    "users:list": "List users",
    "users:retrieve": "Retrieve a user",
    "applications:list": "List applications",
    "applications:retrieve": "Retrieve an application",
    "job_stages:list": "List job stages",
    "job_stages:list_for_job": "List a job's stages",
    "job_stages:retrieve": "Retrieve a job stage",
    "scorecards:list": "List scorecards",
    "scorecards:list_for_application": "List an application's scorecards",
    "scorecards:retrieve": "Retrieve a scorecard",
    "scheduled_interviews:create": "Schedule an interview",
    "scheduled_interviews:update": "Change a scheduled interview",
    "scheduled_interviews:delete": "Delete a scheduled interview",
    "scheduled_interviews:history": "List what happened to a scheduled interview",
    "scorecards:create": "Hand in a scorecard, or keep a draft of it",
    "scorecards:update": "Change or submit the draft of a scorecard",
    "scorecards:delete": "Delete a scorecard, and take it back",
    "conflicts:list": "List who is booked twice",
    "changes:list": "List what happened, or follow it live",
    "webhooks:list": "List webhooks",
    "webhooks:create": "Add a webhook",
    "webhooks:retrieve": "Retrieve a webhook",
    "webhooks:update": "Change, enable or disable a webhook",
    "webhooks:delete": "Delete a webhook",
    "webhooks:test": "Send a test to a webhook",
    "webhooks:rotate": "Give a webhook a new secret",
    "webhooks:list_deliveries": "List what a webhook was told",
}
"""What a key can be allowed, one for each endpoint, and what that lets it do."""

_SHOWN: Final = 12  # of some fifty characters: enough to tell keys apart, far too few to guess the rest


def digest(key: str) -> bytes:
    """Return what is kept of a key. Keys are long and random, so that a plain SHA-256 cannot be reversed."""
    return sha256(key.encode()).digest()


def new_key(
    name: str,
    *,
    allow: Iterable[str] = (),
    rate_limit: int | None = None,
    random_hex: Callable[[int], str] = secrets.token_hex,
) -> tuple[str, NewKey]:
    """Make a key of 160 random bits; return it, to be shown once, and what is to be stored.

    Without `allow` it opens every endpoint that there is today. Raises Refusal (invalid) for unknown permissions.
    """
    permissions = frozenset(allow) or frozenset(PERMISSIONS)
    unknown = sorted(permissions - PERMISSIONS.keys())
    if unknown:
        problem = FieldProblem("allow", f"must be one of {', '.join(PERMISSIONS)} ({', '.join(unknown)})")
        raise Refusal(Code.INVALID, "unknown permission", (problem,))
    key = "rowen_" + random_hex(20)
    return key, stored_key(name, key, permissions, rate_limit)


def stored_key(name: str, key: str, permissions: frozenset[str], rate_limit: int | None = None) -> NewKey:
    """Return what is to be stored of a given key."""
    return NewKey(name, key[:_SHOWN], digest(key), permissions, rate_limit)
