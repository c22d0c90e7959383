"""Double bookings: an operation that Harvest does not have.

Owns its parameters and its response. Must not know HTTP's transport, authentication or SQL.
"""

from typing import Final

import msgspec

from rowen.api import examples
from rowen.api.declarations import Operation, Reply
from rowen.api.headers.conditional import list_etag
from rowen.api.reading.query import (
    by_name,
    identifier_parameter,
    limit_parameter,
    read_values,
    text_parameter,
    time_parameter,
)
from rowen.api.request import ApiRequest
from rowen.api.response import More, Response
from rowen.app.conflicts import Conflict, ConflictQuery
from rowen.app.services import Services
from rowen.interviews.errors import Code, FieldProblem, Refusal
from rowen.interviews.interview import Identifier
from rowen.interviews.moments import Instant
from rowen.interviews.query import DEFAULT_PAGE_SIZE

_PARAMETERS: Final = by_name(
    identifier_parameter("user_id", "Only of this user", examples.INTERVIEWER_ID),
    text_parameter("email", "Only of the user or guest with this e-mail address; not together with `user_id`"),
    time_parameter("from", "Only of interviews that end after this ISO-8601 date or time"),
    time_parameter("to", "Only of interviews that start before this ISO-8601 date or time"),
    limit_parameter(DEFAULT_PAGE_SIZE),
)


class BookedPerson(msgspec.Struct, frozen=True):
    """A user, or a guest, who has no id."""

    user_id: Identifier | None
    name: str | None
    email: str | None


class ConflictRecord(msgspec.Struct, frozen=True):
    """An overlap of interviews of one person."""

    person: BookedPerson
    start: Instant
    end: Instant
    scheduled_interview_ids: tuple[Identifier, ...]


class ConflictPage(msgspec.Struct, frozen=True):
    """The overlaps, ordered by person and start."""

    conflicts: list[ConflictRecord]
    more: More


_encoder: Final = msgspec.json.Encoder(enc_hook=str)


async def list_conflicts(services: Services, request: ApiRequest) -> Response:
    """List the overlapping interviews of a person, or of everybody, in a range of time."""
    values = read_values(request.query, _PARAMETERS)
    etag = list_etag(request.organization, f"{request.address}?{request.query}")
    if request.has_copy(etag):
        return Response(None, etag)
    if "user_id" in values and "email" in values:
        raise Refusal(Code.INVALID, problems=(FieldProblem("email", "Must not be given beside user_id"),))
    query = ConflictQuery(
        values.get("user_id"), values.get("email"), values.get("from"), values.get("to"), values["limit"]
    )
    overlaps, more = await services.conflicts.find(request.organization, query)
    return Response(_encoder.encode(ConflictPage([_served(overlap) for overlap in overlaps], more)), etag)


def _served(conflict: Conflict) -> ConflictRecord:
    overlap = conflict.overlap
    return ConflictRecord(
        BookedPerson(conflict.user_id, conflict.name, conflict.email),
        Instant(overlap.starts_at),
        Instant(overlap.ends_at),
        tuple(overlap.interviews),
    )


OPERATIONS: Final = (
    Operation(
        "GET",
        "/rowen/v1/conflicts",
        "conflicts:list",
        list_conflicts,
        "List double bookings",
        "Conflicts",
        Reply(ConflictPage, examples.CONFLICTS, "The overlaps, ordered by person and start"),
        query=_PARAMETERS,
    ),
)
