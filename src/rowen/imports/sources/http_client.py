"""HTTP requests to a server that may be hostile.

Owns every limit on what a server sends: the size and number of headers, one content coding, the lowest transfer rate,
and the time for a whole request. Must not know what is requested, or whether to try again.
"""

import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Final, Self
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx

from rowen.imports.formats.envelopes import bounded
from rowen.imports.sources.throughput import (
    InterruptedTransferError,
    InvalidResponseError,
    Meter,
    MeteredBackend,
    TransferError,
    TransferLimits,
    UnreachableHostError,
    connection_error,
)

__all__ = [
    "BoundedClient",
    "BoundedResponse",
    "InterruptedTransferError",
    "InvalidResponseError",
    "TransferError",
    "TransferLimits",
    "UnreachableHostError",
]

MOST_HEADERS: Final = 200
BLOCK: Final = 64 * 1024
"""The largest block that `BoundedResponse.blocks` returns, in bytes."""

_GZIP: Final = ("gzip", "x-gzip")
_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS
_INPUT: Final = 16 * 1024
"""Compressed bytes given to the decompressor at once: it copies the rest after a short gzip member."""


class BoundedClient:
    """A client for one server. It follows no redirects, and keeps connections open between requests.

    It uses the proxy that the environment names (`HTTPS_PROXY` and so on), and trusts the authorities of
    `SSL_CERT_FILE` or `SSL_CERT_DIR`, or else the usual ones.
    """

    def __init__(self, server: httpx.URL, headers: Mapping[str, str], limits: TransferLimits) -> None:
        """Take any address of the server and the headers of every request; connects later."""
        self._server = server
        self._headers = [("Host", server.netloc.decode("ascii")), *headers.items()]
        self._limits = limits
        self._meter = Meter(limits)
        self._pool: httpcore.ConnectionPool | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        if self._pool is not None:
            self._pool.close()

    @contextmanager
    def get(
        self, url: httpx.URL, headers: Mapping[str, str] | None = None, *, endless: bool = False
    ) -> Iterator["BoundedResponse"]:
        """Send a GET request, and return its response as soon as the headers have arrived.

        An `endless` response has no time limit as a whole, and must not be compressed. Raises TransferError, also
        inside the `with` block.
        """
        meter = self._meter
        meter.begin(None if endless else self._limits.total_seconds)
        with self._sent("GET", url, headers or {}) as response:
            yield BoundedResponse(response, meter, most_codings=0 if endless else 1)

    @contextmanager
    def post(self, url: httpx.URL, content: bytes, headers: Mapping[str, str]) -> Iterator["BoundedResponse"]:
        """Send a POST request with a body, and return its response as `get` does."""
        with self.write("POST", url, content, headers) as response:
            yield response

    @contextmanager
    def write(
        self, method: str, url: httpx.URL, content: bytes, headers: Mapping[str, str]
    ) -> Iterator["BoundedResponse"]:
        """Send a request that changes something, and return its response as `get` does."""
        self._meter.begin(self._limits.total_seconds)
        with self._sent(method, url, {**headers, "Content-Length": str(len(content))}, content) as response:
            yield BoundedResponse(response, self._meter)

    @contextmanager
    def _sent(
        self, method: str, url: httpx.URL, headers: Mapping[str, str], content: bytes | None = None
    ) -> Iterator[httpcore.Response]:
        wait = self._limits.silent_seconds
        timeouts = {"connect": wait, "read": wait, "write": wait, "pool": wait}
        with _translated(self._meter):
            if self._pool is None:
                self._pool = self._opened()
            target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
            sent = [*self._headers, *headers.items()]
            extensions = {"timeout": timeouts}
            with self._pool.stream(method, target, headers=sent, content=content, extensions=extensions) as response:
                self._meter.end_of_headers()
                yield response

    def _opened(self) -> httpcore.ConnectionPool:
        """Return the pool of connections; trusted authorities are loaded only if they are needed."""
        proxy = _environment_proxy(self._server)
        return httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context() if self._server.scheme == "https" or proxy is not None else None,
            proxy=proxy,
            max_connections=1,
            network_backend=MeteredBackend(self._meter),
        )


class BoundedResponse:
    """The status and headers of a response, and its body as it arrives."""

    def __init__(self, response: httpcore.Response, meter: Meter, most_codings: int = 1) -> None:
        """Take a response whose body has not been read. Raises InvalidResponseError."""
        if len(response.headers) > MOST_HEADERS:
            raise InvalidResponseError(f"the server's answer has more than {MOST_HEADERS} headers")
        self.status = response.status
        self.headers = httpx.Headers(response.headers)
        self.wire_bytes = 0
        self._response = response
        self._meter = meter
        self._is_gzip = _is_gzip(self.headers, most_codings)

    @property
    def redirect_target(self) -> str | None:
        """The `Location` of a redirect; None if the response is not a redirect."""
        return self.headers.get("Location") if self.status in (301, 302, 303, 307, 308) else None

    def blocks(self, largest: int | None = None) -> Iterator[bytes]:
        """Return the body, decompressed, in blocks of at most `BLOCK` bytes.

        Raises TransferError, also if more than `largest` bytes result; compression can turn a few bytes into many.
        """
        with _translated(self._meter):
            yield from _decompressed(self._raw(largest)) if self._is_gzip else self._raw(largest)

    def read(self, largest: int) -> bytearray:
        """Return the body, decompressed. Raises TransferError, also if it is larger than `largest` bytes."""
        body = bytearray()
        for block in self.blocks(largest):
            body += block
            if len(body) > largest:
                raise _too_large(largest)
        return body

    def rest(self) -> None:
        """Suspend the lowest transfer rate until the server's next byte."""
        self._meter.pause()

    def _raw(self, largest: int | None) -> Iterator[bytes]:
        for block in self._response.iter_stream():
            self.wire_bytes += len(block)
            if largest is not None and self.wire_bytes > largest:
                raise _too_large(largest)
            yield block


@contextmanager
def _translated(meter: Meter) -> Iterator[None]:
    """Translate the library's exceptions to TransferError."""
    try:
        yield
    except httpcore.ConnectError as error:
        raise connection_error(error, meter.peer) from None
    except httpcore.ConnectTimeout:
        raise InterruptedTransferError(f"{meter.peer} does not accept a connection in time", connected=False) from None
    except httpcore.TimeoutException:
        raise InterruptedTransferError("the server did not answer in time") from None
    except httpcore.ProxyError as error:
        raise InterruptedTransferError(f"the proxy refuses: {bounded(str(error))}", connected=False) from None
    except httpcore.ProtocolError:
        if meter.ended:
            raise InterruptedTransferError("the server's answer broke off") from None
        raise InvalidResponseError(
            "the server's answer is not valid HTTP; check the port, and whether it is http:// or https://"
        ) from None
    except httpcore.NetworkError:
        raise InterruptedTransferError("the connection to the server was lost") from None


def _environment_proxy(server: httpx.URL) -> httpcore.Proxy | None:
    """Return the proxy for a server, if any. Raises UnreachableHostError if it cannot be used."""
    known = getproxies()
    address = known.get(server.scheme) or known.get("all")
    if not address or proxy_bypass(server.host):
        return None
    try:
        url = httpx.URL(address if "://" in address else f"http://{address}")
    except httpx.InvalidURL:
        raise UnreachableHostError("the address of the proxy in the environment is not valid") from None
    if url.scheme not in ("http", "https"):
        raise UnreachableHostError("the proxy in the environment is not an HTTP proxy")
    auth = (url.username, url.password) if url.username else None
    return httpcore.Proxy(str(url.copy_with(username="", password="")), auth=auth)


def _too_large(largest: int) -> InvalidResponseError:
    size = f"{largest // 1024**2} MiB" if largest >= 1024**2 else f"{largest // 1024} KiB"
    return InvalidResponseError(f"the server's answer is larger than {size}")


def _is_gzip(headers: httpx.Headers, most_codings: int) -> bool:
    """Return whether the body is compressed with gzip. Raises InvalidResponseError for any other coding.

    A list of codings is refused even if each is known: every one multiplies the size of the result.
    """
    named = [each.strip().lower() for each in headers.get("Content-Encoding", "").split(",")]
    codings = [each for each in named if each not in ("", "identity")]
    if not codings:
        return False
    if len(codings) <= most_codings and codings[0] in _GZIP:
        return True
    accepted = "only gzip, once, is accepted" if most_codings else "none is accepted in an event stream"
    raise InvalidResponseError(
        f'the server\'s answer has the Content-Encoding "{bounded(", ".join(codings))}"; {accepted}'
    )


def _decompressed(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Decompress gzip of any number of members, a bounded piece at a time. Raises TransferError."""
    stream = None
    try:
        for block in blocks:
            for start in range(0, len(block), _INPUT):
                rest = block[start : start + _INPUT]
                while rest or stream is not None:
                    stream = stream or zlib.decompressobj(_GZIP_WINDOW)
                    piece = stream.decompress(rest, BLOCK)
                    rest = stream.unused_data if stream.eof else stream.unconsumed_tail
                    if piece:
                        yield piece
                    if stream.eof:
                        stream = None
                    elif not rest and len(piece) < BLOCK:
                        break
    except zlib.error:
        raise InterruptedTransferError("the server's answer is not valid gzip") from None
    if stream is not None:
        raise InterruptedTransferError("the server's answer broke off")
