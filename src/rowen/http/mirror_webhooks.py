"""`/mirror/webhooks/{organization}`: where an account of Harvest v3 reports deletions to its mirror.

Owns the signature, and the bodies of requests and answers (contract section 9). Must not know what becomes of a report:
it only marks a row, which the mirror looks for in the account before anything is deleted. So a report that is forged,
sent again or early deletes nothing.
"""

import hmac
from collections.abc import Mapping
from typing import Any, Final

import msgspec
import structlog
from starlette.types import Receive, Scope, Send

from rowen.api.reading.body import read_object
from rowen.app.mirror import Mirrors
from rowen.http.bodies import read_body
from rowen.http.responses import Headers, context_of, send_response
from rowen.interviews.errors import Code, FieldProblem, Problems, Refusal
from rowen.interviews.interview import LARGEST_ID
from rowen.interviews.moments import Clock

_LARGEST: Final = 256 * 1024
_ALLOW: Final[Headers] = [(b"allow", b"POST")]
_UNSIGNED: Final = {"message": "The header Signature is not `sha256` and the signature of this body"}
_ACTIONS: Final[Mapping[str, tuple[str, str]]] = {
    "interview_deleted": ("interviews", "interview"),
    "scorecard_deleted": ("scorecards", "scorecard"),
}
"""What an account reports: the resource of the rows that are gone, and the name of one in a payload."""

_log = structlog.stdlib.get_logger("rowen.http")


class MirrorWebhookEndpoint:
    """The ASGI application of the path; without a secret there is no such path."""

    path: Final = "/mirror/webhooks/{organization}"

    def __init__(self, mirrors: Mirrors, secret: str | None, now: Clock) -> None:
        self._mirrors = mirrors
        self._secret = None if secret is None else secret.encode()
        self._now = now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Raises Refusal."""
        context = context_of(scope)
        context.route = self.path
        if self._secret is None:
            raise Refusal(Code.NOT_FOUND)
        if scope["method"] != "POST":
            context.extra = _ALLOW
            raise Refusal(Code.METHOD_NOT_ALLOWED)
        received = 0

        def count(size: int) -> None:
            nonlocal received
            received += size
            if received > _LARGEST:
                raise Refusal(Code.TOO_LARGE)

        body = await read_body(scope, context.headers, receive, count)
        given = context.headers.get(b"signature", b"")
        expected = b"sha256 " + hmac.new(self._secret, body, "sha256").hexdigest().encode()
        if not hmac.compare_digest(given.strip(), expected):
            await send_response(scope, send, 401, msgspec.json.encode(_UNSIGNED))
            return
        status = await self._take(scope["path_params"]["organization"], body)
        await send_response(scope, send, 200, msgspec.json.encode({"status": status}))

    async def _take(self, organization: str, body: bytes) -> str:
        """Mark the row that a body reports as deleted; return what was done. Raises Refusal."""
        problems = Problems()
        given = read_object(body, problems)
        problems.raise_any()
        resource, name = _ACTIONS.get(str(given.get("action")), ("", ""))
        if not resource:
            return "ignored"
        identifier = _identifier(given.get("payload"), name)
        if not await self._mirrors.report(organization, resource, identifier, self._now()):
            raise Refusal(Code.NOT_FOUND)
        _log.info("a deletion was reported", organization=organization, resource=resource, id=identifier)
        return "accepted"


def _identifier(payload: Any, name: str) -> int:
    """Return the id in a payload, which describes what is gone or holds it under its name. Raises Refusal (invalid)."""
    described = payload if isinstance(payload, dict) else {}
    inner = described.get(name)
    places = (inner.get("id") if isinstance(inner, dict) else None, described.get(f"{name}_id"), described.get("id"))
    for found in places:
        if isinstance(found, int) and not isinstance(found, bool) and 0 < found <= LARGEST_ID:
            return found
    raise Refusal(Code.INVALID, problems=(FieldProblem(f"payload.{name}.id", "must be the id of what was deleted"),))
