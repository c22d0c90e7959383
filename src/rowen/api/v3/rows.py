"""The lists of Harvest v3 that hold rows, and single rows of them, which only Rowen has.

Owns how a query string becomes a query for rows, and which fields of a row are shown. Must not know how a row follows
from a document, or the rows of a single list.
"""

from datetime import date
from functools import lru_cache, partial
from typing import Any, Final

import msgspec

from rowen.api.codec import v3
from rowen.api.declarations import Operation, Reply
from rowen.api.generations import Generation
from rowen.api.headers.conditional import document_etag, list_etag
from rowen.api.parameters import path_id
from rowen.api.reading.v3_query import V3ListRequest, V3Parameters, next_link, read_v3_list
from rowen.api.reading.v3_values import DateRange, TimeRange
from rowen.api.request import ApiRequest
from rowen.api.response import Response
from rowen.api.v3.examples import ROWS
from rowen.app.rows import Dates, RowQuery, Times, retrieve_row, rows_below
from rowen.app.scopes import described
from rowen.app.services import Services
from rowen.interviews.query import PageRequest

_decode: Final = msgspec.json.Decoder(list[dict[str, msgspec.Raw]]).decode
_encode: Final = msgspec.json.Encoder().encode


async def list_rows(declared: V3Parameters, services: Services, request: ApiRequest) -> Response:
    """List the rows of a resource, in pages."""
    wanted, query, asked = _read(declared, request.query)
    full_address = f"{request.address}?{request.query}"
    etag = list_etag(request.organization, full_address)
    if request.has_copy(etag):
        return Response(None, etag)
    page = await services.rows.page(request.organization, query, asked)
    if page.organization is not request.organization:
        etag = list_etag(page.organization, full_address)
    link = None
    if page.more and page.last_id is not None:
        link = next_link(declared, request.address, wanted, page.last_id)
    return Response(page.body if wanted.fields is None else _only(page.body, wanted.fields), etag, link)


async def retrieve(declared: V3Parameters, services: Services, request: ApiRequest) -> Response:
    """Retrieve one row of a resource."""
    row = await retrieve_row(services.rows, request.organization, declared.list_name, request.identifier())
    etag = document_etag(row)
    return Response(None if request.has_copy(etag) else row, etag)


@lru_cache(maxsize=512)
def _read(declared: V3Parameters, query_string: str) -> tuple[V3ListRequest, RowQuery, PageRequest]:
    """Parse a query string, and return what it asks for. Raises Refusal (invalid)."""
    wanted = read_v3_list(declared, query_string)
    filters = tuple((name, _value(wanted.filters[name])) for name in sorted(wanted.filters))
    return wanted, RowQuery(declared.list_name, filters), rows_below(wanted.below, wanted.size)


def _value(value: Any) -> Any:
    """Return the value of a filter as queries hold it."""
    if isinstance(value, TimeRange):
        return Times(*value)
    if isinstance(value, DateRange):
        return Dates(*(None if day is None else date.isoformat(day) for day in value))
    return value


def _only(body: bytes, fields: tuple[str, ...]) -> bytes:
    """Return an array of rows with these fields only."""
    return _encode([{name: row[name] for name in fields} for row in _decode(body)])


def operations_with_rows(declared: V3Parameters) -> tuple[Operation, Operation]:
    """Return the operations that list a resource that is held, and retrieve one row of it."""
    name = declared.list_name
    words = name.replace("_", " ")
    scope = f"harvest:{name}:list"
    kind: Any = v3.KINDS[name]
    example = ROWS[name]
    return (
        Operation(
            "GET",
            f"/v3/{name}",
            scope,
            partial(list_rows, declared),
            described(scope),
            f"Harvest v3: {words}",
            Reply(list[kind], [example], f"A page of {words}, descending by id", paged=True),
            query=declared.parameters,
            alias=f"list_v3_{name}",
            generation=Generation.V3,
        ),
        Operation(
            "GET",
            f"/v3/{name}/{{id}}",
            scope,
            partial(retrieve, declared),
            f"Retrieve one of the {words}",
            f"Harvest v3: {words}",
            Reply(kind, example, "The row"),
            path_parameters=(path_id("row", example["id"]),),
            alias=f"retrieve_v3_{name}",
            generation=Generation.V3,
        ),
    )
