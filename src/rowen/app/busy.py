"""Busy times of people: pushing them, naming an address where they are read, and removing a source.

Owns the limits of what is kept, and the ports that keep it (contract section 16). Must not know JSON, HTTP or SQL. A
write raises the revision, so that nothing made of older busy times is taken for new; the log has no row of it.

A source has windows that it covers, each with the time of its reading; what is busy in them is known, and outside of
them nothing is. Shapes are in `interviews/busy.py`.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

from rowen.app.organizations import Organization
from rowen.app.records import USERS
from rowen.app.setups import By, require_actor
from rowen.app.unit_of_work import UnitOfWork
from rowen.interviews.busy import BusySource, Interval, Window, replaced
from rowen.interviews.errors import Code, FieldProblem, Problems, Refusal
from rowen.interviews.moments import Instant

MOST_SOURCES: Final = 20
"""How many sources of busy times a user may have."""

MOST_INTERVALS: Final = 20_000
"""How many busy intervals a source may have."""

MOST_WINDOWS: Final = 500
"""How many windows that were read at different times a source may have."""

PUSH_MOST: Final = 5_000
"""How many busy intervals one request may push."""

LONGEST_WINDOW: Final = 732 * 86_400_000
"""How long a pushed window may be, in milliseconds: two years."""

_PAST: Final = 35 * 86_400_000
_SKEW: Final = 300_000
"""How far ahead of this clock, in milliseconds, the clock of a client may be."""


class BusyFields(NamedTuple):
    """What a client puts: an address, or the busy times of a window; those that are None are among the `problems`.

    `read_at` is None where the client gives none. `on_behalf_of` is the acting user, None only if that is among the
    problems.
    """

    source: str
    url: str | None
    window: Interval | None
    read_at: Instant | None
    busy: Sequence[Interval]
    on_behalf_of: int | None
    problems: tuple[FieldProblem, ...]


class BusySources(Protocol):
    """The busy times of a database, for reading."""

    async def find(self, organization: Organization, user: int, source: str) -> BusySource | None:
        """Return a source of a user."""
        ...

    async def all(self, organization: Organization, user: int) -> Sequence[BusySource]:
        """Return the sources of a user, ordered by name, without their busy times."""
        ...


async def require_known_user(unit: UnitOfWork, user: int) -> None:
    """Raise Refusal (not found) if the organization has no such user."""
    if await unit.record(USERS, user) is None:
        raise Refusal(Code.NOT_FOUND)


async def put_busy(unit: UnitOfWork, user: int, fields: BusyFields, by: By) -> BusySource:
    """Put a source of a user, and return it. Raises Refusal."""
    await require_known_user(unit, user)
    problems = Problems(fields.problems)
    known = await unit.busy.find(user, fields.source)
    if known is None and await unit.busy.count(user) >= MOST_SOURCES:
        problems.note("source", f"Must be one of at most {MOST_SOURCES} sources of a user")
    window = _window_of(unit, fields, problems)
    await require_actor(unit, fields.on_behalf_of, by, problems)
    if window is None:
        return await _put_address(unit, user, fields, known)
    if known is None or known.url is not None:
        known = BusySource(user, fields.source, None)
    found = replaced(known, window, fields.busy, int(unit.now) - _PAST)
    if len(found.busy) > MOST_INTERVALS:
        problems.note("busy", f"Must not bring the source to more than {MOST_INTERVALS:,} intervals")
    if len(found.windows) > MOST_WINDOWS:
        problems.note("window", f"Must not bring the source to more than {MOST_WINDOWS} windows")
    problems.raise_any()
    await unit.begin_change()
    await unit.busy.put(found, None)
    return found


async def _put_address(unit: UnitOfWork, user: int, fields: BusyFields, known: BusySource | None) -> BusySource:
    """Put an address, to be read at once; if it is the one that was there, what is known of it stays."""
    if known is None or known.url != fields.url:
        known = BusySource(user, fields.source, None, fields.url)
    await unit.begin_change()
    await unit.busy.put(known, int(unit.now))
    return known


def _window_of(unit: UnitOfWork, fields: BusyFields, problems: Problems) -> Window | None:
    """Return the pushed window with the time of its reading; None for an address, or after noting a problem."""
    if fields.window is None:
        return None
    read_at = unit.now if fields.read_at is None else fields.read_at
    if read_at > unit.now + _SKEW:
        problems.note("read_at", "Must not be in the future")
    return Window(*fields.window, min(int(read_at), int(unit.now)))


async def remove_busy(unit: UnitOfWork, user: int, source: str, on_behalf_of: int | None, by: By) -> None:
    """Remove a source of a user. Raises Refusal."""
    await require_known_user(unit, user)
    await require_actor(unit, on_behalf_of, by, Problems())
    if not await unit.busy.remove(user, source):
        raise Refusal(Code.NOT_FOUND)
    await unit.begin_change()
