"""Executing a write once, however often it is sent.

Owns the `Idempotency-Key` header, what a write results in, and how that becomes a response. Must not know what a
document says, or why it is written.
"""

from hashlib import sha256
from typing import Final
from urllib.parse import urlsplit

from rowen.api.headers import acting_user
from rowen.api.headers.conditional import document_etag
from rowen.api.parameters import Parameter
from rowen.api.request import ApiRequest
from rowen.api.response import Response
from rowen.app.records import RecordRow
from rowen.app.services import Services
from rowen.app.unit_of_work import IdempotentRequest, KeyReusedError, WriteOperation, WriteResult
from rowen.interviews.errors import Code, FieldProblem, Refusal, UnknownUserError

_LONGEST: Final = 255
_COMPARED: Final = (b"on-behalf-of", b"if-match")
"""Headers that are part of the request's meaning."""

IDEMPOTENCY_KEY: Final = Parameter(
    "Idempotency-Key",
    "Any text that the client chooses: a request repeated with the same key within 24 hours is executed once and"
    " gets the same bytes",
    {"type": "string", "minLength": 1, "maxLength": _LONGEST},
)
_REUSED: Final = FieldProblem(IDEMPOTENCY_KEY.name, "Was used for another request")


async def perform(services: Services, request: ApiRequest, work: WriteOperation) -> Response:
    """Write, or return the response given before to the same request. Raises Refusal."""
    if request.organization.mirrored_from is not None:
        passes = await services.account_writes.allowed(request.organization.id) is not False
        raise Refusal(Code.PARTLY_READ_ONLY if passes else Code.READ_ONLY)
    return await write_once(services, request, work, idempotent_request(request))


async def write_once(
    services: Services, request: ApiRequest, work: WriteOperation, idempotent: IdempotentRequest | None
) -> Response:
    """Write, mirror or not, or return the response given before with the same key. Raises Refusal."""
    try:
        written = await services.writing.write(request.organization, work, idempotent)
    except KeyReusedError:
        raise Refusal(Code.INVALID, problems=(_REUSED,)) from None
    except UnknownUserError as error:
        raise Refusal(error.code, problems=(acting_user.UNKNOWN,)) from None
    return Response(written.body, written.tag, warning=written.warning)


def idempotent_request(request: ApiRequest) -> IdempotentRequest | None:
    """Return a request's key and the digest of its content; None without a key. Raises Refusal (invalid)."""
    if b"idempotency-key" not in request.headers:
        return None
    key = request.header(b"idempotency-key")
    if not 0 < len(key) <= _LONGEST or not key.isprintable():
        problem = FieldProblem(IDEMPOTENCY_KEY.name, f"Must have 1 to {_LONGEST} characters, and no control characters")
        raise Refusal(Code.INVALID, problems=(problem,))
    content = sha256(f"{request.method} {urlsplit(request.address).path}\n".encode())
    if request.query:
        content.update(f"?{request.query}\n".encode())
    for name in _COMPARED:
        content.update(request.headers.get(name, b"") + b"\n")
    if request.acting_user is not None:
        content.update(b"%d\n" % request.acting_user)
    content.update(request.body)
    return IdempotentRequest(request.key_id, key, content.digest())


def written(document: bytes) -> WriteResult:
    """Return the result of a write: the document, with its tag."""
    return WriteResult(document, document_etag(document))


def written_record(record: RecordRow) -> WriteResult:
    """Return the result of a write of a record that has a document."""
    return written(record.document or b"")
