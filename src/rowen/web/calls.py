"""Calls of the API that a page makes for the person of its session.

Owns how a form becomes a call: by the operation, the permissions and the rules that every client has. Must not know
what a page shows.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

import msgspec

from rowen.api.operations import OPERATIONS
from rowen.api.request import ApiRequest
from rowen.api.response import Response
from rowen.app.services import Services
from rowen.interviews.errors import Code, Refusal
from rowen.web.request import WebRequest

_encode: Final = msgspec.json.Encoder(enc_hook=str).encode
_OPERATIONS: Final = {(each.method, each.path): each for each in OPERATIONS}


class Calls:
    """Makes calls of the API; `public_url` is the address that clients use, if one is set."""

    def __init__(self, services: Services, public_url: str | None) -> None:
        self._services = services
        self._public_url = public_url

    async def make(
        self,
        request: WebRequest,
        call: tuple[str, str],
        body: object = None,
        version: str = "",
        own: str | None = None,
        **identifiers: int | str,
    ) -> Response:
        """Make a call, by its method and the template of its path, for the person who sent a form.

        `body` is encoded as JSON. `version` is the `ETag` of what the person saw, if it must not have changed since.
        `own` is the permission for a page that makes the call for the person's own things only, in place of that of the
        operation. `identifiers` without a place in the path go into the query. Raises Refusal as the operation does,
        and forbidden.
        """
        operation = _OPERATIONS[call]
        headers = {b"if-match": version.encode("latin-1", "replace")} if version else {}
        sent = self.request(request, call, body, headers, own, **identifiers)
        return await operation.handler(self._services, sent)

    def request(
        self,
        request: WebRequest,
        call: tuple[str, str],
        body: object = None,
        headers: Mapping[bytes, bytes] | None = None,
        own: str | None = None,
        **identifiers: int | str,
    ) -> ApiRequest:
        """Return the request of a call, as `make` sends it. Raises Refusal (forbidden)."""
        operation = _OPERATIONS[call]
        identity = request.session.identity
        if (own or operation.permission) not in identity.permissions:
            raise Refusal(Code.FORBIDDEN)
        given = {name: str(value) for name, value in identifiers.items() if f"{{{name}}}" in operation.path}
        query = {name: value for name, value in identifiers.items() if name not in given}
        return ApiRequest(
            identity.organization,
            identity.id,
            identity.name,
            operation.method,
            given,
            (self._public_url or request.origin) + operation.path.format(**given),
            urlencode(query),
            headers or {},
            b"" if body is None else _encode(body),
            identity.acting_user,
            identity.permissions,
        )
