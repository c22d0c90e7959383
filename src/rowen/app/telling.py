"""Telling other systems: webhooks, what they are told, and how often that is tried.

Owns the rules of webhooks, their use cases and the ports that these need. Must not know HTTP, SQL or sockets.
"""

import secrets
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple, NewType, Protocol

from rowen.interviews.changes import Change, Kind
from rowen.interviews.errors import Code, FieldProblem, Refusal
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant

WebhookId = NewType("WebhookId", int)
Clock = Callable[[], Instant]

ATTEMPTS: Final = 10
"""How often a delivery is tried in all."""

LARGEST_RETRY_AFTER: Final = 3_600_000
"""How long a receiver may ask to be left in peace, beyond what the schedule says: milliseconds."""

ROTATION: Final = 86_400_000
"""How long the secret before stays valid: milliseconds."""

MOST_WEBHOOKS: Final = 100
"""How many webhooks an organization may have: each costs every write a row."""

_SECRET_BYTES: Final = 32  # the Standard Webhooks allow 24 to 64
_SECOND: Final = 1_000
_MINUTE: Final = 60 * _SECOND
_HOUR: Final = 60 * _MINUTE
_PAUSES: Final = (
    5 * _SECOND,
    1 * _MINUTE,
    9 * _MINUTE,
    50 * _MINUTE,
    4 * _HOUR,
    8 * _HOUR,
    14 * _HOUR,
    20 * _HOUR,
    25 * _HOUR,
)  # three days in all


class Action(StrEnum):
    """What a webhook can be told."""

    INTERVIEW_SCHEDULED = "interview_scheduled"
    INTERVIEW_UPDATED = "interview_updated"
    INTERVIEW_DELETED = "interview_deleted"
    SCORECARD_SUBMITTED = "scorecard_submitted"


class DeliveryState(StrEnum):
    """How far a delivery has come."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class Event(NamedTuple):
    """One thing to tell: `body` is the JSON that is sent."""

    action: Action
    body: bytes


def events_of(change: Change, document: bytes) -> list[Event]:
    """Return what webhooks are told of a change; `document` is the interview after it, or before it was cancelled."""
    if change.kind is Kind.IMPORTED:
        return []
    action = _ACTIONS.get(change.kind, Action.INTERVIEW_UPDATED)
    events = [Event(action, message(action, "interview", document))]
    if change.kind is Kind.SCORED and change.scorecard is not None:
        events.append(
            Event(Action.SCORECARD_SUBMITTED, message(Action.SCORECARD_SUBMITTED, "scorecard", change.scorecard))
        )
    return events


_ACTIONS: Final = {Kind.CREATED: Action.INTERVIEW_SCHEDULED, Kind.CANCELLED: Action.INTERVIEW_DELETED}


def message(action: str, name: str, document: bytes) -> bytes:
    """Write a body: the action, and as its payload one document under a name."""
    return b'{"action":"%b","payload":{"%b":%b}}' % (action.encode(), name.encode(), document)


@dataclass(frozen=True, slots=True)
class Webhook:
    """A receiver and what it is told. `reason` says why Rowen disabled it, if Rowen did."""

    organization_id: OrganizationId
    id: WebhookId
    url: str
    actions: frozenset[Action]
    secret: str = field(repr=False)
    previous_secret: str | None = field(repr=False)
    previous_secret_until: Instant | None
    enabled: bool
    reason: str | None
    created_at: Instant

    def secrets(self, now: Instant) -> tuple[str, ...]:
        """Return the secrets that are valid, the newest first."""
        until = self.previous_secret_until
        if self.previous_secret is None or until is None or until <= now:
            return (self.secret,)
        return self.secret, self.previous_secret


class WebhookChange(NamedTuple):
    """What to change of a webhook; None leaves a thing as it is."""

    url: str | None = None
    actions: frozenset[Action] | None = None
    enabled: bool | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of telling one webhook one thing.

    `last_status` and `last_error` are of the last try; `next_attempt_at` is when a pending one is tried next,
    `settled_at` when it was delivered or given up.
    """

    state: DeliveryState
    action: Action
    event_id: str
    revision: int
    attempts: int
    last_status: int | None
    last_error: str | None
    created_at: Instant
    next_attempt_at: Instant
    settled_at: Instant | None


class Letter(NamedTuple):
    """What is sent: `event_id` is the same on every try; the first of the `secrets` is the newest."""

    url: str
    event_id: str
    body: bytes
    secrets: tuple[str, ...]


class Outcome(NamedTuple):
    """How a try ended: the status that was answered, or in a few words why there was none.

    `retry_after` is how many seconds the receiver asked to be left in peace.
    """

    status: int | None
    error: str | None = None
    retry_after: int | None = None

    @property
    def delivered(self) -> bool:
        """Whether the receiver has it."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def reason(self) -> str | None:
        """Why it is not delivered, in a few words."""
        return None if self.delivered else self.error or f"answered {self.status}"


class Verdict(NamedTuple):
    """What a try means for its delivery; `disabled` says why its webhook is told nothing more, if so."""

    state: DeliveryState
    attempts: int
    next_attempt_at: Instant
    settled_at: Instant | None
    disabled: str | None = None


GONE: Final = "answered 410 Gone"


def judge(attempts: int, outcome: Outcome, now: Instant, random: Callable[[], float]) -> Verdict:
    """Return what becomes of a delivery after its try number `attempts`.

    `random` returns numbers from 0 to 1: jitter, so that receivers that failed together are not tried together.
    """
    if outcome.delivered:
        return Verdict(DeliveryState.DELIVERED, attempts, now, now)
    disabled = GONE if outcome.status == 410 else None
    if attempts >= ATTEMPTS:
        return Verdict(DeliveryState.FAILED, attempts, now, now, disabled)
    asked = min((outcome.retry_after or 0) * _SECOND, LARGEST_RETRY_AFTER)
    pause = max(pause_after(attempts, random), asked)
    return Verdict(DeliveryState.PENDING, attempts, Instant(now + pause), None, disabled)


def pause_after(attempts: int, random: Callable[[], float]) -> int:
    """Return how many milliseconds after so many failed tries the next one is made: a tenth more or less by chance."""
    return round(_PAUSES[attempts - 1] * (0.9 + 0.2 * random()))


def new_secret(random_bytes: Callable[[int], bytes] = secrets.token_bytes) -> str:
    """Make a secret in the form of the Standard Webhooks: `whsec_` and random bytes in base64."""
    return "whsec_" + b64encode(random_bytes(_SECRET_BYTES)).decode()


class WebhookStore(Protocol):
    """The webhooks of a database, and what they were told."""

    async def add(
        self, organization: OrganizationId, url: str, actions: frozenset[Action], secret: str, now: Instant
    ) -> Webhook:
        """Store a webhook, enabled. Raises Refusal (invalid) where there are too many."""
        ...

    async def all(self, organization: OrganizationId) -> Sequence[Webhook]:
        """Return an organization's webhooks, ordered by id."""
        ...

    async def find(self, organization: OrganizationId, webhook: WebhookId) -> Webhook | None:
        """Return a webhook."""
        ...

    async def change(
        self, organization: OrganizationId, webhook: WebhookId, change: WebhookChange, now: Instant
    ) -> Webhook | None:
        """Change a webhook and return it; once enabled again, what it was not told is due at once."""
        ...

    async def rotate(
        self, organization: OrganizationId, webhook: WebhookId, secret: str, until: Instant
    ) -> Webhook | None:
        """Give a webhook a new secret; the one before stays valid until then."""
        ...

    async def remove(self, organization: OrganizationId, webhook: WebhookId) -> bool:
        """Remove a webhook with all its deliveries; False where there is none of that id."""
        ...

    async def deliveries(self, organization: OrganizationId, webhook: WebhookId, limit: int) -> Sequence[Delivery]:
        """Return the newest deliveries to a webhook, the newest first."""
        ...


class Messenger(Protocol):
    """Whoever brings letters to their receivers."""

    async def objection(self, url: str) -> str | None:
        """Return what speaks against sending anything to a URL: a message that completes the sentence "url …"."""
        ...

    async def send(self, letter: Letter) -> Outcome:
        """Try once; whatever goes wrong is an outcome."""
        ...


class Endpoint(NamedTuple):
    """A webhook that something is to be sent to."""

    organization_id: OrganizationId
    webhook_id: WebhookId


class Due(NamedTuple):
    """The next thing to tell a webhook, in the order of changes: after `attempts` tries, not before then."""

    endpoint: Endpoint
    revision: int
    action: Action
    event_id: str
    attempts: int
    next_attempt_at: Instant
    body: bytes
    webhook: Webhook


class Deliveries(Protocol):
    """The outbox of a database, as the dispatcher empties it."""

    async def waiting(self) -> Sequence[tuple[Endpoint, Instant]]:
        """Return the enabled webhooks with something pending, and when each is to be tried."""
        ...

    async def next(self, endpoint: Endpoint) -> Due | None:
        """Return the first thing pending for a webhook; None where there is none or the webhook is disabled."""
        ...

    async def record(self, due: Due, outcome: Outcome, verdict: Verdict) -> None:
        """Store how a try ended."""
        ...

    async def sweep(self, before: Instant) -> int:
        """Remove some of what was settled before then, and return how many; 0 means there are no more."""
        ...


@dataclass(frozen=True, slots=True)
class Webhooks:
    """What can be done with the webhooks of an organization. Everything raises Refusal (not found) for unknown ids."""

    store: WebhookStore
    messenger: Messenger
    now: Clock
    random_bytes: Callable[[int], bytes] = secrets.token_bytes

    async def add(self, organization: OrganizationId, url: str, actions: frozenset[Action]) -> Webhook:
        """Add a webhook. Raises Refusal (invalid) for a URL that nothing may be sent to."""
        await self._require_address(url)
        return await self.store.add(organization, url, actions, new_secret(self.random_bytes), self.now())

    async def all(self, organization: OrganizationId) -> Sequence[Webhook]:
        """Return the webhooks, ordered by id."""
        return await self.store.all(organization)

    async def find(self, organization: OrganizationId, webhook: WebhookId) -> Webhook:
        """Return a webhook."""
        return _found(await self.store.find(organization, webhook), webhook)

    async def change(self, organization: OrganizationId, webhook: WebhookId, change: WebhookChange) -> Webhook:
        """Change a webhook. Raises Refusal (invalid) for a URL that nothing may be sent to."""
        await self.find(organization, webhook)
        if change.url is not None:
            await self._require_address(change.url)
        return _found(await self.store.change(organization, webhook, change, self.now()), webhook)

    async def rotate(self, organization: OrganizationId, webhook: WebhookId) -> Webhook:
        """Give a webhook a new secret; the one before stays valid for 24 hours."""
        until = Instant(self.now() + ROTATION)
        return _found(
            await self.store.rotate(organization, webhook, new_secret(self.random_bytes), until),
            webhook,
        )

    async def remove(self, organization: OrganizationId, webhook: WebhookId) -> None:
        """Remove a webhook, and what it was still to be told."""
        if not await self.store.remove(organization, webhook):
            raise _not_found(webhook)

    async def deliveries(self, organization: OrganizationId, webhook: WebhookId, limit: int) -> Sequence[Delivery]:
        """Return the newest deliveries, the newest first."""
        await self.find(organization, webhook)
        return await self.store.deliveries(organization, webhook, limit)

    async def objections(self, url: str) -> tuple[FieldProblem, ...]:
        """Return what is wrong with a URL."""
        objection = await self.messenger.objection(url)
        return () if objection is None else (FieldProblem("url", objection),)

    async def _require_address(self, url: str) -> None:
        problems = await self.objections(url)
        if problems:
            raise Refusal(Code.INVALID, "nothing may be sent to this URL", problems)

    async def test(self, organization: OrganizationId, webhook: WebhookId) -> Outcome:
        """Send a signed `ping` at once, enabled or not, and say how that ended; nothing of it is stored."""
        found = await self.find(organization, webhook)
        event_id = f"msg_{self.random_bytes(16).hex()}"
        letter = Letter(found.url, event_id, message("ping", "webhook_id", b"%d" % webhook), found.secrets(self.now()))
        return await self.messenger.send(letter)


def _found(webhook: Webhook | None, identifier: WebhookId) -> Webhook:
    if webhook is None:
        raise _not_found(identifier)
    return webhook


def _not_found(identifier: WebhookId) -> Refusal:
    return Refusal(Code.NOT_FOUND, f"there is no webhook {identifier}")
