"""Bringing a letter to its receiver, once.

Owns the conversation: the time it may take, what of the answer counts, and how its end is put in words. Must not
know when to try again. Answers are neither kept nor logged; redirects are not followed.
"""

import asyncio
from collections.abc import Callable
from ssl import SSLContext
from typing import Final

import httpcore

from rowen.app.telling import Letter, Outcome
from rowen.interviews.moments import Instant
from rowen.telling.addresses import Allowed, InvalidUrl, Target, read_url
from rowen.telling.network import ForbiddenAddress, GuardedBackend, Resolve, permitted_addresses
from rowen.telling.signing import signed_headers

SECONDS: Final = 15.0
"""How long a whole try may take."""

LARGEST_ANSWER: Final = 64 * 1024
"""How much of an answer's body is read: only so that the connection can be used again."""

_RESOLVING_SECONDS: Final = 5.0
_DRAINING_SECONDS: Final = 1.0  # of a status that has come already: the next letter shall not wait for its body
_IDLE_SECONDS: Final = 30.0
_LARGEST_RETRY_AFTER_DIGITS: Final = 9

FORBIDDEN: Final = "the address is private, local or reserved, and not allowed by the operator"


class Post:
    """The `Messenger` over HTTP. Its connections belong to one event loop."""

    def __init__(
        self,
        allowed: Allowed,
        resolve: Resolve,
        now: Callable[[], Instant],
        seconds: float = SECONDS,
        trust: Callable[[], SSLContext] = httpcore.default_ssl_context,
    ) -> None:
        self._allowed = allowed
        self._resolve = resolve
        self._now = now
        self._seconds = seconds
        self._trust = trust
        self._opened: httpcore.AsyncConnectionPool | None = None

    async def objection(self, url: str) -> str | None:
        """Return what speaks against sending anything to a URL.

        Nothing, for a name that cannot be resolved right now: its addresses are judged on every connection.
        """
        try:
            target = read_url(url)
            async with asyncio.timeout(_RESOLVING_SECONDS):
                await permitted_addresses(target.host, self._allowed, self._resolve)
        except InvalidUrl as error:
            return str(error)
        except ForbiddenAddress:
            return _MUST_BE_PUBLIC
        except OSError:  # which TimeoutError is, too
            return None
        return None

    async def send(self, letter: Letter) -> Outcome:
        """Try once; whatever goes wrong is an outcome."""
        try:
            target = read_url(letter.url)
        except InvalidUrl:
            return Outcome(None, "the URL is not valid")
        answered: list[Outcome] = []
        try:
            async with asyncio.timeout(self._seconds):
                await self._exchange(target, letter, answered)
        except (TimeoutError, httpcore.TimeoutException):
            failure = f"no answer within {self._seconds:g} seconds"
        except ForbiddenAddress:
            failure = FORBIDDEN
        except httpcore.ConnectError as error:
            failure = _connecting(error)
        except (httpcore.NetworkError, httpcore.ProtocolError):
            failure = "the connection broke off, or the answer was no HTTP"
        except OSError:
            failure = "the host cannot be resolved"
        else:
            failure = "no answer"
        # An answer counts from its status on: how its body ends changes nothing.
        return answered[0] if answered else Outcome(None, failure)

    async def _exchange(self, target: Target, letter: Letter, answered: list[Outcome]) -> None:
        url = httpcore.URL(
            scheme=target.scheme.encode(),
            host=target.host.encode(),
            port=target.port,
            target=target.target.encode(),
        )
        headers = [(b"Host", _host_header(target)), *signed_headers(letter, self._now())]
        async with self._pool.stream("POST", url, headers=headers, content=letter.body) as answer:
            answered.append(Outcome(answer.status, None, _retry_after(answer)))
            async with asyncio.timeout(_DRAINING_SECONDS):
                await _drain(answer)

    @property
    def _pool(self) -> httpcore.AsyncConnectionPool:
        if self._opened is None:
            # Here, not before: reading the certificates takes longer than all else that a server does at its start.
            self._opened = httpcore.AsyncConnectionPool(
                ssl_context=self._trust(),
                max_connections=None,  # receivers must not wait for each other
                max_keepalive_connections=100,
                keepalive_expiry=_IDLE_SECONDS,
                network_backend=GuardedBackend(self._allowed, self._resolve),
            )
        return self._opened

    async def aclose(self) -> None:
        """Close what is open."""
        if self._opened is not None:
            await self._opened.aclose()
            self._opened = None


_MUST_BE_PUBLIC: Final = "Must not lead to a private, local or reserved address that the operator does not allow"


def _host_header(target: Target) -> bytes:
    host = f"[{target.host}]" if ":" in target.host else target.host
    usual = target.port == {"http": 80, "https": 443}[target.scheme]
    return (host if usual else f"{host}:{target.port}").encode()


def _connecting(error: httpcore.ConnectError) -> str:
    """Say why there is no connection; what TLS has to say of a certificate holds no secret, but is long."""
    return "the certificate is not accepted" if "CERTIFICATE" in str(error) else "the connection was refused"


async def _drain(answer: httpcore.Response) -> None:
    read = 0
    async for part in answer.aiter_stream():
        read += len(part)
        if read > LARGEST_ANSWER:
            return


def _retry_after(answer: httpcore.Response) -> int | None:
    for name, value in answer.headers:
        if name.lower() == b"retry-after" and value.isdigit() and len(value) <= _LARGEST_RETRY_AFTER_DIGITS:
            return int(value)
    return None
