"""Reading bytes from a file or a pipe, block by block.

Owns decompression, the refusal of files that cannot hold records, and the counting of bytes for progress. Must not know
what a record is, or how records are laid out.
"""

import io
from collections.abc import Iterator
from gzip import BadGzipFile, GzipFile
from typing import Final, Protocol, cast

from isal import igzip, isal_zlib

from rowen.imports.errors import StreamBrokenError

BLOCK: Final = 128 * 1024
"""Bytes read at once. Measured: larger blocks are slower, since they leave the processor's cache."""

GZIP_MAGIC: Final = b"\x1f\x8b"
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
# isal's stubs declare its exception class as an instance. OverflowError is raised for a header longer than the reader's
# buffer, such as a file name without end.
_damaged: Final = (BadGzipFile, OverflowError, cast("type[Exception]", isal_zlib.error))


class RawReader(Protocol):
    """The part of an unbuffered binary file that is needed."""

    def read(self, size: int = -1, /) -> bytes | None:
        """Return the next bytes, possibly fewer than requested; none at the end."""
        ...


class CountingReader(io.RawIOBase):
    """A file that counts the bytes read from it and can show its first ones in advance."""

    def __init__(self, raw: RawReader) -> None:
        super().__init__()
        self._raw = raw
        self.position = 0
        self.head = b""
        while len(self.head) < _HEAD and (more := raw.read(_HEAD - len(self.head))):
            self.head += more
        self._ahead = self.head

    def readable(self) -> bool:
        """Return that this can be read, as `io` asks."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Return at most `size` bytes: fewer if no more are available yet, none at the end."""
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


def read_blocks(reader: CountingReader, *, expect_gzip: bool) -> Iterator[bytes]:
    """Yield the blocks of a file, decompressed. Raises StreamBrokenError, and OSError if reading itself fails.

    `expect_gzip` is for an empty file, which is not gzip despite its name.
    """
    for magic, what in _foreign:
        if reader.head.startswith(magic):
            raise StreamBrokenError(f"this is {what}")
    if reader.head.startswith(GZIP_MAGIC):
        yield from _decompress(reader)
        return
    if expect_gzip and not reader.head:
        raise StreamBrokenError("the file is empty, not even a gzip file of nothing: its download may have failed")
    while block := reader.read(BLOCK):
        yield block


def _decompress(reader: CountingReader) -> Iterator[bytes]:
    file: GzipFile = igzip.IGzipFile(fileobj=reader, mode="rb")  # type: ignore[no-untyped-call]  # isal has no types
    with file:
        while True:
            try:
                block = file.read1(BLOCK)
            except EOFError:
                raise StreamBrokenError(
                    "the compressed data ends early: the file is incomplete, download or copy it again"
                ) from None
            except _damaged:
                raise StreamBrokenError("the compressed data is damaged: download or copy the file again") from None
            if not block:
                return
            yield block
