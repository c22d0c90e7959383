"""A real identity provider, made of Authlib's server side, as a process of its own.

Owns its people and what it may do wrong; both are set over HTTP at `/control`. Must not know Rowen. The person named by
`signs_in` signs in without being asked.
"""

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from secrets import token_urlsafe
from subprocess import PIPE, Popen
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import httpx
from authlib.oauth2.rfc6749 import (
    AuthorizationServer,
    ClientMixin,
    OAuth2Error,
    OAuth2Request,
    grants,
)
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import UserInfo
from authlib.oidc.core.grants import OpenIDCode
from authlib.oidc.core.grants.code import OpenIDToken
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, RSAKey

from tests.support.documents import ROOT

CLIENT_ID: Final = "rowen"
CLIENT_SECRET: Final = "secret-of-the-client:+/%"
_METHODS: Final = ("client_secret_basic", "client_secret_post")
_SCOPES: Final = ("openid", "profile", "email", "groups", "offline_access")


class _Client(ClientMixin):  # type: ignore[misc]  # Authlib has no types
    id_token_signed_response_alg = "RS256"

    def get_client_id(self) -> str:
        return CLIENT_ID

    def get_default_redirect_uri(self) -> None:
        return None

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri.endswith("/oidc/callback")

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == CLIENT_SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method in ("client_secret_basic", "client_secret_post")

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in ("authorization_code", "refresh_token")


class _Code:
    """An authorization code."""

    def __init__(self, request: OAuth2Request) -> None:
        self.user = request.user
        self.redirect_uri = request.payload.redirect_uri
        self.scope = request.payload.scope
        self.nonce = request.payload.data.get("nonce")
        self.code_challenge = request.payload.data.get("code_challenge")
        self.code_challenge_method = request.payload.data.get("code_challenge_method")

    def get_redirect_uri(self) -> str:
        return str(self.redirect_uri)

    def get_scope(self) -> str:
        return str(self.scope)

    def get_nonce(self) -> str | None:
        return str(self.nonce) if self.nonce else None

    def get_auth_time(self) -> int:
        return int(time.time())

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> None:
        return None


class _Token:
    """A refresh token."""

    def __init__(self, user: str, scope: str) -> None:
        self.user = user
        self.scope = scope

    def get_scope(self) -> str:
        return self.scope

    def check_client(self, client: _Client) -> bool:
        return True


class State:
    """What the provider knows, and what it does wrong (`fault`)."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.key = RSAKey.generate_key(2048, {"kid": "first"})
        self.people: dict[str, dict[str, Any]] = {}
        self.signs_in = ""
        self.fault = ""
        self.in_token = True
        self.refreshes = True
        self.codes: dict[str, _Code] = {}
        self.tokens: dict[str, _Token] = {}
        self.access: dict[str, str] = {}
        self.requests: list[str] = []

    def metadata(self) -> dict[str, Any]:
        """Return the discovery document."""
        ends = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint")
        scopes = _SCOPES if self.refreshes else _SCOPES[:-1]
        found: dict[str, Any] = {
            "issuer": self.issuer,
            **{each: f"{self.issuer}/{each.partition('_')[0]}" for each in ends},
            "jwks_uri": f"{self.issuer}/jwks",
            "scopes_supported": list(scopes),
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        }
        if self.fault == "other_issuer":
            found["issuer"] = "https://elsewhere.example"
        if self.fault == "plain_http":
            found["token_endpoint"] = "http://elsewhere.example/token"
        return found

    def claims(self, subject: str) -> dict[str, Any]:
        """Return what is known of a person."""
        return {"sub": subject, **self.people[subject]}


class _TokenExtension(OpenIDToken):  # type: ignore[misc]
    def __init__(self, state: State) -> None:
        self.state = state

    def resolve_client_private_key(self, client: _Client) -> Any:
        if self.state.fault == "foreign_key":
            return RSAKey.generate_key(2048, {"kid": self.state.key.kid or ""})
        return self.state.key

    def get_client_claims(self, client: _Client) -> dict[str, Any]:
        fault = self.state.fault
        return {
            "iss": "https://elsewhere.example" if fault == "token_issuer" else self.state.issuer,
            "aud": ["somebody else"] if fault == "audience" else [CLIENT_ID],
            **({"exp": int(time.time()) - 3_600} if fault == "expired" else {}),
        }

    def get_encode_header(self, client: _Client) -> dict[str, Any]:
        return {"alg": "RS256", "kid": self.state.key.kid}

    def generate_user_info(self, user: str, scope: str) -> UserInfo:
        claims = self.state.claims(user) if self.state.in_token else {"sub": user}
        return UserInfo({**claims, "sub": "another"} if self.state.fault == "another_person" else claims)

    def encode_id_token(self, token: dict[str, Any], request: OAuth2Request) -> str:
        if self.state.fault == "client_secret_signs":
            payload = {**self.get_client_claims(request.client), **self.generate_user_info(request.user, "")}
            payload |= {
                "iat": int(time.time()),
                "exp": int(time.time()) + 60,
                "nonce": request.authorization_code.nonce,
            }
            return jwt.encode({"alg": "HS256"}, payload, OctKey.import_key(CLIENT_SECRET), ["HS256"])
        made: str = super().encode_id_token(token, request)
        return made


class _CodeExtension(_TokenExtension, OpenIDCode):  # type: ignore[misc]
    def __init__(self, state: State) -> None:
        OpenIDCode.__init__(self, require_nonce=True)
        self.state = state

    def exists_nonce(self, nonce: str, request: OAuth2Request) -> bool:
        return False

    def get_authorization_code_claims(self, authorization_code: _Code) -> dict[str, Any]:
        found: dict[str, Any] = super().get_authorization_code_claims(authorization_code)
        return {**found, "nonce": "another"} if self.state.fault == "nonce" else found


class _Server(AuthorizationServer):  # type: ignore[misc]
    def __init__(self, state: State) -> None:
        super().__init__(scopes_supported=list(_SCOPES))
        self.state = state
        self.register_token_generator("default", self._generate)
        self.register_grant(_Codes, [_CodeExtension(state), CodeChallenge(required=True)])
        self.register_grant(_Refreshing, [_TokenExtension(state)])

    def _generate(self, **options: Any) -> Any:
        refresh_token = _random if self.state.refreshes else None
        return BearerTokenGenerator(_random, refresh_token)(**options)

    def query_client(self, client_id: str) -> _Client | None:
        return _Client() if client_id == CLIENT_ID else None

    def save_token(self, token: Mapping[str, Any], request: OAuth2Request) -> None:
        self.state.access[token["access_token"]] = request.user
        if "refresh_token" in token:
            self.state.tokens[token["refresh_token"]] = _Token(request.user, token["scope"])

    def create_oauth2_request(self, request: OAuth2Request) -> OAuth2Request:
        return request

    def handle_response(self, status: int, body: Any, headers: Any) -> tuple[int, Any, Any]:
        return status, body, headers

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None: ...


def _random(**_: Any) -> str:
    return token_urlsafe(24)


class _Codes(grants.AuthorizationCodeGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = _METHODS

    def save_authorization_code(self, code: str, request: OAuth2Request) -> None:
        self.server.state.codes[code] = _Code(request)

    def query_authorization_code(self, code: str, client: _Client) -> _Code | None:
        found: _Code | None = self.server.state.codes.get(code)
        return found

    def delete_authorization_code(self, authorization_code: _Code) -> None:
        codes = self.server.state.codes
        self.server.state.codes = {code: each for code, each in codes.items() if each is not authorization_code}

    def authenticate_user(self, authorization_code: _Code) -> str | None:
        return authorization_code.user if authorization_code.user in self.server.state.people else None


class _Refreshing(grants.RefreshTokenGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = _METHODS
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> _Token | None:
        found: _Token | None = self.server.state.tokens.get(refresh_token)
        return found if found is not None and found.user in self.server.state.people else None

    def authenticate_user(self, refresh_token: _Token) -> str:
        return refresh_token.user

    def revoke_old_credential(self, refresh_token: _Token) -> None:
        tokens = self.server.state.tokens
        self.server.state.tokens = {text: each for text, each in tokens.items() if each is not refresh_token}


class _Handler(BaseHTTPRequestHandler):
    state: State
    server_side: AuthorizationServer

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the base class names it)
        ...

    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.path == "/control":
            for name, value in json.loads(body).items():
                setattr(self.state, name, value)
            if self.state.fault == "new_key":
                self.state.key = RSAKey.generate_key(2048, {"kid": token_urlsafe(4)})
            self._send(200, {"requests": self.state.requests})
            return
        self._answer(dict(parse_qsl(body.decode())))

    def _answer(self, form: Mapping[str, str]) -> None:
        path, state = urlsplit(self.path).path, self.state
        state.requests.append(path)
        if state.fault == "down":
            self._send(500, {"error": "server_error"})
        elif state.fault == "huge" and path == "/token":
            self._send(200, {"access_token": "x" * 1_000_000})
        elif state.fault == "not_json" and path == "/token":
            self._send(200, "<html>")
        elif path == "/.well-known/openid-configuration":
            self._send(200, state.metadata())
        elif path == "/jwks":
            self._send(200, KeySet([state.key]).as_dict(private=False))
        elif path == "/userinfo":
            self._user_information()
        else:
            self._protocol(path, form)

    def _user_information(self) -> None:
        subject = self.state.access.get(self.headers.get("authorization", "").removeprefix("Bearer "))
        if subject is None or subject not in self.state.people:
            self._send(401, {"error": "invalid_token"})
            return
        claims = self.state.claims(subject)
        self._send(200, {**claims, "sub": "another"} if self.state.fault == "another_user_information" else claims)

    def _protocol(self, path: str, form: Mapping[str, str]) -> None:
        address = f"{self.state.issuer}{self.path}"
        query = dict(parse_qsl(urlsplit(self.path).query))
        request = OAuth2Request(self.command, address, headers=self.headers)
        request.payload = BasicOAuth2Payload({**query, **form})
        type(request).form = property(lambda own: dict(own.payload.data))
        type(request).args = property(lambda own: dict(own.payload.data))
        if path == "/token":
            self._send(*self.server_side.create_token_response(request))
            return
        try:
            grant = self.server_side.get_consent_grant(request, end_user=self.state.signs_in)
        except OAuth2Error as error:
            self._send(400, dict(error.get_body()))
            return
        user = None if self.state.fault == "denies" else self.state.signs_in
        self._send(*self.server_side.create_authorization_response(request, grant_user=user, grant=grant))

    def _send(self, status: int, body: Any, headers: Any = ()) -> None:
        content = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in ("content-type", "content-length"):
                self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


class IdentityProvider:
    """A running provider, as a test sees it."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer

    def set(self, **state: Any) -> list[str]:
        """Change what the provider knows or does wrong; return the paths of the requests so far."""
        found: list[str] = httpx.post(f"{self.issuer}/control", json=state).raise_for_status().json()["requests"]
        return found


@contextmanager
def providing() -> Iterator[IdentityProvider]:
    """Run a provider until the end of the block."""
    environment = {**os.environ, "AUTHLIB_INSECURE_TRANSPORT": "1", "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"}
    with Popen([sys.executable, "-m", __name__], stdout=PIPE, text=True, env=environment, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            yield IdentityProvider(process.stdout.readline().strip())
        finally:
            process.kill()


def main() -> None:
    """Serve, and print the issuer."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        issuer = f"http://127.0.0.1:{server.server_port}"
        _Handler.state = State(issuer)
        _Handler.server_side = _Server(_Handler.state)
        sys.stdout.write(f"{issuer}\n")
        sys.stdout.flush()
        server.serve_forever()


if __name__ == "__main__":
    main()
