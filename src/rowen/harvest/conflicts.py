"""Listing who is booked twice: a call of Rowen's own.

Owns its parameters and its answer. Must not know HTTP's transport, authentication or SQL.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from rowen.app.conflicts import Conflict, ConflictQuery
from rowen.app.services import Services
from rowen.harvest.calls import Answer, Call, has_copy
from rowen.harvest.conditional import list_etag
from rowen.harvest.parameters import read_identifier, read_limit, read_time, read_values
from rowen.interviews.errors import Code, FieldProblem, Refusal
from rowen.interviews.moments import Instant

_DEFAULT_LIMIT: Final = 100
_READERS: Final[dict[str, Callable[[str], Any]]] = {
    "user_id": read_identifier,
    "email": str,
    "from": read_time,
    "to": read_time,
    "limit": read_limit,
}


class _Person(msgspec.Struct):
    user_id: int | None
    name: str | None
    email: str | None


class _Conflict(msgspec.Struct):
    """One overlap as it is served."""

    person: _Person
    start: str
    end: str
    scheduled_interview_ids: Sequence[int]


class _Conflicts(msgspec.Struct):
    conflicts: list[_Conflict]
    more: bool


async def list_conflicts(services: Services, call: Call) -> Answer:
    """List the overlapping interviews of a person, or of everybody, in a range of time."""
    values = read_values(call.query, _READERS)
    etag = list_etag(call.organization, f"{call.address}?{call.query}")
    if has_copy(call, etag):
        return Answer(None, etag)
    if "user_id" in values and "email" in values:
        raise Refusal(Code.INVALID, problems=(FieldProblem("email", "Must not be given beside user_id"),))
    query = ConflictQuery(
        values.get("user_id"),
        values.get("email"),
        values.get("from"),
        values.get("to"),
        values.get("limit", _DEFAULT_LIMIT),
    )
    found, more = await services.conflicts.find(call.organization, query)
    return Answer(msgspec.json.encode(_Conflicts([_served(each) for each in found], more)), etag)


def _served(conflict: Conflict) -> _Conflict:
    overlap = conflict.overlap
    return _Conflict(
        _Person(conflict.user_id, conflict.name, conflict.email),
        str(Instant(overlap.starts_at)),
        str(Instant(overlap.ends_at)),
        overlap.interviews,
    )
