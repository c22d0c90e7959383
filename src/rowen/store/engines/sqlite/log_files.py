"""The `-wal` and `-shm` files of a SQLite database on disk (sqlite.org/walformat.html).

Owns their layout, and the locks of SQLite's Unix layer on them. Must not know how a lost file is handled.
"""

import fcntl
import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from mmap import ACCESS_READ, mmap
from pathlib import Path
from time import sleep, time_ns
from typing import ClassVar, Final, NamedTuple

INDEX_HEADER: Final = 48
"""The first copy of the index's header: counters and checksums that every commit changes (walformat, section 2.1)."""

_LOG_HEADER: Final = 32
_FRAME_HEADER: Final = 24
_SALTS: Final = 8
_SALTS_OFFSET: Final = 16
_INDEX: Final = struct.Struct("=14x H I 4x I I 8s 56x I 36x")  # two copies of the header; the progress of a checkpoint
_INDEX_BYTES: Final = _INDEX.size
_LOOKS: Final = 20  # a process that opens a database has it open some microseconds before its index
_PAUSE: Final = 0.001
_TICK: Final = 1_000_000_000  # nanoseconds; far more than the clock resolution of any file system

# Bytes of the files that SQLite's Unix layer locks (os_unix.c).
_OPEN_INDEX: Final = 128  # held shared by every process that has the index open
SHARED_FIRST, SHARED_SIZE = 0x40000002, 510


_maps: Final[dict[tuple[int, int], mmap]] = {}
"""Every map ever made, by its file. None may be closed: POSIX would release SQLite's locks along with the descriptor.
"""


class Index(NamedTuple):
    """The content of the index: the log's frames, how many of them are in the database, and the seal of the last one.

    The seal ends the header of a frame: the salts of the log, and the checksum of all its frames so far.
    """

    frames: int
    checkpointed: int
    page_bytes: int
    seal: bytes

    @property
    def size(self) -> int:
        """The smallest size of a log that holds all frames, in bytes."""
        return _LOG_HEADER + self.frames * (_FRAME_HEADER + self.page_bytes) if self.frames else 0

    @property
    def salts(self) -> bytes:
        """The salts of the log, which change whenever the log is restarted."""
        return self.seal[:_SALTS]


class Descriptor:
    """An open file, closed along with its last reference: another thread may be using it."""

    numbers: ClassVar[set[int]] = set()
    """All that are open: an exception may refer to one for a long time."""

    def __init__(self, path: str) -> None:
        self.number = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self.numbers.add(self.number)

    def __del__(self) -> None:
        if hasattr(self, "number"):
            self.numbers.discard(self.number)
            os.close(self.number)  # SQLite locks the index and the database, not the log


class Mark(NamedTuple):
    """Bytes that stay in their place in a log while it has the same salts, with which they begin."""

    offset: int
    content: bytes

    def is_in(self, log: Descriptor) -> bool:
        """Return whether a log still contains it."""
        return os.pread(log.number, len(self.content), self.offset) == self.content


def header_mark(index: Index) -> Mark:
    """Return the mark for the header of a log."""
    return Mark(_SALTS_OFFSET, index.salts)


def last_mark(index: Index, log: Descriptor) -> Mark | None:
    """Return the mark for the last frame, from its seal to its end, or None if it is not in the log."""
    length = len(index.seal) + index.page_bytes
    found = Mark(index.size - length, os.pread(log.number, length, index.size - length))
    return found if len(found.content) == length and found.content.startswith(index.seal) else None


class Files(NamedTuple):
    """The files of the log in use, replaced as a whole."""

    log: Descriptor
    log_identity: tuple[int, int]
    index_identity: tuple[int, int]
    shared: mmap

    @property
    def size(self) -> int:
        """Return the size of the log in bytes."""
        return os.fstat(self.log.number).st_size


class Folder(NamedTuple):
    """A folder, and when a name in it was last added, removed or changed (Unix time in nanoseconds)."""

    device: int
    inode: int
    changed_at: int

    def is_settled(self) -> bool:
        """Return whether another change would show: the clock of file systems ticks only every few milliseconds."""
        return time_ns() - self.changed_at > _TICK


def whole_mark(log: Descriptor, index: Index, known: Mark) -> Mark | None:
    """Return the last frame if the log has it, and the one that was last in the previous check; None if it lacks one.

    Commits between two checks are written after the end that the index names: if the log was cut short meanwhile, the
    frames before are a hole.
    """
    last = last_mark(index, log)
    before = known if known.content.startswith(index.salts) else header_mark(index)
    return last if last is not None and (before == last or before.is_in(log)) else None


def state_of_folder(path: str) -> Folder | None:
    """Return the state of a folder, or None if it does not exist or `path` is empty."""
    try:
        found = os.stat(path)  # noqa: PTH116  (half as dear as through the path)
    except OSError:
        return None
    return Folder(found.st_dev, found.st_ino, found.st_mtime_ns)


def identity(path: Path | str) -> tuple[int, int] | None:
    """Return the device and inode of a file, or None if it does not exist."""
    try:
        found = os.stat(path)  # noqa: PTH116  (half as dear as through the path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def identity_of(descriptor: int) -> tuple[int, int]:
    """Return the device and inode of an open file."""
    found = os.fstat(descriptor)
    return found.st_dev, found.st_ino


def mapped(path: str) -> tuple[tuple[int, int], mmap]:
    """Map the index that SQLite's processes share. Raises OSError, and ValueError if it is too short."""
    found = identity(path)
    if found is not None and found in _maps:
        return found, _maps[found]
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    found = identity_of(descriptor)
    if found not in _maps:
        _maps[found] = mmap(descriptor, _INDEX_BYTES, access=ACCESS_READ)
    return found, _maps[found]


def opened() -> dict[tuple[int, int], str]:
    """Return the files that this process has open, with their paths now (on Linux; none elsewhere).

    Our own descriptors of logs are left out.
    """
    found = {}
    with suppress(OSError), os.scandir("/proc/self/fd") as descriptors:
        for each in descriptors:
            with suppress(OSError):  # closed meanwhile
                if (number := int(each.name)) not in Descriptor.numbers:
                    found[identity_of(number)] = os.readlink(each.path)  # noqa: PTH115  (a path a descriptor is slow)
    return found


def has_removed(files: dict[tuple[int, int], str], path: str) -> bool:
    """Return whether any of such open files was at a path and is removed; maps of earlier indexes are kept for good."""
    return any(each == f"{path} (deleted)" and file not in _maps for file, each in files.items())


def read_index(index: mmap) -> Index | None:
    """Return the content of the index, or None while it is being written."""
    read = index[:_INDEX_BYTES]
    if read[:INDEX_HEADER] != read[INDEX_HEADER : 2 * INDEX_HEADER]:
        return None
    page, frames, first, second, salts, checkpointed = _INDEX.unpack(read)
    seal = salts + first.to_bytes(4, "big") + second.to_bytes(4, "big")
    return Index(frames, checkpointed, (page & 0xFE00) + ((page & 1) << 16), seal)


def has_short_log(database: str) -> bool:
    """Return whether the index at its path refers to frames that the log at its path does not have."""
    with suppress(OSError, ValueError):
        index = read_index(mapped(f"{database}-shm")[1])
        return index is not None and Path(f"{database}-wal").stat().st_size < index.size
    return False


def is_open_elsewhere(index: str) -> bool:
    """Return whether a process has opened this index, which is not this process's own."""
    try:
        descriptor = os.open(index, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        lock_bytes(descriptor, _OPEN_INDEX, 1, fcntl.F_WRLCK)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def users_of_lost_files(database: Path) -> list[int]:
    """Return the ids of other processes that use a database with an index that is no longer at its path.

    Their commits may be only in their log. Known from the locks that SQLite holds, on Linux; none elsewhere.
    """
    for _ in range(_LOOKS):
        if not (found := _users_of_lost_files(os.path.realpath(database))):
            break
        sleep(_PAUSE)
    return sorted(found)


def _users_of_lost_files(database: str) -> set[int]:
    file, index = identity(database), identity(f"{database}-shm")
    users: set[int] = set()
    with_index: set[int] = set()
    with_other_index: set[int] = set()
    for holder, locked, first, last in _locks():
        if locked == file and first <= SHARED_FIRST <= last:
            users.add(holder)
        elif first <= _OPEN_INDEX <= last:
            (with_index if locked == index else with_other_index).add(holder)
    return (users & with_other_index) - with_index - {os.getpid()}


def _locks() -> Iterator[tuple[int, tuple[int, int], int, int]]:
    """Yield the locks of all processes: the process, the file, and the first and last byte (proc_locks(5))."""
    try:
        lines = Path("/proc/locks").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        match line.split():
            case [_, "POSIX", _, _, holder, file, first, last] if last != "EOF":
                major, minor, inode = file.split(":")
                yield int(holder), (os.makedev(int(major, 16), int(minor, 16)), int(inode)), int(first), int(last)


def lock_bytes(descriptor: int, start: int, size: int, kind: int = fcntl.F_RDLCK) -> None:
    """Lock bytes of a file for a descriptor. Raises BlockingIOError if another one has locked them."""
    if not hasattr(fcntl, "F_OFD_SETLK"):  # not on Linux: the lock belongs to the process, and excludes other processes
        fcntl.lockf(
            descriptor, (fcntl.LOCK_SH if kind == fcntl.F_RDLCK else fcntl.LOCK_EX) | fcntl.LOCK_NB, size, start
        )
        return
    request = struct.pack("hhqqi4x", kind, os.SEEK_SET, start, size, 0)
    fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, request)
