"""Signing in at an identity provider: the two addresses that a browser passes on its way.

Owns the cookie of an attempt, and what is shown if it fails. Must not know the protocol.
"""

import hmac
from typing import Final

import structlog

from rowen.app.invitations import known_user
from rowen.app.provided_sessions import HeldGrant
from rowen.app.sessions import SESSION_LIFETIME, new_token
from rowen.http.responses import context_of
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.people import UserFields
from rowen.interviews.scheduling import UNSET
from rowen.web import cookies
from rowen.web.ports import PagePorts, Provided
from rowen.web.provider.client import ProviderRefusedError, Signed
from rowen.web.provider.fetching import ProviderDownError
from rowen.web.provider.secrets import Grant, attempt_of, new_attempt, seal
from rowen.web.request import Answer, Redirected, Rendered, WebRequest
from rowen.web.signing_in import home_of

CALLBACK: Final = "/oidc/callback"
_LONGEST_CODE: Final = 4_096
_SECONDS: Final = SESSION_LIFETIME // 1_000

_log = structlog.stdlib.get_logger("rowen.web")


class ProviderPages:
    """The pages on the way to the provider and back; `public_url` is the address that clients use, if one is set."""

    def __init__(self, ports: PagePorts, provided: Provided, public_url: str | None) -> None:
        self._ports = ports
        self._provided = provided
        self._public_url = public_url

    async def start(self, request: WebRequest) -> Answer:
        """Send the browser to the provider."""
        if cookies.session_name(request.origin) is None:
            return Rendered("sign_in.html", {"demo": False, "can": False, "provider": None}, 403)
        secret = new_attempt()
        try:
            address = await self._provided.provider.address(attempt_of(secret), self._callback(request))
        except ProviderDownError as error:
            return _failed("down", str(error))
        return Redirected(address, (cookies.attempt(request.origin, secret),), is_elsewhere=True)

    async def finish(self, request: WebRequest) -> Answer:
        """Begin a session of the person who signed in."""
        query = request.query
        secret = cookies.read_attempt(context_of(request.scope).headers, request.origin)
        attempt = attempt_of(secret)
        provider = self._provided.provider
        if not secret or not hmac.compare_digest(query.get("state", "").encode(), attempt.state.encode()):
            return _failed("stale", "the answer belongs to no attempt of this browser")
        if query.get("iss", provider.settings.issuer) != provider.settings.issuer:  # RFC 9207
            return _failed("refused", "another provider answered")
        code = query.get("code", "")
        if "error" in query or not 0 < len(code) <= _LONGEST_CODE:
            return _failed("refused", f"the provider answered {query.get('error', 'without a code')[:100]}")
        try:
            signed = await provider.exchange(code, attempt, self._callback(request))
        except ProviderDownError as error:
            return _failed("down", str(error))
        except ProviderRefusedError as refusal:
            return _failed("refused", str(refusal))
        return await self._begin(request, signed)

    async def _begin(self, request: WebRequest, signed: Signed) -> Answer:
        if signed.role is None:
            return _failed("no_role", "no group of the person has a role")
        organization = await self._ports.organizations.find(self._provided.provider.settings.organization)
        if organization is None:
            return _failed("no_role", "the organization does not exist")
        fields = UserFields(
            first_name=signed.first_name[:255] or UNSET, last_name=signed.last_name[:255] or UNSET, email=signed.email
        )
        if "@" not in signed.email:
            return _failed("refused", "the provider says no e-mail address")
        try:
            user = await known_user(self._ports.inviting, organization, fields)
        except Refusal as refusal:
            if refusal.code not in (Code.CONFLICT, Code.READ_ONLY, Code.INVALID):
                raise
            return _failed("unknown", refusal.message or refusal.code.value)
        now = self._ports.now()
        secret, token = new_token(organization.id)
        refresh = signed.refresh_token
        grant = HeldGrant(None if refresh is None else seal(Grant(refresh, signed.subject), secret))
        if not await self._provided.sessions.begin(organization.id, user.id, signed.role, token, grant, now):
            return _failed("no_role", "the role was taken here")
        if request.visit is not None:
            await self._ports.sessions.sign_out(request.visit.token)
        back = cookies.read_way_back(context_of(request.scope).headers)
        used = (cookies.way_back(request.origin, ""), cookies.attempt(request.origin, ""))
        cookie = cookies.session_cookie(request.origin, secret, _SECONDS)
        return Redirected(home_of(signed.role) if back == "/" else back, used if cookie is None else (cookie, *used))

    def _callback(self, request: WebRequest) -> str:
        return f"{self._public_url or request.origin}{CALLBACK}"


def _failed(key: str, reason: str) -> Rendered:
    _log.warning("sign-in at the provider failed", reason=reason)
    return Rendered("provider_failed.html", {"key": f"provider.{key}"}, 503 if key == "down" else 403)
