"""API keys: making and recognizing them.

Owns what a key looks like, what is stored of it, and its permissions, including their groups. Must not know how keys
are sent or stored.
"""

import re
import secrets
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass
from difflib import get_close_matches
from hashlib import sha256
from typing import Final, NamedTuple, Protocol

from rowen.app import archive
from rowen.app.organizations import Organization
from rowen.interviews.errors import Code, FieldProblem, Refusal
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant


class Identity(NamedTuple):
    """The maker of a request: an organization, what may be done in it, and a name for logs and the history.

    `id` identifies it in its organization: rate limits count by it, and idempotency keys belong to it. API keys have
    theirs; other credentials need ids that no API key has, such as negative ones. `rate_limit` is how many requests it
    may make in a window, None for as many as the server allows. `acting_user` is the user it acts for, if it names one.
    """

    id: int
    name: str
    permissions: frozenset[str]
    rate_limit: int | None
    organization: Organization
    acting_user: int | None = None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key as the operator sees it; the key itself is not stored."""

    organization: str
    name: str
    prefix: str
    permissions: frozenset[str]
    rate_limit: int | None
    created_at: Instant
    last_used_at: Instant | None
    revoked_at: Instant | None


@dataclass(frozen=True, slots=True)
class NewKey:
    """An API key to be stored: of the key itself only `digest` (SHA-256) and `prefix` are kept."""

    name: str
    prefix: str
    digest: bytes
    permissions: frozenset[str]
    rate_limit: int | None = None


class Keyring(Protocol):
    """The API keys of a database, as a server uses them."""

    async def authenticate(self, digest: bytes) -> Identity | None:
        """Return the identity of the key with a SHA-256 digest; None if it is unknown or revoked."""
        ...

    async def record_use(self, uses: Sequence[tuple[OrganizationId, int, Instant]]) -> None:
        """Store when keys (by id) were last used."""
        ...


class Keys(Keyring, Protocol):
    """The API keys of a database, as an operator manages them."""

    async def create(self, organization: OrganizationId, key: NewKey, now: Instant) -> None:
        """Store a key. Raises Refusal (conflict) if the organization has a key with that name, or any has that key."""
        ...

    async def all(self, organization: OrganizationId | None = None) -> list[ApiKey]:
        """Return every key, or those of one organization, ordered by organization and creation."""
        ...

    async def allow(
        self, organization: OrganizationId, name: str, permissions: frozenset[str]
    ) -> frozenset[str] | None:
        """Give a key more permissions; return those that it did not have, None if no valid key has that name."""
        ...

    async def revoke(self, organization: OrganizationId, name: str, now: Instant) -> bool:
        """Revoke a key; False if no valid key has that name."""
        ...


PERMISSIONS: Final = {
    "scheduled_interviews:list": "List scheduled interviews",
    "scheduled_interviews:list_for_application": "List an application's scheduled interviews",
    "scheduled_interviews:retrieve": "Retrieve a scheduled interview",
    "users:list": "List users",
    "users:retrieve": "Retrieve a user",
    "users:create": "Add a user",
    "users:update": "Change a user",
    "users:disable": "Disable a user",
    "users:enable": "Enable a user",
    "applications:list": "List applications",
    "applications:retrieve": "Retrieve an application",
    "applications:create": "Add an application to a candidate",
    "job_stages:list": "List job stages",
    "job_stages:list_for_job": "List a job's stages",
    "job_stages:retrieve": "Retrieve a job stage",
    "job_stages:create": "Add a stage to a job",
    "job_stages:update": "Change a job stage",
    "scorecards:list": "List scorecards",
    "scorecards:list_for_application": "List an application's scorecards",
    "scorecards:retrieve": "Retrieve a scorecard",
    "candidates:list": "List candidates",
    "candidates:retrieve": "Retrieve a candidate",
    "candidates:create": "Add a candidate with applications",
    "jobs:list": "List jobs",
    "jobs:retrieve": "Retrieve a job",
    "jobs:create": "Add a job",
    "jobs:update": "Change a job",
    "jobs:list_hiring_team": "List a job's hiring team",
    "jobs:list_openings": "List a job's openings",
    "jobs:retrieve_opening": "Retrieve an opening of a job",
    "scheduled_interviews:create": "Schedule an interview",
    "scheduled_interviews:update": "Change a scheduled interview",
    "scheduled_interviews:delete": "Delete a scheduled interview",
    "scheduled_interviews:history": "List the changes of a scheduled interview",
    "scorecards:create": "Submit a scorecard, or save a draft",
    "scorecards:update": "Change or submit the draft of a scorecard",
    "scorecards:delete": "Delete a scorecard",
    "conflicts:list": "List double bookings",
    "changes:list": "List changes, or follow them live",
    "webhooks:list": "List webhooks",
    "webhooks:create": "Add a webhook",
    "webhooks:retrieve": "Retrieve a webhook",
    "webhooks:update": "Change, enable or disable a webhook",
    "webhooks:delete": "Delete a webhook",
    "webhooks:test": "Send a test to a webhook",
    "webhooks:rotate": "Rotate the secret of a webhook",
    "webhooks:list_deliveries": "List the deliveries to a webhook",
    "webhooks:retrieve_delivery": "Retrieve a delivery with its request",
    "webhooks:resend": "Send deliveries to a webhook again",
    "webhooks:skip": "Skip pending deliveries to a webhook",
    "calendars:list": "List calendars",
    "calendars:create": "Add a calendar",
    "calendars:delete": "Remove a calendar",
    "slots:find": "Find times for interviews",
    "bookings:create": "Book interviews at a time that was found",
    "bookings:force": "Book against limits, hours and buffers",
    "booking_links:list": "List booking links",
    "booking_links:create": "Add a booking link",
    "booking_links:delete": "Remove a booking link",
    "holds:list": "List holds",
    "holds:create": "Hold a slot",
    "holds:delete": "Remove a hold",
    "rooms:list": "List rooms",
    "rooms:create": "Add a room",
    "rooms:retrieve": "Retrieve a room",
    "rooms:update": "Change a room",
    "rooms:delete": "Remove a room",
    "availability:retrieve": "Retrieve the availability of a user",
    "availability:update": "Replace the availability of a user",
    "busy:list": "List the sources of a user's busy times",
    "busy:retrieve": "Retrieve a source of busy times",
    "busy:update": "Replace a source of busy times",
    "busy:delete": "Remove a source of busy times",
    "pools:list": "List pools",
    "pools:create": "Add a pool",
    "pools:retrieve": "Retrieve a pool",
    "pools:update": "Change a pool",
    "pools:delete": "Remove a pool",
    **archive.permissions(),
}
"""The permissions of keys, one for each endpoint, with a description."""

ALL: Final = "*"
_READING: Final = ("list", "retrieve", "history")
_SECRET: Final = ("webhooks", "busy")  # the address of a receiver, or of a calendar, often holds a secret


def _grouped(permissions: Iterable[str]) -> dict[str, list[str]]:
    """Return the actions of permissions by their resource, in the order of `PERMISSIONS`."""
    groups: dict[str, list[str]] = {}
    for name in sorted(permissions, key=list(PERMISSIONS).index):
        resource, _, action = name.partition(":")
        groups.setdefault(resource, []).append(action)
    return groups


RESOURCES: Final = _grouped(PERMISSIONS)
"""The resources of permissions, with the actions on them."""

GROUPS: Final = {f"{resource}:{ALL}" for resource in RESOURCES}
"""The names of groups: every permission for one resource."""

READ_ONLY: Final = frozenset(
    f"{resource}:{action}"
    for resource, actions in RESOURCES.items()
    for action in actions
    if resource not in _SECRET and action.split("_")[0] in _READING
)
"""Every permission to read the schedule and its records. Webhooks and busy times are not included."""


def expanded(names: Iterable[str]) -> frozenset[str]:
    """Return the permissions that names of permissions and groups stand for.

    A group stands for the permissions that it has today. Raises Refusal (invalid) for unknown names.
    """
    found: set[str] = set()
    unknown = []
    for name in dict.fromkeys(names):
        if name in PERMISSIONS:
            found.add(name)
        elif name in GROUPS:
            resource = name.partition(":")[0]
            found.update(f"{resource}:{action}" for action in RESOURCES[resource])
        else:
            unknown.append(_unknown(name))
    if unknown:
        problem = FieldProblem("allow", f"Has no permission {', '.join(unknown)}. There are {overview()}")
        raise Refusal(Code.INVALID, "unknown permission", (problem,))
    return frozenset(found)


def _unknown(name: str) -> str:
    near = get_close_matches(name, [*PERMISSIONS, *GROUPS], n=1)
    return f"{name!r} (did you mean {near[0]}?)" if near else repr(name)


def overview(permissions: Iterable[str] = PERMISSIONS) -> str:
    """Return permissions by resource: `users: list, retrieve; changes: list`."""
    return "; ".join(f"{resource}: {', '.join(actions)}" for resource, actions in _grouped(permissions).items())


def summary(permissions: Set[str]) -> str:
    """Return permissions in few words: `everything`, `read-only`, or groups and single ones, separated by spaces.

    Except for the first two, `expanded` turns the words into the same permissions again. A permission that this version
    does not know is included as it is.
    """
    if permissions == PERMISSIONS.keys():
        return "everything"
    if permissions == READ_ONLY:
        return "read-only"
    words = []
    for resource, actions in _grouped(permissions & PERMISSIONS.keys()).items():
        whole = actions == RESOURCES[resource] and len(actions) > 1
        words += [f"{resource}:{ALL}"] if whole else [f"{resource}:{action}" for action in actions]
    return " ".join([*words, *sorted(permissions - PERMISSIONS.keys())])


_SHOWN: Final = 12  # of about fifty characters: enough to distinguish keys, far too few to guess the rest
_SHOWN_OF_GIVEN: Final = 4  # another system's key may be half as long
_MADE_HERE: Final = re.compile(r"rowen_[0-9a-f]{40}")


def digest(key: str) -> bytes:
    """Return the stored form of a key. Keys are long and random, so that a plain SHA-256 cannot be reversed."""
    return sha256(key.encode()).digest()


def new_key(
    name: str,
    *,
    allow: Iterable[str] = (),
    rate_limit: int | None = None,
    random_hex: Callable[[int], str] = secrets.token_hex,
) -> tuple[str, NewKey]:
    """Make a key of 160 random bits; return it, to be shown once, and the record to store.

    `allow` lists permissions and groups. Without it the key has every permission that exists today. Raises Refusal
    (invalid) for unknown permissions.
    """
    permissions = expanded(allow) or frozenset(PERMISSIONS)
    key = "rowen_" + random_hex(20)
    return key, stored_key(name, key, permissions, rate_limit)


def stored_key(name: str, key: str, permissions: frozenset[str], rate_limit: int | None = None) -> NewKey:
    """Return the record to store for a given key."""
    shown = _SHOWN if _MADE_HERE.fullmatch(key) else _SHOWN_OF_GIVEN
    return NewKey(name, key[:shown], digest(key), permissions, rate_limit)
