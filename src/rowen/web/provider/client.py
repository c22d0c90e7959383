"""An identity provider, as its client sees it: OpenID Connect's discovery, code flow with PKCE, and refreshing.

Owns what is asked, and what of the answers is believed (OpenID Connect Core 1.0 sections 3.1 and 12, Discovery 1.0
section 4, RFC 7636). Must not know pages or sessions.
"""

import asyncio
from base64 import urlsafe_b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final, NamedTuple
from urllib.parse import quote_plus, urlencode, urlsplit

import httpx
import msgspec
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from rowen.app.roles import Role
from rowen.interviews.moments import Clock
from rowen.web.provider.fetching import ProviderDownError, ProviderFetcher, require_safe
from rowen.web.provider.secrets import Attempt, Grant

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""How id tokens may be signed: by keys of the provider only, never with the client's secret, or not at all."""

_SCOPES: Final = ("openid", "profile", "email", "groups", "offline_access")
_OPTIONAL_SCOPES: Final = frozenset({"groups", "offline_access"})
_KEPT_SECONDS: Final = 3_600
_RETRY_SECONDS: Final = 5
_LEEWAY: Final = 60
_LONGEST_TOKEN: Final = 16 * 1024


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """A provider, and the client that this server is there; `roles` are those of groups."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    roles: Mapping[str, Role]
    groups_claim: str
    organization: str

    @property
    def name(self) -> str:
        """What the provider is called on pages: its host."""
        return urlsplit(self.issuer).hostname or self.issuer


class Signed(NamedTuple):
    """What a provider says of a person; `role` is None for somebody of no group that has one."""

    subject: str
    email: str
    first_name: str
    last_name: str
    role: Role | None
    refresh_token: str | None


class ProviderRefusedError(Exception):
    """The provider refuses, or says something that is not believed; the message is for the log."""


class _Known(NamedTuple):
    metadata: Mapping[str, Any]
    keys: KeySet
    at: float


class Provider:
    """One identity provider."""

    def __init__(self, settings: ProviderSettings, now: Clock, fetcher: ProviderFetcher | None = None) -> None:
        require_safe(settings.issuer, "--oidc-issuer")
        self.settings = settings
        self._now = now
        self._fetcher = fetcher or ProviderFetcher()
        self._known: _Known | None = None
        self._failed_at: float | None = None
        self._again_at: float | None = None
        self._lock = asyncio.Lock()

    async def close(self) -> None:
        """Close the connections."""
        await self._fetcher.close()

    async def address(self, attempt: Attempt, redirect_uri: str) -> str:
        """Return the address at which a person signs in. Raises ProviderDownError."""
        metadata = (await self._discover()).metadata
        supported = metadata.get("scopes_supported")
        offered = supported if isinstance(supported, list) else _SCOPES
        scopes = [each for each in _SCOPES if each not in _OPTIONAL_SCOPES or each in offered]
        query = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(scopes),
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": create_s256_code_challenge(attempt.verifier),
            "code_challenge_method": "S256",
        }
        endpoint = metadata["authorization_endpoint"]
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"

    async def exchange(self, code: str, attempt: Attempt, redirect_uri: str) -> Signed:
        """Return the person who signed in. Raises ProviderRefusedError, ProviderDownError."""
        tokens = await self._tokens(
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": redirect_uri,
                "code_verifier": attempt.verifier,
            }
        )
        claims = await self._verified(tokens.get("id_token"), attempt.nonce, tokens.get("access_token"))
        return await self._signed(claims, tokens)

    async def refresh(self, grant: Grant) -> Signed:
        """Return what the provider says of a person now.

        Raises ProviderRefusedError, also for somebody who was removed, and ProviderDownError.
        """
        tokens = await self._tokens({"grant_type": "refresh_token", "refresh_token": grant.refresh_token})
        claims: Mapping[str, Any] = {"sub": grant.subject}
        if tokens.get("id_token"):
            claims = await self._verified(tokens["id_token"], None, tokens.get("access_token"))
        if claims["sub"] != grant.subject:
            raise ProviderRefusedError("the refreshed id token is another person's")
        signed = await self._signed(claims, tokens)
        return signed if signed.refresh_token else signed._replace(refresh_token=grant.refresh_token)

    async def _tokens(self, form: Mapping[str, str]) -> Mapping[str, Any]:
        metadata, settings = (await self._discover()).metadata, self.settings
        methods = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        auth: httpx.Auth | None = httpx.BasicAuth(quote_plus(settings.client_id), quote_plus(settings.client_secret))
        if "client_secret_basic" not in methods:
            form, auth = {**form, "client_id": settings.client_id, "client_secret": settings.client_secret}, None
        answer = await self._fetcher.post(metadata["token_endpoint"], form, auth)
        if answer.status == httpx.codes.OK:
            return answer.content
        error = str(answer.content.get("error", ""))[:100]
        if error == "invalid_grant":
            raise ProviderRefusedError("the provider answered invalid_grant")
        raise ProviderDownError(f"the token endpoint answered {answer.status} {error}")

    async def _verified(self, token: object, nonce: str | None, access_token: object) -> Mapping[str, Any]:
        """Return the claims of an id token. Raises ProviderRefusedError for one that is not believed."""
        if not isinstance(token, str) or not 0 < len(token) <= _LONGEST_TOKEN:
            raise ProviderRefusedError("there is no id token")
        keys = (await self._discover()).keys
        found, problem = self._decoded(token, keys)
        if found is None and _names_new_key(token, keys):
            found, problem = self._decoded(token, (await self._discover_again()).keys)
        if found is None:
            raise ProviderRefusedError(f"the id token is not valid: {problem}")
        settings = self.settings
        expected = {
            "iss": {"essential": True, "value": settings.issuer},
            "aud": {"essential": True, "value": settings.client_id},
            "sub": {"essential": True},
        }
        params = {"nonce": nonce, "client_id": settings.client_id, "access_token": access_token}
        claims = CodeIDToken(found.claims, found.header, expected, params)
        try:
            claims.validate(now=self._now() // 1_000, leeway=_LEEWAY)
        except (JoseError, ValueError, TypeError) as error:
            raise ProviderRefusedError(f"the id token is not valid: {error}") from None
        return dict(found.claims)

    def _decoded(self, token: str, keys: KeySet) -> tuple[jwt.Token | None, str]:
        try:
            return jwt.decode(token, keys, algorithms=list(ALGORITHMS)), ""
        except (JoseError, ValueError, TypeError, KeyError) as error:
            return None, type(error).__name__

    async def _signed(self, claims: Mapping[str, Any], tokens: Mapping[str, Any]) -> Signed:
        """Return the person of claims, with what only the endpoint of user information says."""
        found = dict(claims)
        if "email" not in found or self.settings.groups_claim not in found:
            found = {**await self._user_information(claims["sub"], tokens.get("access_token")), **found}
        # Some providers write it as text; one that says nothing of it is believed.
        if found.get("email_verified", True) not in (True, "true"):
            raise ProviderRefusedError("the e-mail address is not verified")
        refresh = tokens.get("refresh_token")
        return Signed(
            _text(found, "sub"),
            _text(found, "email"),
            _text(found, "given_name") or _text(found, "name").partition(" ")[0],
            _text(found, "family_name") or _text(found, "name").partition(" ")[2],
            self._role(found.get(self.settings.groups_claim)),
            refresh if isinstance(refresh, str) and 0 < len(refresh) <= _LONGEST_TOKEN else None,
        )

    async def _user_information(self, subject: str, access_token: object) -> Mapping[str, Any]:
        address = (await self._discover()).metadata.get("userinfo_endpoint")
        if address is None or not isinstance(access_token, str):
            return {}
        found = (await self._fetcher.get(address, access_token)).content
        if found.get("sub") != subject:
            raise ProviderRefusedError("the user information is another person's")
        return found

    def _role(self, groups: object) -> Role | None:
        """Return the highest role that groups have."""
        named: Sequence[object] = groups if isinstance(groups, list) else [groups]
        held = {self.settings.roles.get(each) for each in named if isinstance(each, str)}
        return next((each for each in Role if each in held), None)

    async def _discover_again(self) -> _Known:
        """Return the metadata and the keys, read again unless they were a moment ago. Raises ProviderDownError."""
        now = monotonic()
        if self._again_at is None or now - self._again_at >= _RETRY_SECONDS:
            self._again_at, self._known = now, None
        return await self._discover()

    async def _discover(self) -> _Known:
        """Return the metadata and the keys, which are kept for an hour. Raises ProviderDownError."""
        async with self._lock:
            now = monotonic()
            if self._known is not None and now - self._known.at < _KEPT_SECONDS:
                return self._known
            if self._failed_at is not None and now - self._failed_at < _RETRY_SECONDS:
                raise ProviderDownError("the provider did not answer a moment ago")
            try:
                self._known = await self._read(now)
            except ProviderDownError:
                self._failed_at = now
                raise
            self._failed_at = None
            return self._known

    async def _read(self, now: float) -> _Known:
        issuer = self.settings.issuer
        metadata = dict((await self._fetcher.get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")).content)
        if metadata.get("issuer") != issuer:
            raise ProviderDownError(f"the provider calls itself {str(metadata.get('issuer'))[:200]}, not {issuer}")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"):
            if name == "userinfo_endpoint" and name not in metadata:
                continue
            try:
                require_safe(metadata.get(name, ""), name)
            except (ValueError, AttributeError, TypeError):
                raise ProviderDownError(f"the provider's {name} is not https") from None
        try:
            keys = KeySet.import_key_set(dict((await self._fetcher.get(metadata["jwks_uri"])).content))  # type: ignore[arg-type]
        except (JoseError, ValueError, TypeError, KeyError):
            raise ProviderDownError("the provider's keys cannot be read") from None
        return _Known(metadata, keys, now)


def _names_new_key(token: str, keys: KeySet) -> bool:
    """Return whether a token may be signed with a key of the provider that is not known yet."""
    try:
        header = msgspec.json.decode(urlsafe_b64decode(token.partition(".")[0] + "=="), type=dict[str, Any])
    except (ValueError, msgspec.DecodeError):
        return False
    return header.get("alg") in ALGORITHMS and header.get("kid") not in {each.kid for each in keys.keys}


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    return value.strip() if isinstance(value, str) else ""
