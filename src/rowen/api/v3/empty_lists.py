"""The lists of Harvest v3 that hold no rows here: they answer `[]`, and check all that a list with rows checks.

Owns their handlers. Must not know which lists these are.
"""

from functools import partial
from typing import Any

import msgspec

from rowen.api import examples
from rowen.api.declarations import Operation, Reply
from rowen.api.generations import Generation
from rowen.api.headers.conditional import list_etag
from rowen.api.parameters import path_id
from rowen.api.reading.v3_query import V3Parameters, read_v3_list
from rowen.api.request import ApiRequest
from rowen.api.response import Response
from rowen.app.scopes import described
from rowen.app.services import Services
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.moments import Instant

TAG = "Harvest v3: lists without rows"


class V3Row(msgspec.Struct, frozen=True):
    """What every row of v3 has."""

    id: int
    created_at: Instant
    updated_at: Instant


async def list_nothing(declared: V3Parameters, services: Services, request: ApiRequest) -> Response:  # noqa: ARG001  (a handler)
    """List no rows. Raises Refusal for bad parameters."""
    read_v3_list(declared, request.query)
    etag = list_etag(request.organization, f"{request.address}?{request.query}")
    return Response(None if request.has_copy(etag) else b"[]", etag)


async def retrieve_nothing(services: Services, request: ApiRequest) -> Response:  # noqa: ARG001  (a handler)
    """Raise Refusal (not found)."""
    raise Refusal(Code.NOT_FOUND)


def operations_without_rows(declared: V3Parameters) -> tuple[Operation, Operation]:
    """Return the operations that list a resource that is not held, and retrieve one row of it."""
    name = declared.list_name
    scope = f"harvest:{name}:list"
    fields = ", ".join(declared.fields)
    row: Any = V3Row
    return (
        Operation(
            "GET",
            f"/v3/{name}",
            scope,
            partial(list_nothing, declared),
            described(scope),
            TAG,
            Reply(list[row], [], f"No rows: Rowen holds none. Rows of Harvest have {fields}"),
            query=declared.parameters,
            alias=f"list_v3_{name}",
            generation=Generation.V3,
        ),
        Operation(
            "GET",
            f"/v3/{name}/{{id}}",
            scope,
            retrieve_nothing,
            f"Retrieve one of the {name.replace('_', ' ')}",
            TAG,
            Reply(row, examples.V3_ROW, "Never: Rowen holds no rows of this list"),
            path_parameters=(path_id("row", examples.V3_ROW["id"]),),
            alias=f"retrieve_v3_{name}",
            generation=Generation.V3,
        ),
    )
