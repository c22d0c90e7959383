"""Reading a calendar over HTTP.

Owns the exchange: its limits of time and size, redirects, and the wording of failures. Every server is treated as
hostile, and is reached as receivers of webhooks are: only permitted addresses are connected to, after each redirect,
too. Must not know what a calendar contains. Addresses are secrets: no message contains one.
"""

import asyncio
from collections.abc import Callable
from ssl import SSLContext
from typing import Final, NamedTuple
from urllib.parse import urljoin

import httpcore

from rowen import __version__
from rowen.webhooks.addresses import AllowedHosts, InvalidUrlError, Target, read_url
from rowen.webhooks.connections import ExcessiveAnswerError, ExchangeLimits, HandshakeError
from rowen.webhooks.network import ForbiddenAddressError, GuardedBackend, Resolve

SECONDS: Final = 30.0
"""How long reading a calendar may take, redirects included."""

LARGEST_CALENDAR: Final = 5 << 20
"""How large a calendar may be, in bytes."""

_MOST_REDIRECTS: Final = 3
_LIMITS: Final = ExchangeLimits(exchange=LARGEST_CALENDAR + (1 << 20), reads=20_000)
_REDIRECTS: Final = (301, 302, 303, 307, 308)
_LONGEST_TAG: Final = 1_000


class FetchError(Exception):
    """A calendar that could not be read; the message is why."""


class Fetched(NamedTuple):
    """A response: `content` is None if the calendar has not changed; the others are its validators."""

    content: bytes | None
    etag: str | None
    last_modified: str | None


class CalendarFetcher:
    """Reads calendars. Its connections belong to one event loop."""

    def __init__(
        self,
        allowed: AllowedHosts,
        resolve: Resolve,
        seconds: float = SECONDS,
        trust: Callable[[], SSLContext] = httpcore.default_ssl_context,
    ) -> None:
        self._allowed = allowed
        self._resolve = resolve
        self._seconds = seconds
        self._trust = trust
        self._pool: httpcore.AsyncConnectionPool | None = None

    async def fetch(self, url: str, etag: str | None, last_modified: str | None) -> Fetched:
        """Return a calendar, unless it is as its validators say. Raises FetchError."""
        try:
            async with asyncio.timeout(self._seconds):
                for _ in range(_MOST_REDIRECTS + 1):
                    found = await self._exchange(url, etag, last_modified)
                    if isinstance(found, Fetched):
                        return found
                    url = urljoin(url, found)
            failure = "was redirected too often"
        except (TimeoutError, httpcore.TimeoutException):
            failure = f"did not answer within {self._seconds:g} seconds"
        except (ForbiddenAddressError, InvalidUrlError):
            failure = "leads to an address that is private, local or reserved, and not allowed by the operator"
        except HandshakeError as error:
            failure = "has no accepted certificate" if "CERTIFICATE" in str(error) else "failed in the TLS handshake"
        except httpcore.ConnectError:
            failure = "refused the connection"
        except ExcessiveAnswerError:
            failure = "sent too much"
        except (httpcore.NetworkError, httpcore.ProtocolError):
            failure = "broke off, or sent no HTTP"
        except OSError:
            failure = "cannot be resolved"
        raise FetchError(failure)

    async def _exchange(self, url: str, etag: str | None, last_modified: str | None) -> Fetched | str:
        """Return the response, or where it leads. Raises FetchError, and what `httpcore` raises."""
        target = read_url(url)
        headers = [(b"Host", _host(target)), (b"User-Agent", f"Rowen/{__version__}".encode())]
        headers += [(b"Accept", b"text/calendar"), (b"Accept-Encoding", b"identity"), (b"Connection", b"close")]
        headers += [(b"If-None-Match", etag.encode())] if etag else []
        headers += [(b"If-Modified-Since", last_modified.encode())] if last_modified else []
        address = httpcore.URL(
            scheme=target.scheme.encode(), host=target.host.encode(), port=target.port, target=target.target.encode()
        )
        async with self._connections().stream("GET", address, headers=headers) as response:
            known = {name.lower(): value.decode("latin-1") for name, value in response.headers}
            if response.status in _REDIRECTS and b"location" in known:
                return known[b"location"]
            validators = (_short(known.get(b"etag")), _short(known.get(b"last-modified")))
            if response.status == 304 and (etag or last_modified):
                return Fetched(None, validators[0] or etag, validators[1] or last_modified)
            if response.status != 200:
                raise FetchError(f"answered {response.status}")
            if known.get(b"content-encoding", "identity").lower() != "identity":
                raise FetchError("sent a compressed answer, which was not asked for")
            return Fetched(await _content(response), *validators)

    def _connections(self) -> httpcore.AsyncConnectionPool:
        if self._pool is None:
            backend = GuardedBackend(self._allowed, self._resolve, _LIMITS)
            self._pool = httpcore.AsyncConnectionPool(
                ssl_context=self._trust(), max_connections=None, max_keepalive_connections=0, network_backend=backend
            )
        return self._pool

    async def aclose(self) -> None:
        """Close what is open."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.aclose()


async def _content(response: httpcore.Response) -> bytes:
    found = bytearray()
    async for part in response.aiter_stream():
        found += part
        if len(found) > LARGEST_CALENDAR:
            raise FetchError(f"is larger than {LARGEST_CALENDAR >> 20} MiB")
    return bytes(found)


def _short(text: str | None) -> str | None:
    """Return a validator, unless it is too long to be kept, or cannot be sent back."""
    return text if text and len(text) <= _LONGEST_TAG and text.isascii() and text.isprintable() else None


def _host(target: Target) -> bytes:
    host = f"[{target.host}]" if ":" in target.host else target.host
    usual = target.port == {"http": 80, "https": 443}[target.scheme]
    return (host if usual else f"{host}:{target.port}").encode()
