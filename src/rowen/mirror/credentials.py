"""The tokens of an account.

Owns when a token is fetched and how (contract section 9), and that neither it nor the client's secret is shown. Must
not know lists.
"""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Final
from urllib.parse import quote, urlencode

import httpx
import msgspec

from rowen import __version__
from rowen.imports.errors import ServerRefusedError, ServerResponseError
from rowen.imports.formats.envelopes import bounded
from rowen.imports.sources.http_client import BoundedClient, TransferLimits

LARGEST_ANSWER: Final = 64 * 1024
USER_AGENT: Final = f"rowen/{__version__}"
_SHORTEST_SECRET: Final = 8
_LARGEST_SECRET: Final = 4096
_EARLY: Final = 30.0
"""How many seconds before its end a token is replaced; one that lives less than twice as long, at half its life."""


@dataclass(frozen=True, slots=True)
class AccountClient:
    """A client of an account: its credentials, the address that gives tokens for them, and the user it acts for."""

    identifier: str
    secret: str = field(repr=False)
    token_url: httpx.URL
    user: int | None = None


def read_secret(path: Path) -> str:
    """Return the secret in a file. Raises ValueError, which does not show it."""
    with path.open("rb") as file:
        content = file.read(_LARGEST_SECRET + 1).strip()
    if not content or len(content) > _LARGEST_SECRET or not content.isascii() or len(content.split()) > 1:
        raise ValueError("must hold one line: the secret")
    return content.decode()


class _Answer(msgspec.Struct):
    access_token: str
    expires_in: float = 3600.0


class _Refusal(msgspec.Struct):
    message: str | None = None
    error: str | None = None


class TokenServerBusyError(Exception):
    """The server gives no token now: try again after `asked` seconds, if it names any."""

    def __init__(self, reason: str, retry_after: str | None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class Credentials:
    """The token of a client, fetched when it is needed."""

    def __init__(self, client: AccountClient, limits: TransferLimits, clock: Callable[[], float] = monotonic) -> None:
        self._client = client
        self._limits = limits
        self._clock = clock
        self._token = ""
        self._until = 0.0

    def hide(self, text: str) -> str:
        """Return a text without the secret and the token, in case a server repeats them."""
        pair = b64encode(f"{self._client.identifier}:{self._client.secret}".encode()).decode()
        for secret in (self._client.secret, quote(self._client.secret, safe=""), pair, self._token):
            if len(secret) >= _SHORTEST_SECRET:
                text = text.replace(secret, "***")
        return text

    def drop(self) -> None:
        """Forget the token: it was revoked."""
        self._token = ""

    def authorization(self) -> str:
        """Return the `Authorization` header of a request, with a new token if need be.

        Raises BusyError, TransferError and SourceError.
        """
        if not self._token or self._clock() >= self._until:
            self._fetch()
        return f"Bearer {self._token}"

    def _fetch(self) -> None:
        client = self._client
        form = {"grant_type": "client_credentials"} | ({} if client.user is None else {"sub": str(client.user)})
        pair = b64encode(f"{client.identifier}:{client.secret}".encode()).decode()
        headers = {
            "Authorization": f"Basic {pair}",
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
            "User-Agent": USER_AGENT,
        }
        asked = self._clock()
        with (
            BoundedClient(client.token_url, {}, self._limits) as http,
            http.post(client.token_url, urlencode(form).encode(), headers) as response,
        ):
            body = response.read(LARGEST_ANSWER)
            status, retry_after = response.status, response.headers.get("Retry-After")
        if status in (408, 425, 429) or status >= 500:
            raise TokenServerBusyError(f"{client.token_url}: the server gives no token now: {status}", retry_after)
        if status != 200:
            detail = self.hide(_message_of(body))
            raise ServerRefusedError(
                f"{client.token_url}: the server gives no token for this client id and secret: {status}{detail}"
            )
        try:
            answer = msgspec.json.decode(body, type=_Answer)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise ServerResponseError(f"{client.token_url}: the server's answer is not a token") from None
        if not answer.access_token.isascii() or not answer.access_token.isprintable() or " " in answer.access_token:
            raise ServerResponseError(f"{client.token_url}: the server's answer is not a token")
        self._token = answer.access_token
        self._until = asked + max(answer.expires_in - _EARLY, answer.expires_in / 2)


def _message_of(body: bytes | bytearray) -> str:
    try:
        answer = msgspec.json.decode(body, type=_Refusal)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    text = answer.message or answer.error
    return f' ("{bounded(text)}")' if text else ""
