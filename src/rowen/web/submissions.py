"""Forms that are sent twice, by a double click or a reload: what they ask for is done once.

Owns the key by which such a form is recognized. Must not know what is written.

The token of a page is masked with other bytes each time it is shown (`shown_token`), so it identifies the page: the
same content from the same page is the same request.
"""

import asyncio
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Final, TypeVar

from rowen.app.unit_of_work import IdempotentRequest, UnitOfWorks, WriteOperation, WriteResult
from rowen.interviews.errors import Code, Refusal
from rowen.web.request import WebRequest

Result = TypeVar("Result")

_IGNORED: Final = ("csrf", "anyway")
_ATTEMPTS: Final = 100
_PAUSE: Final = 0.05  # seconds


async def write_once(writing: UnitOfWorks, request: WebRequest, purpose: str, work: WriteOperation) -> WriteResult:
    """Write what a form asks for, or return the result that it got before. Raises Refusal as `once` does."""
    organization = request.session.person.organization
    return await once(request, purpose, lambda key: writing.write(organization, work, key))


async def once(request: WebRequest, purpose: str, write: Callable[[IdempotentRequest], Awaitable[Result]]) -> Result:
    """Write with the key of a form; `purpose` is unlike others of its page.

    Raises Refusal as `write` does, and in flight if the same form is being stored for 5 seconds.
    """
    key = _key(request, purpose)
    for _ in range(_ATTEMPTS):
        try:
            return await write(key)
        except Refusal as refusal:
            if refusal.code is not Code.IN_FLIGHT:
                raise
        await asyncio.sleep(_PAUSE)
    raise Refusal(Code.IN_FLIGHT)


def _key(request: WebRequest, purpose: str) -> IdempotentRequest:
    """Return the key of a form, which contains the digest of its content: a form that was changed has another one."""
    pairs = [(name, value) for name, value in request.form.pairs if name not in _IGNORED]
    content = repr((request.form.get("csrf"), request.path, request.scope["query_string"], pairs))
    digest = sha256(content.encode("utf-8", "surrogatepass"))
    return IdempotentRequest(request.session.identity.id, f"form-{purpose}-{digest.hexdigest()}", digest.digest())
