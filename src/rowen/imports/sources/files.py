"""Where records to import come from: files, folders, standard input, servers.

Owns the choice of the source for each argument, and reading files as batches of records. Must not know how records are
decoded, checked or stored.
"""

import os
import re
import stat
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from rowen.imports.archive_names import resource_of_file
from rowen.imports.errors import SourceAddressError, SourceMissingError, SourceUnreadableError, StreamBrokenError
from rowen.imports.formats.recognition import Splitter, open_splitter
from rowen.imports.items import (
    LARGEST_RECORD,
    Batch,
    Checkpoint,
    Item,
    Source,
    SourceFault,
    SourceRecord,
)
from rowen.imports.sources.server import ServerSource
from rowen.imports.sources.streams import CountingReader, RawReader, read_blocks
from rowen.imports.sources.whole_server import SourcesOfServer, server_sources

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
_scheme: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


class Selection(NamedTuple):
    """The sources that the arguments name, in order, and the files in folders that were left out."""

    sources: list[Source]
    skipped: list[Path]


class _Identity(NamedTuple):
    """What identifies an unchanged file."""

    device: int
    inode: int
    size: int
    modified: int

    @classmethod
    def of(cls, status: os.stat_result) -> "_Identity":
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


class FileSource:
    """The records of one file, in any of the formats. Regular files can be read again, pipes cannot."""

    def __init__(self, path: Path, resource: str | None = None) -> None:
        """Take a file; `resource` is the resource that the user named. A file of the archive is known by its name.

        Raises SourceMissingError or SourceUnreadableError if it cannot be opened.
        """
        self.name = str(path)
        self.resource = resource or resource_of_file(path.name)
        self.skipped: Counter[str] = Counter()
        self._path = path
        self._reader: CountingReader | None = None
        try:
            status = path.stat()
            self.rereadable = stat.S_ISREG(status.st_mode)
            if self.rereadable:
                # A pipe must not be opened before it is read: opening it would take bytes from its writer.
                path.open("rb").close()
        except OSError as error:
            raise _unreadable(self.name, error) from None
        self.size = status.st_size if self.rereadable else None
        self._identity = _Identity.of(status)

    def __repr__(self) -> str:
        return f"FileSource({self.name!r})"

    @property
    def position(self) -> int:
        """How many bytes the current reading has read."""
        return self._reader.position if self._reader else 0

    def batches(self) -> Iterator[Batch]:
        """Yield the file's records from its beginning. Raises SourceUnreadableError if reading fails."""
        self.skipped.clear()
        try:
            with self._path.open("rb", buffering=0) as file:
                self._check_unchanged(file.fileno())
                self._reader = CountingReader(file)
                yield from _read(self.name, self._reader, self.skipped, self.resource)
                self._check_unchanged(file.fileno())
        except OSError as error:
            raise _unreadable(self.name, error) from None

    def _check_unchanged(self, descriptor: int) -> None:
        """Raise if the file is not the one that was opened first: its records were never checked."""
        if self.rereadable and _Identity.of(os.fstat(descriptor)) != self._identity:
            raise SourceUnreadableError(f"{self.name}: the file was changed while it was being read; import it again")


class StreamSource:
    """The records of an open stream such as standard input, in any of the formats. It can be read once."""

    rereadable: Final = False

    def __init__(
        self, raw: RawReader, name: str = STANDARD_INPUT, size: int | None = None, resource: str | None = None
    ) -> None:
        self.name = name
        self.size = size
        self.resource = resource
        self.skipped: Counter[str] = Counter()
        self._raw = raw
        self._reader: CountingReader | None = None

    def __repr__(self) -> str:
        return f"StreamSource({self.name!r})"

    @property
    def position(self) -> int:
        """How many bytes of the stream have been read."""
        return self._reader.position if self._reader else 0

    def batches(self) -> Iterator[Batch]:
        """Yield the stream's records. Raises SourceUnreadableError if reading fails, or at a second reading."""
        if self._reader:
            raise SourceUnreadableError(f"{self.name}: this can be read only once")
        try:
            self._reader = CountingReader(self._raw)
            yield from _read(self.name, self._reader, self.skipped, self.resource)
        except OSError as error:
            raise _unreadable(self.name, error) from None


def open_sources(
    arguments: Sequence[str],
    *,
    stdin: Callable[[], Source] | None = None,
    server: SourcesOfServer = server_sources,
    resource: str | None = None,
) -> Selection:
    """Return the sources that the user named: files, folders, `-` and addresses of servers.

    `stdin` and `server` make the sources of those two, many for a whole server; `resource` is the resource of all of
    them, if the user named one. Raises SourceError if one of them cannot be used; none of the others has been read by
    then.
    """
    selection = Selection([], [])
    if list(arguments).count("-") > 1:
        raise SourceAddressError("standard input (-) was named twice; it can be read only once")
    for argument in arguments:
        scheme = _scheme.match(argument)
        if argument == "-":
            selection.sources.append(stdin() if stdin else standard_input(resource))
        elif scheme and scheme[1].lower() in ("http", "https"):
            selection.sources.extend(server(argument))
        elif scheme:
            raise SourceAddressError(f"{scheme[0]}…: only http:// and https:// addresses can be read")
        elif _is_folder(Path(argument)):
            _add_folder(Path(argument), selection, resource)
        else:
            selection.sources.append(FileSource(Path(argument), resource))
    return selection


def standard_input(resource: str | None = None) -> Source:
    """Return the source of the process's standard input; its size is known where it is a redirected file."""
    raw = open(sys.stdin.fileno(), "rb", buffering=0, closefd=False)  # noqa: SIM115  (a descriptor)
    status = os.fstat(raw.fileno())
    size = status.st_size if stat.S_ISREG(status.st_mode) else None
    return StreamSource(raw, size=size, resource=resource)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except PermissionError:
        # The permission is missing on a parent folder: trying to open the path gives the message.
        return False


def _add_folder(folder: Path, selection: Selection, resource: str | None) -> None:
    """Add the files of a folder and the folders in it, ordered by name. Raises SourceError."""
    found = 0
    for path in _files_under(folder):
        if path.name.lower().removesuffix(".gz").endswith(SUFFIXES):
            selection.sources.append(FileSource(path, resource))
            found += 1
        else:
            selection.skipped.append(path)
    if not found:
        raise SourceMissingError(
            f"{folder}: there is no file to import in this folder; looked for {', '.join(SUFFIXES)}, each also with .gz"
        )


def _files_under(folder: Path) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        raise _unreadable(str(error.filename), error)

    for parent, folders, files in os.walk(folder, onerror=refuse):
        folders.sort()
        for name in sorted(files):
            yield Path(parent, name)


def _read(name: str, reader: CountingReader, skipped: Counter[str], resource: str | None) -> Iterator[Batch]:
    """Yield the records of a stream, and the fault that ends it if there is one. Raises OSError."""
    splitter: Splitter | None = None
    blocks = read_blocks(reader, expect_gzip=name.lower().endswith(".gz"))
    try:
        splitter, blocks = open_splitter(blocks, name, skipped, resource)
        for block in blocks:
            batch = splitter.feed(block)
            if batch:
                yield batch
                last = batch[-1]
                if isinstance(last, SourceFault) and last.final:
                    return
    except StreamBrokenError as broken:
        yield [SourceFault(name, splitter.line if splitter else 0, str(broken), final=True)]
    else:
        if batch := splitter.finish():
            yield batch


def _unreadable(name: str, error: OSError) -> SourceMissingError | SourceUnreadableError:
    """Return the error for an error of the operating system, in plain words."""
    if isinstance(error, FileNotFoundError):
        return SourceMissingError(f"{name}: there is no such file or folder")
    if isinstance(error, PermissionError):
        return SourceUnreadableError(f"{name}: you have no permission to read this")
    return SourceUnreadableError(f"{name}: this cannot be read: {error.strerror or type(error).__name__}")
