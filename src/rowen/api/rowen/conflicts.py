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
from rowen.interviews.scheduling import UNSET, Unset

_PARAMETERS: Final = by_name(
    identifier_parameter("user_id", "Only of this user", examples.INTERVIEWER_ID),
    text_parameter("email", "Only of the user or guest with this e-mail address; not together with `user_id`"),
    identifier_parameter("room_id", "Only of this room; not together with the two before", examples.ROOM_ID),
    time_parameter("from", "Only of interviews that end after this ISO-8601 date or time"),
    time_parameter("to", "Only of interviews that start before this ISO-8601 date or time"),
    limit_parameter(DEFAULT_PAGE_SIZE),
)


class BookedPerson(msgspec.Struct, frozen=True):
    """A user, or a guest, who has no id."""

    user_id: Identifier | None
    name: str | None
    email: str | None


class BookedRoom(msgspec.Struct, frozen=True):
    """A room that is booked twice."""

    id: Identifier
    name: str | None


class ConflictRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An overlap of interviews of one person, or in one room: the other of the two is left out."""

    person: BookedPerson | Unset = UNSET
    room: BookedRoom | Unset = UNSET
    start: Instant
    end: Instant
    scheduled_interview_ids: tuple[Identifier, ...]


class ConflictPage(msgspec.Struct, frozen=True):
    """The overlaps, ordered by person and start, and then those of rooms."""

    conflicts: list[ConflictRecord]
    more: More


_encoder: Final = msgspec.json.Encoder(enc_hook=str)


async def list_conflicts(services: Services, request: ApiRequest) -> Response:
    """List the overlapping interviews of a person, a room, or of everybody, in a range of time."""
    values = read_values(request.query, _PARAMETERS)
    etag = list_etag(request.organization, f"{request.address}?{request.query}")
    if request.has_copy(etag):
        return Response(None, etag)
    named = [name for name in ("user_id", "email", "room_id") if name in values]
    if len(named) > 1:
        problems = tuple(FieldProblem(name, f"Must not be given beside {named[0]}") for name in named[1:])
        raise Refusal(Code.INVALID, problems=problems)
    query = ConflictQuery(
        *(values.get("user_id"), values.get("email"), values.get("from"), values.get("to")),
        most=values["limit"],
        room_id=values.get("room_id"),
    )
    overlaps, more = await services.conflicts.find(request.organization, query)
    return Response(_encoder.encode(ConflictPage([_served(overlap) for overlap in overlaps], more)), etag)


def _served(conflict: Conflict) -> ConflictRecord:
    overlap = conflict.overlap
    person: BookedPerson | Unset = BookedPerson(conflict.user_id, conflict.name, conflict.email)
    room: BookedRoom | Unset = UNSET
    if conflict.room_id is not None:
        person, room = UNSET, BookedRoom(conflict.room_id, conflict.name)
    return ConflictRecord(
        person=person,
        room=room,
        start=Instant(overlap.starts_at),
        end=Instant(overlap.ends_at),
        scheduled_interview_ids=tuple(overlap.interviews),
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
