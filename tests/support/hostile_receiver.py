"""A receiver that does its worst: it takes a request, and then sends anything for as long as it can."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

SECONDS = 60
LARGEST = 64 * 1024 * 1024
"""The most that it sends, in bytes, if nobody stops it."""

Attack = Callable[[], Iterator[bytes]]
"""Returns the data to send, piece by piece."""


class HostileReceiver:
    """A listening socket; each connection is handled by a thread. A `mute` one reads and sends nothing."""

    def __init__(self, attack: Attack, *, mute: bool = False) -> None:
        self._attack = attack
        self._mute = mute
        self._cut = threading.Condition()
        self.connections = 0
        self.sent: list[int] = []
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._threads.append(threading.Thread(target=self._accept))
        self._threads[0].start()

    @property
    def port(self) -> int:
        """The port on which it listens."""
        return int(self._listening.getsockname()[1])

    @property
    def url(self) -> str:
        """The address to send to."""
        return f"http://127.0.0.1:{self.port}/hook"

    def wait_until_cut(self, count: int) -> list[int]:
        """Return how many bytes each connection took, once `count` of them were closed by the sender."""
        with self._cut:
            assert self._cut.wait_for(lambda: len(self.sent) >= count, SECONDS), (self.connections, self.sent)
            return list(self.sent)

    def close(self) -> None:
        """End every connection, and stop."""
        self._closing.set()
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._answer, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _answer(self, connection: socket.socket) -> None:
        sent = 0
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(0.2)  # so that closing this receiver is noticed
            if not self._mute:
                with suppress(OSError):
                    connection.recv(65_536)
                sent = self._send(connection)
            self._wait_for_the_end(connection)
        with self._cut:
            self.sent.append(sent)
            self._cut.notify_all()

    def _send(self, connection: socket.socket) -> int:
        sent = 0
        for piece in self._attack():
            rest = memoryview(piece)
            while rest:
                if self._closing.is_set() or sent > LARGEST:
                    return sent
                try:
                    done = connection.send(rest)
                except TimeoutError:
                    continue
                except OSError:
                    return sent
                sent += done
                rest = rest[done:]
        return sent

    def _wait_for_the_end(self, connection: socket.socket) -> None:
        while not self._closing.is_set():
            try:
                if not connection.recv(65_536):
                    return
            except TimeoutError:
                continue
            except OSError:
                return


@contextmanager
def attacking(attack: Attack, *, mute: bool = False) -> Iterator[HostileReceiver]:
    """Attack every sender until the end of the block."""
    receiver = HostileReceiver(attack, mute=mute)
    try:
        yield receiver
    finally:
        receiver.close()


def for_ever(piece: bytes, first: bytes = b"") -> Attack:
    """Return the attack that sends `first`, and then repeats one piece."""

    def attack() -> Iterator[bytes]:
        yield first
        while True:
            yield piece

    return attack
