"""Reading bytes from a file or a pipe, block by block, and telling what they are.

Owns decompression, the counting of bytes for progress, and the sniffing of formats by content. Must not know
what a record is.
"""

import io
import re
from collections.abc import Iterator
from enum import Enum, auto
from gzip import BadGzipFile, GzipFile
from typing import Final, NamedTuple, Protocol, cast

from isal import igzip, isal_zlib

BLOCK: Final = 128 * 1024
"""Bytes read at once. Measured: larger blocks are slower, since they leave the processor's cache."""

GZIP_MAGIC: Final = b"\x1f\x8b"
UTF8_MARK: Final = b"\xef\xbb\xbf"
WHITE: Final = b" \t\r\n"
_HEAD: Final = 4

_foreign: Final = (
    (b"PK\x03\x04", "a ZIP archive: unpack it first"),
    (b"\xff\xfe", "UTF-16 text: save it as UTF-8 first"),
    (b"\xfe\xff", "UTF-16 text: save it as UTF-8 first"),
    (b"BZh", "compressed with bzip2: unpack it first"),
    (b"\xfd7zX", "compressed with xz: unpack it first"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd: unpack it first"),
    (b"PAR1", "a Parquet file: save it as JSON Lines first"),
    (b"SQLi", "an SQLite database, not a file of records"),
)
# The stubs of isal call its exception class an instance.
_damaged: Final = (BadGzipFile, cast("type[Exception]", isal_zlib.error))
_object_line: Final = re.compile(rb"^[ \t\r]*\{", re.MULTILINE)
_lone_brace: Final = re.compile(rb"\{[ \t\r]*(?:\n|\Z)")


class Form(Enum):
    """How records are laid out in a file."""

    LINES = auto()
    """One JSON object on each line."""
    ARRAY = auto()
    """One JSON array."""
    OBJECTS = auto()
    """JSON objects over several lines each, one after the other."""
    EMPTY = auto()
    """Nothing but white space."""


class StreamBroken(Exception):  # noqa: N818  (says what is the matter, as the domain's errors do)
    """A stream cannot be read on because of what is in it; the text says what is the matter with the file."""


class RawReader(Protocol):
    """The part of an unbuffered binary file that is needed."""

    def read(self, size: int = -1, /) -> bytes | None:
        """Return the next bytes, maybe fewer than asked for; none at the end."""
        ...


class CountingReader(io.RawIOBase):
    """A file that counts the bytes taken from it and shows its first ones beforehand."""

    def __init__(self, raw: RawReader) -> None:
        super().__init__()
        self._raw = raw
        self.position = 0
        self.head = b""
        while len(self.head) < _HEAD and (more := raw.read(_HEAD - len(self.head))):
            self.head += more
        self._ahead = self.head

    def readable(self) -> bool:
        """Say that this can be read, as `io` asks."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Return at most `size` bytes, fewer where no more are there yet, none at the end."""
        if self._ahead:
            block, self._ahead = self._ahead[:size], self._ahead[size:]
        else:
            block = self._raw.read(size) or b""
        self.position += len(block)
        return block

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # only ever called with this
        """Fill a buffer as far as possible."""
        block = self.read(len(buffer))
        buffer[: len(block)] = block
        return len(block)


class Opened(NamedTuple):
    """What a stream turned out to be: its form, its blocks, and the number of the line they begin with."""

    form: Form
    blocks: Iterator[bytes]
    first_line: int


def read_blocks(reader: CountingReader, *, expect_gzip: bool) -> Iterator[bytes]:
    """Return the blocks of a file, decompressed. Raises StreamBroken, and OSError if reading itself fails.

    `expect_gzip` is for an empty file, which is no gzip although its name says so.
    """
    for magic, what in _foreign:
        if reader.head.startswith(magic):
            raise StreamBroken(f"this is {what}")
    if reader.head.startswith(GZIP_MAGIC):
        yield from _decompress(reader)
        return
    if expect_gzip and not reader.head:
        raise StreamBroken("the file is empty, not even a gzip file of nothing: its download may have failed")
    while block := reader.read(BLOCK):
        yield block


def open_stream(blocks: Iterator[bytes]) -> Opened:
    """Tell the form of what begins with these blocks. Raises StreamBroken where it is no JSON at all."""
    line, start, text = 1, b"", b""
    for block in blocks:
        start = (start + block).removeprefix(UTF8_MARK) if line == 1 else start + block
        text = start.lstrip(WHITE)
        if text and (b"\n" in text or len(start) > BLOCK):
            break
        if not text and len(start) > BLOCK:
            line, start = line + start.count(b"\n"), b""
    if not text:
        return Opened(Form.EMPTY, iter(()), line)
    if text.startswith(b"["):
        return Opened(Form.ARRAY, _chain(start, blocks), line)
    if _lone_brace.match(text):
        return Opened(Form.OBJECTS, _chain(start, blocks), line)
    if not text.startswith(b"{"):
        start = _look_for_objects(start, blocks)
    return Opened(Form.LINES, _chain(start, blocks), line)


def _look_for_objects(start: bytes, blocks: Iterator[bytes]) -> bytes:
    """Tell JSON Lines behind some other lines from a file of another kind; return all that was read."""
    while not _object_line.search(start):
        block = next(blocks, b"")
        if not block or len(start) > BLOCK:
            raise StreamBroken(
                "this is neither a JSON array (beginning with [) nor JSON Lines (each line beginning with {)"
            )
        start += block
    return start


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _decompress(reader: CountingReader) -> Iterator[bytes]:
    file: GzipFile = igzip.IGzipFile(fileobj=reader, mode="rb")  # type: ignore[no-untyped-call]  # isal has no types
    with file:
        while True:
            try:
                block = file.read1(BLOCK)
            except EOFError:
                raise StreamBroken(
                    "the compressed data breaks off: the file is incomplete, download or copy it again"
                ) from None
            except _damaged:
                raise StreamBroken("the compressed data is damaged: download or copy the file again") from None
            if not block:
                return
            yield block
