"""Connections to receivers, and how much of a response is read from them.

Owns sockets, TLS, and the limits of one response: how many bytes, lines and reads it may take, before its status and
after. Must not know what is sent, or what a response means. Every receiver is treated as hostile: whatever it sends,
the event loop runs other tasks after each read, and the number of reads is bounded. Bytes that are not read stay in the
kernel, so that a receiver that sends without end has to wait, and fills no memory.
"""

import asyncio
import re
import select
import socket
import ssl
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import anyio
import httpcore
from anyio.abc import ByteStream
from anyio.streams.tls import TLSAttribute, TLSStream

READ_SIZE: Final = 4 * 1024
"""The largest read, in bytes: the most that one turn of the event loop may have to parse."""

LARGEST_HEAD: Final = 16 * 1024
"""How many bytes may precede the end of the final response's headers, interim responses (1xx) included."""

MOST_HEAD_LINES: Final = 200
"""How many lines these headers may have."""

MOST_INTERIM_ANSWERS: Final = 8
"""How many interim responses (1xx) may precede the final one."""

MOST_READS: Final = 500
"""How many reads the head may take, and how many the body: a receiver that sends single bytes needs one for each."""

LARGEST_EXCHANGE: Final = 256 * 1024
"""How many bytes one attempt may receive, TLS included: empty TLS records count, too."""


class ExchangeLimits(NamedTuple):
    """How many bytes one exchange may receive, and how many reads the body of its response may take."""

    exchange: int = LARGEST_EXCHANGE
    reads: int = MOST_READS


WEBHOOK_LIMITS: Final = ExchangeLimits()
"""The limits of an attempt to deliver a webhook."""


_STATUS_LINE: Final = re.compile(rb"HTTP/[0-9]\.[0-9] ([0-9])[0-9][0-9]")


class ExcessiveAnswerError(httpcore.ReadError):
    """The receiver sent more than a response may have."""


class _Wire(ByteStream):
    """A connected socket, read in small pieces, within the limits of the exchange."""

    def __init__(self, connected: socket.socket, limits: ExchangeLimits) -> None:
        self._socket = connected
        self.limits = limits
        self.renew()

    def renew(self) -> None:
        """Reset the limits for a new exchange."""
        self._bytes_left = self.limits.exchange
        self._reads_left = MOST_READS + self.limits.reads

    @property
    def socket(self) -> socket.socket:
        """The socket."""
        return self._socket

    async def receive(self, max_bytes: int = READ_SIZE) -> bytes:
        if self._bytes_left <= 0 or self._reads_left <= 0:
            raise ExcessiveAnswerError("the exchange is too long")
        await asyncio.sleep(0)  # reading data that has already arrived does not yield to other tasks
        data = await asyncio.get_running_loop().sock_recv(self._socket, min(max_bytes, READ_SIZE))
        self._reads_left -= 1
        self._bytes_left -= len(data)
        if not data:
            raise anyio.EndOfStream
        return data

    async def send(self, item: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self._socket, item)

    async def send_eof(self) -> None:
        self._socket.shutdown(socket.SHUT_WR)

    async def aclose(self) -> None:
        self._socket.close()

    @property
    def extra_attributes(self) -> Mapping[Any, Callable[[], Any]]:
        return {}


class _Answer:
    """How much of one response has arrived, and whether its head is complete."""

    def __init__(self, most_reads: int) -> None:
        self._most_reads = most_reads
        self._rest = b""
        self._size = 0
        self._lines = 0
        self._reads = 0
        self._interim = 0
        self._final = False
        self._in_body = False

    def count_read(self) -> None:
        """Count a read before it is made. Raises ExcessiveAnswerError if there were too many."""
        self._reads += 1
        if self._reads > (self._most_reads if self._in_body else MOST_READS):
            raise ExcessiveAnswerError("too many reads")

    def feed(self, data: bytes) -> None:
        """Count the bytes that were read. Raises ExcessiveAnswerError if the head is too long."""
        if self._in_body:
            return
        self._size += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if self._ends_head(line):
                self._in_body = True
                self._reads = 0
                return
        if self._size > LARGEST_HEAD:
            raise ExcessiveAnswerError("the head is too long")

    def _ends_head(self, line: bytes) -> bool:
        """Count a line of the head, and return whether it ends the final response's headers."""
        self._lines += 1
        if status := _STATUS_LINE.match(line):
            self._final = status[1] != b"1"
            self._interim += not self._final
        if self._lines > MOST_HEAD_LINES or self._interim > MOST_INTERIM_ANSWERS:
            raise ExcessiveAnswerError("the head has too many parts")
        return self._final and line in (b"", b"\r")


class ReceiverConnection(httpcore.AsyncNetworkStream):
    """A connection to a receiver, as `httpcore` uses it: a write begins an exchange, and the reads are its response.

    Timeouts are ignored: the whole attempt has one. Closing takes no time, whatever the receiver does.
    """

    def __init__(self, wire: _Wire, tls: TLSStream | None = None) -> None:
        self._wire = wire
        self._tls = tls
        self._stream: ByteStream = wire if tls is None else tls
        self._answer = _Answer(wire.limits.reads)
        self._reading = False

    @classmethod
    async def open(
        cls, address: str, port: int, seconds: float, limits: ExchangeLimits = WEBHOOK_LIMITS
    ) -> "ReceiverConnection":
        """Connect to an address. Raises httpcore.ConnectError or httpcore.ConnectTimeout."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        try:
            opened = socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:  # this machine has no IPv6, or no descriptors left
            raise httpcore.ConnectError(str(error)) from error
        try:
            opened.setblocking(False)
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            async with asyncio.timeout(seconds):
                await asyncio.get_running_loop().sock_connect(opened, (address, port))
        except TimeoutError as error:
            opened.close()
            raise httpcore.ConnectTimeout(str(error)) from error
        except OSError as error:
            opened.close()
            raise httpcore.ConnectError(str(error)) from error
        except BaseException:
            opened.close()
            raise
        return cls(_Wire(opened, limits))

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002  (httpcore's shape)
        """Return some bytes of the response; none if the receiver has closed.

        Raises ExcessiveAnswerError beyond the limits, and httpcore.ReadError.
        """
        self._reading = True
        self._answer.count_read()
        try:
            data = await self._stream.receive(min(max_bytes, READ_SIZE))
        except anyio.EndOfStream:
            return b""
        except _BROKEN as error:
            raise httpcore.ReadError(str(error)) from error
        self._answer.feed(data)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002  (httpcore's shape)
        """Send bytes. Raises httpcore.WriteError."""
        if self._reading:
            self._reading = False
            self._answer = _Answer(self._wire.limits.reads)
            self._wire.renew()
        if not buffer:
            return
        try:
            await self._stream.send(buffer)
        except _BROKEN as error:
            raise httpcore.WriteError(str(error)) from error

    async def aclose(self) -> None:
        """Close at once, discarding whatever was not sent or read."""
        self._wire.socket.close()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002  (httpcore's shape)
    ) -> "ReceiverConnection":
        """Return the connection with TLS, or close it if that fails. Raises httpcore.ConnectError."""
        try:
            tls = await TLSStream.wrap(
                self._wire,
                ssl_context=ssl_context,
                hostname=server_hostname,
                server_side=False,
                standard_compatible=False,
            )
        except (*_BROKEN, anyio.EndOfStream, httpcore.ReadError) as error:
            self._wire.socket.close()
            raise HandshakeError(str(error)) from error
        except BaseException:
            self._wire.socket.close()
            raise
        self._wire.renew()
        return ReceiverConnection(self._wire, tls)

    def get_extra_info(self, info: str) -> Any:
        """Return the TLS object, or whether there is something to read, as `httpcore` asks for them."""
        if info == "ssl_object":
            return None if self._tls is None else self._tls.extra_attributes[TLSAttribute.ssl_object]()
        if info == "is_readable":
            return _is_readable(self._wire.socket)
        return None


_BROKEN: Final = (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError, ssl.SSLError)


class HandshakeError(httpcore.ConnectError):
    """The receiver was reached, but the TLS handshake failed; the message is OpenSSL's."""


def _is_readable(connected: socket.socket) -> bool:
    """Return whether a read would return at once; for an idle connection that means it was closed."""
    if connected.fileno() < 0:
        return True
    poll = select.poll()
    poll.register(connected, select.POLLIN)
    return bool(poll.poll(0))
