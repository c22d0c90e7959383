"""An HTTP/2 peer that sends what it is given, frame by frame (RFC 9113), well-behaved or not."""

import socket
import ssl
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from hpack import Decoder, Encoder
from hyperframe.frame import ContinuationFrame, Frame, GoAwayFrame, HeadersFrame, RstStreamFrame, SettingsFrame

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SECONDS = 30
_FRAME = 16_384
_HEAD = 9

Headers = Sequence[tuple[str, str]]


def literal(name: bytes, value: bytes, *, indexed: bool = False) -> bytes:
    """Return a header that is written out in full; an `indexed` one joins the dynamic table (RFC 7541 section 6.2)."""
    return (b"\x40" if indexed else b"\x00") + _text(name) + _text(value)


def _text(text: bytes) -> bytes:
    rest = len(text) - 127
    if rest < 0:
        return bytes([len(text)]) + text
    length = bytearray([127])
    while rest >= 128:
        length.append(rest % 128 + 128)
        rest //= 128
    length.append(rest)
    return bytes(length) + text


class Http2Peer:
    """One HTTP/2 connection to a server on this machine, over TLS if a context is given."""

    def __init__(self, port: int, tls: ssl.SSLContext | None = None, receive_buffer: int | None = None) -> None:
        plain = socket.socket()
        plain.settimeout(SECONDS)
        if receive_buffer is not None:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        plain.connect(("127.0.0.1", port))
        self.connection = tls.wrap_socket(plain, server_hostname="localhost") if tls else plain
        self._encoder, self._decoder = Encoder(), Decoder()
        self._encoder.header_table_size = 0
        self._next_stream = 1
        self._received = b""
        self.send(PREFACE + SettingsFrame(0).serialize())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.connection.close()

    def send(self, data: bytes) -> None:
        """Send bytes."""
        self.connection.sendall(data)

    def request(self, path: str, headers: Headers = (), *, extra: bytes = b"", ends: bool = True) -> int:
        """Send the head of a GET, with more of a header block if given, and return its stream."""
        usual = [(":method", "GET"), (":path", path), (":scheme", "http"), (":authority", "rowen.example")]
        block = self._encoder.encode([*usual, *headers]) + extra
        stream, self._next_stream = self._next_stream, self._next_stream + 2
        parts = [block[start : start + _FRAME] for start in range(0, len(block), _FRAME)]
        frames: list[Frame] = [
            HeadersFrame(stream, data=parts[0]),
            *(ContinuationFrame(stream, data=each) for each in parts[1:]),
        ]
        if ends:
            frames[0].flags.add("END_STREAM")
        frames[-1].flags.add("END_HEADERS")
        self.send(b"".join(frame.serialize() for frame in frames))
        return stream

    def next_frame(self) -> Frame | None:
        """Wait for a frame; None once the connection is closed."""
        while True:
            if len(self._received) >= _HEAD:
                frame, length = Frame.parse_frame_header(memoryview(self._received[:_HEAD]))
                if len(self._received) >= _HEAD + length:
                    frame.parse_body(memoryview(self._received[_HEAD : _HEAD + length]))
                    self._received = self._received[_HEAD + length :]
                    return frame
            try:
                part = self.connection.recv(2**16)
            except (ConnectionError, ssl.SSLEOFError):
                return None
            if not part:
                return None
            self._received += part

    def status(self) -> int:
        """Return the status of the next response; 0 if the stream or the connection is ended instead."""
        while (frame := self.next_frame()) is not None:
            if isinstance(frame, HeadersFrame):
                return int(dict(self._decoder.decode(frame.data, raw=True))[b":status"])
            if isinstance(frame, (GoAwayFrame, RstStreamFrame)):
                return 0
        return 0
