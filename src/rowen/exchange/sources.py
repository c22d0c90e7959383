"""Where records to import come from: files, folders, standard input, servers.

Owns the choice of the source for what the user named, and the reading of files as batches of records. Must
not know how records are decoded, checked or stored.
"""

import os
import re
import stat
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from rowen.app.records import USERS
from rowen.exchange.csv_users import CsvSplitter
from rowen.exchange.errors import SourceAddressInvalid, SourceMissing, SourceUnreadable
from rowen.exchange.json_array import ArraySplitter
from rowen.exchange.json_lines import LineSplitter
from rowen.exchange.records import (
    LARGEST_RECORD,
    Batch,
    Checkpoint,
    Item,
    Source,
    SourceFault,
    SourceRecord,
)
from rowen.exchange.server import ServerSource
from rowen.exchange.streams import CountingReader, Form, RawReader, StreamBroken, open_stream, read_blocks

__all__ = [
    "LARGEST_RECORD",
    "Batch",
    "Checkpoint",
    "FileSource",
    "Item",
    "Selection",
    "ServerSource",
    "Source",
    "SourceFault",
    "SourceRecord",
    "StreamSource",
    "open_sources",
]

STANDARD_INPUT: Final = "standard input"
SUFFIXES: Final = (".json", ".jsonl", ".ndjson")
CSV: Final = ".csv"
_scheme: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


class _Splitter(Protocol):
    line: int

    def feed(self, block: bytes) -> Batch: ...
    def finish(self) -> Batch: ...


class Selection(NamedTuple):
    """What the user's arguments come to: the sources in order, and the files of folders that are none."""

    sources: list[Source]
    passed_over: list[Path]


class _Identity(NamedTuple):
    """By what a file is known to be unchanged."""

    device: int
    inode: int
    size: int
    modified: int

    @classmethod
    def of(cls, status: os.stat_result) -> "_Identity":
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


class FileSource:
    """The records of one file, in any of the formats. Regular files can be read again, pipes cannot."""

    def __init__(self, path: Path) -> None:
        """Take a file. Raises SourceMissing or SourceUnreadable where it cannot be opened."""
        self.name = str(path)
        self.resource = USERS if _is_csv(self.name) else None
        self.passed_over: Counter[str] = Counter()
        self._path = path
        self._reader: CountingReader | None = None
        try:
            status = path.stat()
            self.rereadable = stat.S_ISREG(status.st_mode)
            if self.rereadable:
                # A pipe must not be opened before it is read: opening takes its writer's bytes.
                path.open("rb").close()
        except OSError as error:
            raise _unreadable(self.name, error) from None
        self.size = status.st_size if self.rereadable else None
        self._identity = _Identity.of(status)

    def __repr__(self) -> str:
        return f"FileSource({self.name!r})"

    @property
    def position(self) -> int:
        """How many bytes of the file have been read in the present reading."""
        return self._reader.position if self._reader else 0

    def batches(self) -> Iterator[Batch]:
        """Hand out the file's records from its beginning. Raises SourceUnreadable where reading fails."""
        self.passed_over.clear()
        try:
            with self._path.open("rb", buffering=0) as file:
                self._check_unchanged(file.fileno())
                self._reader = CountingReader(file)
                yield from _read(self.name, self._reader, self.passed_over)
                self._check_unchanged(file.fileno())
        except OSError as error:
            raise _unreadable(self.name, error) from None

    def _check_unchanged(self, descriptor: int) -> None:
        """Refuse a file that is not the one that was opened first: checking it would have been in vain."""
        if self.rereadable and _Identity.of(os.fstat(descriptor)) != self._identity:
            raise SourceUnreadable(f"{self.name}: the file was changed while it was being read; import it again")


class StreamSource:
    """The records of an open stream such as standard input, in any of the formats. It can be read once."""

    rereadable: Final = False
    resource: Final = None

    def __init__(self, raw: RawReader, name: str = STANDARD_INPUT, size: int | None = None) -> None:
        self.name = name
        self.size = size
        self.passed_over: Counter[str] = Counter()
        self._raw = raw
        self._reader: CountingReader | None = None

    def __repr__(self) -> str:
        return f"StreamSource({self.name!r})"

    @property
    def position(self) -> int:
        """How many bytes of the stream have been read."""
        return self._reader.position if self._reader else 0

    def batches(self) -> Iterator[Batch]:
        """Hand out the stream's records. Raises SourceUnreadable where reading fails or was done before."""
        if self._reader:
            raise SourceUnreadable(f"{self.name}: this can be read only once")
        try:
            self._reader = CountingReader(self._raw)
            yield from _read(self.name, self._reader, self.passed_over)
        except OSError as error:
            raise _unreadable(self.name, error) from None


def open_sources(
    arguments: Sequence[str],
    *,
    stdin: Callable[[], Source] | None = None,
    server: Callable[[str], Source] = ServerSource,
) -> Selection:
    """Return the sources that the user named: files, folders, `-` and addresses of servers.

    `stdin` and `server` make the sources of those two. Raises SourceError where one of them cannot be used:
    nothing of the others has been read by then.
    """
    selection = Selection([], [])
    if list(arguments).count("-") > 1:
        raise SourceAddressInvalid("standard input (-) was named twice; it can be read only once")
    for argument in arguments:
        scheme = _scheme.match(argument)
        if argument == "-":
            selection.sources.append((stdin or standard_input)())
        elif scheme and scheme[1].lower() in ("http", "https"):
            selection.sources.append(server(argument))
        elif scheme:
            raise SourceAddressInvalid(f"{scheme[0]}…: only http:// and https:// addresses can be read")
        elif _is_folder(Path(argument)):
            _add_folder(Path(argument), selection)
        else:
            selection.sources.append(FileSource(Path(argument)))
    return selection


def standard_input() -> Source:
    """Return the source of the process's standard input; its size is known where it is a redirected file."""
    raw = open(sys.stdin.fileno(), "rb", buffering=0, closefd=False)  # noqa: SIM115  (a descriptor)
    status = os.fstat(raw.fileno())
    return StreamSource(raw, size=status.st_size if stat.S_ISREG(status.st_mode) else None)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except PermissionError:
        # Of a folder above it: trying to open the path gives the message.
        return False


def _add_folder(folder: Path, selection: Selection) -> None:
    """Add the files of a folder and the folders in it, ordered by name. Raises SourceError."""
    found = 0
    for path in _files_under(folder):
        if path.name.lower().removesuffix(".gz").endswith(SUFFIXES):
            selection.sources.append(FileSource(path))
            found += 1
        else:
            selection.passed_over.append(path)
    if not found:
        raise SourceMissing(
            f"{folder}: there is no file to import in this folder; looked for {', '.join(SUFFIXES)}, each also with .gz"
        )


def _files_under(folder: Path) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        raise _unreadable(str(error.filename), error)

    for parent, folders, files in os.walk(folder, onerror=refuse):
        folders.sort()
        for name in sorted(files):
            yield Path(parent, name)


def _read(name: str, reader: CountingReader, passed_over: Counter[str]) -> Iterator[Batch]:
    """Hand out the records of a stream, and the fault that ends it if there is one. Raises OSError."""
    splitter: _Splitter | None = None
    blocks = read_blocks(reader, expect_gzip=name.lower().endswith(".gz"))
    try:
        if _is_csv(name):
            splitter = CsvSplitter(name, passed_over)
        else:
            form, blocks, first_line = open_stream(blocks)
            splitter = _splitter(form, name, passed_over, first_line)
        for block in blocks:
            batch = splitter.feed(block)
            if batch:
                yield batch
                last = batch[-1]
                if isinstance(last, SourceFault) and last.final:
                    return
    except StreamBroken as broken:
        yield [SourceFault(name, splitter.line if splitter else 0, str(broken), final=True)]
    else:
        if batch := splitter.finish():
            yield batch


def _is_csv(name: str) -> bool:
    return name.lower().removesuffix(".gz").endswith(CSV)


def _splitter(form: Form, name: str, passed_over: Counter[str], first_line: int) -> _Splitter:
    if form in (Form.ARRAY, Form.OBJECTS):
        return ArraySplitter(name, passed_over, first_line, bracketed=form is Form.ARRAY)
    if form is Form.EMPTY:
        passed_over["empty sources"] += 1
    return LineSplitter(name, passed_over, first_line)


def _unreadable(name: str, error: OSError) -> SourceMissing | SourceUnreadable:
    """Put an error of the operating system in plain words."""
    if isinstance(error, FileNotFoundError):
        return SourceMissing(f"{name}: there is no such file or folder")
    if isinstance(error, PermissionError):
        return SourceUnreadable(f"{name}: you have no permission to read this")
    return SourceUnreadable(f"{name}: this cannot be read: {error.strerror or type(error).__name__}")
