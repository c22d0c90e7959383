"""Reading the archive: the lists of Harvest v1 that are kept as they were imported.

Owns how each call of the catalogue is answered, also where nothing is held. Must not know HTTP's transport,
authentication, SQL, or the content of a document beyond what a call selects by.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import msgspec

from rowen.api.declarations import Handler, Operation, Reply
from rowen.api.headers.conditional import document_etag, list_etag
from rowen.api.parameters import Parameter, path_id
from rowen.api.reading.query import list_parameters, read_list, text_parameter
from rowen.api.request import ApiRequest
from rowen.api.response import Response
from rowen.api.v1.archive_examples import archived
from rowen.api.v1.catalogue import CATALOGUE, FIELD_TYPES, TIMED, ArchiveCall
from rowen.api.v1.records import TIMES, Resource, Term, list_records
from rowen.app.archive import ARCHIVED, Parent, require_parent, singular, title
from rowen.app.keys import PERMISSIONS
from rowen.app.records import RecordQuery
from rowen.app.services import Services
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.query import LARGEST_PAGE_SIZE, PageRequest


class _Post(msgspec.Struct):
    """What decides which post of a job is shown for it."""

    id: int
    live: msgspec.Raw = msgspec.Raw()
    active: msgspec.Raw = msgspec.Raw()


class ArchivedDocument(msgspec.Struct, frozen=True):
    """A document of the archive: any object, as it was imported."""


class _Offer(msgspec.Struct):
    """What decides which offer of an application is the current one."""

    id: int
    version: int | None = None


_PAGES: Final = list_parameters()
_NO_ACTIVITY: Final = b'{"notes":[],"emails":[],"activities":[]}'
_IN_PATHS: Final = frozenset(("field_type", "token"))
_offer: Final = msgspec.json.Decoder(_Offer, strict=False).decode
_post: Final = msgspec.json.Decoder(_Post, strict=False).decode
_documents: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode


def _resource(name: str) -> Resource:
    return Resource(
        name,
        ArchivedDocument,
        archived(name),
        TIMES if name in TIMED else {},
        tuple(
            text_parameter(term, f"Only those with this `{term}`")
            for term in ARCHIVED[name].terms
            if term not in _IN_PATHS
        ),
    )


_RESOURCES: Final[Mapping[str, Resource]] = {name: _resource(name) for name in ARCHIVED}


async def _list(call: ArchiveCall, services: Services, request: ApiRequest) -> Response:
    """List the documents of a resource: all of them, those below a parent, or those of a type."""
    terms: tuple[Term, ...] = ()
    if call.parent is not None:
        identifier = request.identifier()
        await require_parent(services.interviews, services.records, request.organization, call.parent, identifier)
        terms = ((call.parent.term, str(identifier)),)
    elif call.action == "list_for_type":
        terms = (("field_type", _field_type(request)),)
    if await services.records.holds(request.organization, call.resource):
        return await list_records(_RESOURCES[call.resource], services, request, *terms)
    read_list(request.query, _PAGES)  # of nothing, any other parameter selects nothing
    return _not_held(request, b"[]", list_etag(request.organization, f"{request.address}?{request.query}"))


def _field_type(request: ApiRequest) -> str:
    found = request.identifiers["field_type"]
    if found not in FIELD_TYPES:
        raise Refusal(Code.NOT_FOUND)
    return found


def _not_held(request: ApiRequest, body: bytes, etag: str) -> Response:
    return Response(None if request.has_copy(etag) else body, etag, is_held=False)


async def _retrieve(call: ArchiveCall, services: Services, request: ApiRequest) -> Response:
    """Retrieve a document by its id, or by the id of the one thing that it belongs to."""
    identifier = request.identifier()
    if call.parent is not None:
        await require_parent(services.interviews, services.records, request.organization, call.parent, identifier)
    query = RecordQuery(call.resource)
    document = await services.records.document(request.organization, query, identifier)
    if document is None and call.parent is Parent.CANDIDATE:
        return _not_held(request, _NO_ACTIVITY, document_etag(_NO_ACTIVITY))
    return _shown(request, document)


async def _retrieve_by_token(call: ArchiveCall, services: Services, request: ApiRequest) -> Response:
    """Retrieve a document by the token in the path."""
    found = await _found(services, request, call.resource, ("token", request.identifiers["token"]))
    return _shown(request, found[-1] if found else None)


async def _retrieve_current(call: ArchiveCall, services: Services, request: ApiRequest) -> Response:
    """Retrieve the offer of an application that has the highest version."""
    identifier = request.identifier()
    await require_parent(services.interviews, services.records, request.organization, Parent.APPLICATION, identifier)
    found = await _found(services, request, call.resource, (Parent.APPLICATION.term, str(identifier)))
    return _shown(request, max(found, key=_version, default=None))


def _version(document: bytes) -> tuple[int, int]:
    try:
        offer = _offer(document)
    except msgspec.ValidationError:  # a version that is no number
        return 0, 0
    return offer.version or 0, offer.id


async def _retrieve_post(call: ArchiveCall, services: Services, request: ApiRequest) -> Response:
    """Retrieve the post of a job: the oldest live one, or else the oldest that was not deleted, if it has several."""
    identifier = request.identifier()
    await require_parent(services.interviews, services.records, request.organization, Parent.JOB, identifier)
    found = await _found(services, request, call.resource, (Parent.JOB.term, str(identifier)))
    return _shown(request, min(found, key=_precedence, default=None))


def _precedence(document: bytes) -> tuple[bool, bool, int]:
    post = _post(document)
    return bytes(post.live) != b"true", bytes(post.active) == b"false", post.id


async def _found(services: Services, request: ApiRequest, resource: str, term: Term) -> list[bytes]:
    query = RecordQuery(resource, terms=(term,))
    page = await services.records.page(request.organization, query, PageRequest(size=LARGEST_PAGE_SIZE))
    return [bytes(each) for each in _documents(page.body)]


def _shown(request: ApiRequest, document: bytes | None) -> Response:
    if document is None:
        raise Refusal(Code.NOT_FOUND)
    etag = document_etag(document)
    return Response(None if request.has_copy(etag) else document, etag)


_HANDLERS: Final[Mapping[str, Any]] = {
    "retrieve_current": _retrieve_current,
    "retrieve_for_job": _retrieve_post,
    "retrieve": _retrieve,
}


def _operation(call: ArchiveCall) -> Operation:
    resource = _RESOURCES[call.resource]
    return Operation(
        "GET",
        call.path,
        call.permission,
        _handler(call),
        PERMISSIONS[call.permission],
        "Archive",
        _reply(call, resource),
        path_parameters=_path_parameters(call),
        query=resource.parameters if call.is_list else {},
        alias=call.name,
    )


def _handler(call: ArchiveCall) -> Handler:
    if call.path.endswith("{token}"):
        return partial(_retrieve_by_token, call)
    return partial(_list if call.is_list else _HANDLERS[call.action], call)


def _reply(call: ArchiveCall, resource: Resource) -> Reply:
    kind = title(call.resource)
    if call.is_list:
        description = f"A page of {kind}, ordered by id; empty where none are held"
        return Reply(list[ArchivedDocument], [resource.example], description, paged=True, archived=True)
    description = f"The {singular(call.resource)}, as it was imported"
    return Reply(ArchivedDocument, resource.example, description, archived=call.parent is Parent.CANDIDATE)


def _path_parameters(call: ArchiveCall) -> tuple[Parameter, ...]:
    if "{field_type}" in call.path:
        schema = {"type": "string", "enum": list(FIELD_TYPES)}
        return (Parameter("field_type", "The type", schema, required=True, example=FIELD_TYPES[0]),)
    example = _RESOURCES[call.resource].example
    if "{token}" in call.path:
        schema = {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"}
        return (Parameter("token", "The token in the address of the link", schema, required=True, example="tnch4u"),)
    if call.parent is None:
        return (path_id(singular(call.resource), example["id"]),) if "{id}" in call.path else ()
    return (path_id(call.parent.replace("_", " "), example[call.parent.term]),)


OPERATIONS: Final = tuple(_operation(call) for call in CATALOGUE)
