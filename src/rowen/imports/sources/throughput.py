"""The time and the bytes of a transfer, and why it failed.

Owns the measuring of every byte that a server sends, below HTTP: a server that sends one byte a second, or endless
headers, is cut off here. Must not know what is requested.
"""

import socket
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

import httpcore

from rowen.imports.formats.envelopes import bounded

LARGEST_HEAD: Final = 64 * 1024
"""How many bytes may precede a response's body: its headers, and all interim responses."""

_HEAD_BLOCK: Final = 16 * 1024
_TEMPORARY: Final = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)


class TransferError(Exception):
    """A request got no usable response. The text gives the reason."""


class InterruptedTransferError(TransferError):
    """A connection failed, was lost, or was too slow: another attempt may succeed.

    `connected` is whether the server responded at all, at an acceptable rate.
    """

    def __init__(self, reason: str, *, connected: bool = True) -> None:
        super().__init__(reason)
        self.connected = connected


class InvalidResponseError(TransferError):
    """A response breaks HTTP or a limit: another attempt will not help."""


class UnreachableHostError(TransferError):
    """The host is unknown, or its certificate is not accepted: trying again will not help."""


@dataclass(frozen=True, slots=True)
class TransferLimits:
    """How slow a server may be.

    It may be silent for `silent_seconds`. While it sends, each `window_seconds` must bring `window_bytes`, until the
    response is complete; a whole request takes at most `total_seconds`.
    """

    silent_seconds: float = 60.0
    window_seconds: float = 60.0
    window_bytes: int = 30_000
    total_seconds: float = 900.0


class Meter:
    """The time and the bytes of the current request; `peer` is the last server connected to, as `host:port`."""

    def __init__(self, limits: TransferLimits) -> None:
        self.peer = "the server"
        self.ended = False
        """Whether the peer closed the connection."""
        self._limits = limits
        self._total: float | None = None
        self._deadline: float | None = None
        self._head: int | None = 0
        # Seconds waited in the current window: the time that the reader of the bytes takes does not count.
        self._waited: float | None = None
        self._window_bytes = 0

    def begin(self, total_seconds: float | None) -> None:
        """Begin a request, with its headers."""
        self.ended = False
        self._total = total_seconds
        self._deadline = None if total_seconds is None else monotonic() + total_seconds
        self._head = 0
        self._waited = None

    def end_of_headers(self) -> None:
        """Count no more bytes as headers."""
        self._head = None

    def pause(self) -> None:
        """Expect no transfer rate until the next byte arrives."""
        self._waited = None

    def block_size(self, wanted: int) -> int:
        """Return how many bytes may be read at once."""
        return wanted if self._head is None else min(wanted, _HEAD_BLOCK)

    def seconds(self, wanted: float | None) -> float:
        """Return how long to wait for the next byte. Raises InterruptedTransferError if no time is left."""
        self._check_deadline()
        waits = [self._limits.silent_seconds if wanted is None else wanted]
        if self._waited is not None:
            waits.append(self._limits.window_seconds - self._waited)
        if self._deadline is not None:
            waits.append(self._deadline - monotonic())
        return max(min(waits), 0.001)

    def timed_out(self, waited: float) -> bool:
        """Take the seconds of a wait without bytes; return whether to wait again. Raises InterruptedTransferError."""
        self._check_deadline()
        return self._end_of_window(waited)

    def count(self, size: int, waited: float) -> None:
        """Take the number of bytes that arrived, 0 for the end, and the seconds waited for them.

        Raises TransferError if they came too slowly, or are too many.
        """
        self.ended = self.ended or size == 0
        self._check_deadline()
        if self._head is not None:
            self._head += size
            if self._head > LARGEST_HEAD + _HEAD_BLOCK:
                raise InvalidResponseError(
                    f"the headers of the server's answer are larger than {LARGEST_HEAD // 1024} KiB"
                )
        if self._waited is None:
            self._waited, self._window_bytes, waited = 0.0, 0, 0.0
        self._window_bytes += size
        self._end_of_window(waited)

    def _end_of_window(self, waited: float) -> bool:
        """Return whether a window ended, and begin another. Raises InterruptedTransferError if too few bytes came."""
        limits = self._limits
        if self._waited is None:
            return False
        self._waited += waited
        if self._waited < limits.window_seconds:
            return False
        if self._window_bytes < limits.window_bytes and not self.ended:
            raise InterruptedTransferError(
                f"the server is too slow: it sent {self._window_bytes:,} bytes in {limits.window_seconds:g} seconds, "
                f"and {limits.window_bytes:,} are the least",
                connected=False,
            )
        self._waited, self._window_bytes = 0.0, 0
        return True

    def _check_deadline(self) -> None:
        if self._deadline is not None and monotonic() >= self._deadline:
            raise self._overdue()

    def _overdue(self) -> InterruptedTransferError:
        return InterruptedTransferError(
            f"the server is too slow: its answer was not complete after {self._total:g} seconds", connected=False
        )


class MeteredBackend(httpcore.NetworkBackend):
    """Connections whose every byte is counted."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to a host."""
        self._meter.peer = bounded(f"{host}:{port}")
        seconds = self._meter.seconds(timeout)
        try:
            inner = self._inner.connect_tcp(host, port, seconds, local_address, socket_options)
        except UnicodeError as error:  # raised by the codec of host names, for a name that no host can have
            raise connection_error(error, self._meter.peer) from None
        return _MeteredStream(inner, self._meter)


class _MeteredStream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, meter: Meter) -> None:
        self._inner = inner
        self._meter = meter

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        meter = self._meter
        while True:
            begun = monotonic()
            try:
                block = self._inner.read(meter.block_size(max_bytes), meter.seconds(timeout))
            except httpcore.ReadTimeout:
                if not meter.timed_out(monotonic() - begun):
                    raise
            else:
                meter.count(len(block), monotonic() - begun)
                return block

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._meter.seconds(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        inner = self._inner.start_tls(ssl_context, server_hostname, self._meter.seconds(timeout))
        return _MeteredStream(inner, self._meter)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def connection_error(error: BaseException, peer: str) -> TransferError:
    """Return why no connection could be made, and what to check if trying again is of no use."""
    host = peer.rpartition(":")[0]
    why = bounded(str(error))
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return UnreachableHostError(
                f"the certificate of {host} is not accepted: {bounded(cause.verify_message).rstrip('.')}; check the "
                "host name in the address and the server's certificate (SSL_CERT_FILE can name the file of a private "
                "authority)"
            )
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, _TEMPORARY):
            problem = (cause.reason or "unknown reason").replace("_", " ").lower()
            return UnreachableHostError(
                f"no TLS connection to {peer}: {problem}; check that the server speaks HTTPS on this port"
            )
        if isinstance(cause, UnicodeError) or (isinstance(cause, socket.gaierror) and cause.errno != socket.EAI_AGAIN):
            return UnreachableHostError(
                f"the host {host} is not known; check its spelling in the address, and the name servers of this machine"
            )
        if isinstance(cause, socket.gaierror):
            return InterruptedTransferError(f"the name of {host} cannot be looked up at present", connected=False)
        if isinstance(cause, OSError) and cause.strerror:
            why = cause.strerror
        cause = cause.__cause__ or cause.__context__
    return InterruptedTransferError(f"cannot connect to {peer}: {why}", connected=False)
