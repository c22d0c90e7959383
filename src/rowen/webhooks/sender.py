"""One attempt to deliver a message.

Owns the exchange: its time limit, which part of the response counts, and the wording of failures. Must not know when to
try again. The beginning of a response's body is returned, and never logged; redirects are not followed.
"""

import asyncio
from collections.abc import Callable
from ssl import SSLContext
from typing import Final

import httpcore

from rowen.app.delivery_attempts import AttemptResult, WebhookMessage
from rowen.interviews.moments import Clock
from rowen.webhooks.addresses import AllowedHosts, InvalidUrlError, Target, read_url
from rowen.webhooks.connections import ExcessiveAnswerError, HandshakeError
from rowen.webhooks.network import ForbiddenAddressError, GuardedBackend, Resolve, permitted_addresses
from rowen.webhooks.signing import signed_headers

SECONDS: Final = 15.0
"""How long a whole attempt may take, in seconds."""

LARGEST_ANSWER: Final = 64 * 1024
"""How much of a response's body is read, in bytes: only so that the connection can be used again."""

LARGEST_EXCERPT: Final = 1_000
"""How many bytes of a response's body are returned."""

_RESOLVING_SECONDS: Final = 5.0
_DRAINING_SECONDS: Final = 1.0  # after the status: the next message must not wait for the body
_MOST_PARTS: Final = 64  # a body in more chunks is not read to its end
_IDLE_SECONDS: Final = 30.0
_LARGEST_RETRY_AFTER_DIGITS: Final = 9

EXCESSIVE: Final = "the receiver sent too much before the end of its answer's headers"
FORBIDDEN: Final = "the address is private, local or reserved, and not allowed by the operator"


class HttpWebhookSender:
    """The `WebhookSender` over HTTP. Its connections belong to one event loop."""

    def __init__(
        self,
        allowed: AllowedHosts,
        resolve: Resolve,
        now: Clock,
        seconds: float = SECONDS,
        trust: Callable[[], SSLContext] = httpcore.default_ssl_context,
    ) -> None:
        self._allowed = allowed
        self._resolve = resolve
        self._now = now
        self._seconds = seconds
        self._trust = trust
        self._context: SSLContext | None = None
        self._opened: dict[str | None, httpcore.AsyncConnectionPool] = {}

    async def url_error(self, url: str) -> str | None:
        """Return why nothing may be sent to a URL, worded to follow "url", or None.

        A name that cannot be resolved right now is accepted: its addresses are checked at every connection.
        """
        try:
            target = read_url(url)
            async with asyncio.timeout(_RESOLVING_SECONDS):
                await permitted_addresses(target.host, self._allowed, self._resolve)
        except InvalidUrlError as error:
            return str(error)
        except ForbiddenAddressError:
            return MUST_BE_PUBLIC
        except OSError:  # TimeoutError included
            return None
        return None

    async def send(self, message: WebhookMessage) -> AttemptResult:
        """Make one attempt; a failure of any kind is returned as a result."""
        try:
            target = read_url(message.url)
        except InvalidUrlError:
            return AttemptResult(None, "the URL is not valid")
        answered: list[AttemptResult] = []
        excerpt = bytearray()
        try:
            async with asyncio.timeout(self._seconds):
                await self._exchange(target, message, answered, excerpt)
        except (TimeoutError, httpcore.TimeoutException):
            failure = f"no answer within {self._seconds:g} seconds"
        except ForbiddenAddressError:
            failure = FORBIDDEN
        except HandshakeError as error:
            failure = UNTRUSTED if "CERTIFICATE" in str(error) else "the TLS handshake failed"
        except httpcore.ConnectError:
            failure = "the connection was refused"
        except ExcessiveAnswerError:
            failure = EXCESSIVE
        except (httpcore.NetworkError, httpcore.ProtocolError):
            failure = "the connection broke off, or the answer was no HTTP"
        except OSError:
            failure = "the host cannot be resolved"
        else:
            failure = "no answer"
        # A response counts from its status on: how its body ends changes nothing.
        return answered[0]._replace(excerpt=bytes(excerpt)) if answered else AttemptResult(None, failure)

    async def _exchange(
        self, target: Target, message: WebhookMessage, answered: list[AttemptResult], excerpt: bytearray
    ) -> None:
        url = httpcore.URL(
            scheme=target.scheme.encode(),
            host=target.host.encode(),
            port=target.port,
            target=target.target.encode(),
        )
        at = self._now() if message.at is None else message.at
        headers = [(b"Host", _host_header(target)), *signed_headers(message, at)]
        special = message.allowed_host == target.host and target.host not in self._allowed
        pool = self._pool(target.host if special else None)
        async with pool.stream("POST", url, headers=headers, content=message.body) as answer:
            answered.append(answer_result(answer.status, _retry_after(answer)))
            async with asyncio.timeout(_DRAINING_SECONDS):
                await _drain(answer, excerpt)

    def _pool(self, allowed_host: str | None) -> httpcore.AsyncConnectionPool:
        """Return the connections to use: those to a host that one webhook allows are not shared with others."""
        if allowed_host not in self._opened:
            if self._context is None:
                # Loaded on first use: reading the certificates takes longer than everything else at a server's start.
                self._context = self._trust()
            allowed = self._allowed if allowed_host is None else AllowedHosts([allowed_host])
            self._opened[allowed_host] = httpcore.AsyncConnectionPool(
                ssl_context=self._context,
                max_connections=None,  # the dispatcher limits the number of concurrent attempts
                max_keepalive_connections=100,
                keepalive_expiry=_IDLE_SECONDS,
                network_backend=GuardedBackend(allowed, self._resolve),
            )
        return self._opened[allowed_host]

    async def aclose(self) -> None:
        """Close what is open."""
        while self._opened:
            _, pool = self._opened.popitem()
            await pool.aclose()


UNTRUSTED: Final = "the certificate is not accepted"
MUST_BE_PUBLIC: Final = "Must not lead to a private, local or reserved address that the operator does not allow"


GONE: Final = "answered 410 Gone"


def answer_result(status: int, retry_after: int | None = None) -> AttemptResult:
    """Return the result of a response: any 2xx is a delivery; after a 410 the receiver wants nothing more."""
    if 200 <= status < 300:
        return AttemptResult(status, retry_after=retry_after)
    return AttemptResult(status, f"answered {status}", GONE if status == 410 else None, retry_after)


def _host_header(target: Target) -> bytes:
    host = f"[{target.host}]" if ":" in target.host else target.host
    usual = target.port == {"http": 80, "https": 443}[target.scheme]
    return (host if usual else f"{host}:{target.port}").encode()


async def _drain(answer: httpcore.Response, excerpt: bytearray) -> None:
    """Read a body to its end if that is near; its beginning goes into `excerpt`."""
    read = parts = 0
    async for part in answer.aiter_stream():
        excerpt += part[: LARGEST_EXCERPT - len(excerpt)]
        read += len(part)
        parts += 1
        if read > LARGEST_ANSWER or parts > _MOST_PARTS:
            return


def _retry_after(answer: httpcore.Response) -> int | None:
    for name, value in answer.headers:
        if name.lower() == b"retry-after" and value.isdigit() and len(value) <= _LARGEST_RETRY_AFTER_DIGITS:
            return int(value)
    return None
