"""Requests to an identity provider, whose answers may be anything.

Owns their limits in time and size, and which addresses are asked. Must not know what an answer means.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import httpx
import msgspec

from rowen import __version__

SECONDS: Final = 8.0
"""How long a request may take, with all of its answer."""

LARGEST_ANSWER: Final = 256 * 1024
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_HEADERS: Final = {
    "User-Agent": f"rowen/{__version__}",
    "Accept": "application/json, application/jwt",
    "Accept-Encoding": "identity",  # so that a small answer cannot become a large one
}


class ProviderDownError(Exception):
    """The provider gave no answer that can be used; the message is for the log, and holds no secret."""


class ProviderAnswer(NamedTuple):
    """A status and a JSON object."""

    status: int
    content: Mapping[str, Any]


def require_safe(address: str, what: str) -> str:
    """Return an address of a provider. Raises ValueError unless it is https, or http on this machine."""
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    is_safe = bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK))
    if not is_safe or parts.username is not None or parts.fragment:
        raise ValueError(f"{what} must be https, or http on this machine")
    return address


class ProviderFetcher:
    """Sends requests to a provider."""

    def __init__(self) -> None:
        limits = httpx.Limits(max_connections=20, max_keepalive_connections=5)
        self._client = httpx.AsyncClient(headers=_HEADERS, timeout=SECONDS, limits=limits, follow_redirects=False)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def get(self, address: str, bearer: str | None = None) -> ProviderAnswer:
        """Return the JSON object at an address. Raises ProviderDownError, also for a status that is no success."""
        headers = {} if bearer is None else {"Authorization": f"Bearer {bearer}"}
        answer = await self._send("GET", address, headers=headers)
        if answer.status != httpx.codes.OK:
            raise ProviderDownError(f"{_named(address)} answered {answer.status}")
        return answer

    async def post(self, address: str, form: Mapping[str, str], auth: httpx.Auth | None) -> ProviderAnswer:
        """Return the answer to a form, whatever its status. Raises ProviderDownError."""
        return await self._send("POST", address, data=dict(form), auth=auth)

    async def _send(self, method: str, address: str, **options: Any) -> ProviderAnswer:
        try:
            async with asyncio.timeout(SECONDS), self._client.stream(method, address, **options) as answer:
                if "content-encoding" in answer.headers:
                    raise ProviderDownError(f"{_named(address)} answered with an encoding that was not asked for")
                content = bytearray()
                async for chunk in answer.aiter_raw():
                    content += chunk
                    if len(content) > LARGEST_ANSWER:
                        raise ProviderDownError(f"{_named(address)} answered with more than {LARGEST_ANSWER:,} bytes")
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise ProviderDownError(f"{_named(address)} did not answer: {type(error).__name__}") from None
        try:
            return ProviderAnswer(answer.status_code, msgspec.json.decode(content, type=dict[str, Any]))
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            raise ProviderDownError(f"{_named(address)} answered {answer.status_code} without a JSON object") from None


def _named(address: str) -> str:
    """Return an address without what may be secret in it."""
    return address.partition("?")[0][:200]
