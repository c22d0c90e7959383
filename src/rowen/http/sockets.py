"""The kernel's view of this process's connections (Linux: tcp(7), `TCP_INFO`).

Owns finding the accepted sockets of a port among the process's descriptors, reading their counters, and closing them.
The HTTP server accepts connections without notifying the application, so this is the only view of a peer that has not
sent a request yet. Must not know limits or requests.
"""

import errno
import os
import socket
import struct
import sys
from contextlib import suppress
from pathlib import Path
from socket import SocketType
from typing import Final, NamedTuple

SUPPORTED: Final = sys.platform == "linux"

Peer = tuple[str, str]
"""The address and port of the other end, as Granian writes them in a scope's `client`."""

_OPEN: Final = Path("/proc/self/fd")
_GAP: Final = 256
"""New descriptors get the lowest free numbers: after this many free ones in a row there are seldom more."""

# tcpi_unacked at 24, tcpi_bytes_acked at 120, tcpi_bytes_received at 128, tcpi_notsent_bytes at 144 (<linux/tcp.h>).
_INFO: Final = struct.Struct("=24x I 92x Q Q 8x I")
_RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER: discard queued data, and send RST


class SocketState(NamedTuple):
    """Counters of one connection: bytes that reached the peer and came from it, and whether some wait to be sent."""

    acked: int
    queued: bool
    received: int = 0


class Sockets:
    """The accepted connections of a port, by peer."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._descriptors: dict[Peer, int] = {}
        self._known: set[int] = set()

    def discover(self) -> list[Peer]:
        """Return the peers whose connections were accepted since the last call.

        A connection that reuses the descriptor of a closed one is found after `read` was called for the closed one.
        """
        found: list[Peer] = []
        descriptor = free = used = 0
        while free < _GAP:
            if self._look(descriptor, found):
                used += 1
                free = 0
            else:
                free += 1
            descriptor += 1
        # A peer can cause such a gap: it opens many connections, and closes the first of them.
        with suppress(OSError):  # the folder is missing if /proc is not mounted
            if used < _OPEN.stat().st_size:  # how many are open; 0 before Linux 6.2
                for number in sorted(int(each.name) for each in _OPEN.iterdir()):
                    if number >= descriptor:
                        self._look(number, found)
        return found

    def _look(self, descriptor: int, found: list[Peer]) -> bool:
        """Add the peer of a descriptor if it is a newly accepted connection; return whether the descriptor is open."""
        if descriptor in self._known:
            return True
        try:
            connection = SocketType(socket.AF_INET, socket.SOCK_STREAM, 0, descriptor)
        except OSError as error:
            return error.errno != errno.EBADF  # otherwise a file
        peer = self._accepted(connection)
        if peer is not None:
            self._known.add(descriptor)
            self._descriptors[peer] = descriptor
            found.append(peer)
        return True

    def read(self, peer: Peer) -> SocketState | None:
        """Return the state of a peer's connection; None if it is closed or not discovered yet."""
        descriptor = self._descriptors.get(peer)
        if descriptor is None:
            return None
        try:
            connection = SocketType(socket.AF_INET, socket.SOCK_STREAM, 0, descriptor)
            try:
                # The descriptor may belong to another connection by now.
                if _peer(connection) == peer:
                    return _state(connection)
            finally:
                connection.detach()
        except OSError:
            pass
        del self._descriptors[peer]
        self._known.discard(descriptor)
        return None

    def close(self, peer: Peer) -> None:
        """Break a peer's connection. Bytes that it has not read are discarded."""
        descriptor = self._descriptors.get(peer)
        if descriptor is None:
            return
        # Duplicated: otherwise the descriptor could be reused between the check and the shutdown.
        with suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as connection:
            if _peer(connection) == peer:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                connection.shutdown(socket.SHUT_RDWR)

    def _accepted(self, connection: SocketType) -> Peer | None:
        """Return the other end of a socket if it is a connection of the port."""
        try:
            return _peer(connection) if connection.getsockname()[1] == self._port else None
        except (OSError, IndexError, ValueError):
            return None  # a listening socket, or one of another family
        finally:
            connection.detach()


def _peer(connection: socket.socket | SocketType) -> Peer:
    host, port, *_ = connection.getpeername()
    return host.partition("%")[0], str(port)


def _state(connection: SocketType) -> SocketState:
    unacked, acked, received, not_sent = _INFO.unpack(
        connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO.size)
    )
    return SocketState(acked, bool(unacked or not_sent), received)
