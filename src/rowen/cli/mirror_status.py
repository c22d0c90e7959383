"""`rowen mirror status`: how far the mirror of an organization is.

Owns what is shown of it. Must not know how it follows its account.
"""

from collections import Counter

from rowen.app.mirror import TARGETS, Position
from rowen.app.organizations import Organization
from rowen.app.records import INTERVIEWS
from rowen.cli.console import print_table
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.interview import LARGEST_ID
from rowen.interviews.moments import Instant
from rowen.mirror.joiner import Joiner
from rowen.wiring import Store, now

_AT_ONCE = 1_000
_MOST_PENDING = 1_000_000


async def print_status(store: Store, organization: Organization) -> None:
    """Print the state, the counters and the resources of a mirror. Raises Refusal (not found)."""
    state = next((each for each in await store.mirrors.all() if each.organization == organization.name), None)
    if state is None:
        raise Refusal(Code.NOT_FOUND, f"organization {organization.name!r} is not a mirror")
    mirror, positions = state.mirror, state.positions
    pending = [len(await store.mirrors.pending(organization.id, each, _MOST_PENDING)) for each in TARGETS]
    lag = "" if mirror.followed_at is None else f"{max(0, now() - mirror.followed_at) / 1000:.0f} s"
    swept = [each.swept_at for each in positions]
    rows: list[tuple[str, object]] = [
        ("account", mirror.source),
        ("state", "loading" if mirror.loaded_at is None else "following"),
        ("started", _time(mirror.started_at)),
        ("loaded", _time(mirror.loaded_at)),
        ("followed", _time(mirror.followed_at)),
        ("lag", lag),
        ("last sweep", _time(None if None in swept else min(each for each in swept if each is not None))),
        ("waiting to be written", sum(pending)),
        ("requests", mirror.counters.get("requests", 0)),
        ("too many requests (429)", mirror.counters.get("throttled", 0)),
        ("rows read", mirror.counters.get("rows", 0)),
        ("rows that were new or had changed", mirror.counters.get("news", 0)),
        ("rows that were gone", mirror.counters.get("gone", 0)),
        ("rows that could not be read", mirror.counters.get("unusable", 0)),
        ("records written", mirror.counters.get("written", 0)),
        ("records that could not be written", mirror.counters.get("failed", 0)),
        *((f"interviews without v1 form: {reason}", count) for reason, count in await _left_out(store, organization)),
        *((f"writes of clients: {each.replace('_', ' ')}", state.writes[each]) for each in sorted(state.writes)),
        ("last error", mirror.error or ""),
        ("time of last error", _time(mirror.error_at)),
    ]
    print_table("Mirror", ("name", "value"), rows)
    resources = [_resource(each) for each in positions]
    print_table("Resources", ("resource", "rows", "read", "known up to", "last sweep"), resources)


def _resource(position: Position) -> tuple[object, ...]:
    read = "completely" if position.loaded else "not yet" if position.cursor is None else "partly"
    return position.resource, position.held, read, _time(position.newest), _time(position.swept_at)


async def _left_out(store: Store, organization: Organization) -> list[tuple[str, int]]:
    """Return the reasons why interviews of the account have no v1 form, and how many have none for each."""
    joiner, found = Joiner(store.mirrors, organization), Counter[str]()
    held = await store.mirrors.identifiers(organization.id, "interviews", 0, LARGEST_ID + 1)
    for start in range(0, len(held), _AT_ONCE):
        joined = await joiner.join(INTERVIEWS, held[start : start + _AT_ONCE])
        found.update(joined.left_out.values())
    return sorted(found.items())


def _time(milliseconds: int | None) -> str:
    return "" if milliseconds is None else str(Instant(milliseconds))
