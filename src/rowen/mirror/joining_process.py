"""Joining records in a process of its own: see `joining.py`.

Owns the messages between the two processes, and what this one does with them. Must not know why records are joined.

The process reads requests from its standard input and writes results to its standard output; each is a length in 4
bytes and MessagePack. The first message says which database and organization it is about. The process logs to standard
error.
"""

import asyncio
import gc
import os
import struct
import sys
from collections.abc import Sequence
from typing import Any, BinaryIO, Final, NamedTuple

import msgspec

from rowen import logs
from rowen.app.interviews import InterviewRow
from rowen.app.records import RecordRow
from rowen.mirror.joiner import Joined, Joiner
from rowen.store.database import locate, open_engine
from rowen.store.mirror.mirrors import MirrorTables
from rowen.store.organizations.organizations import OrganizationTable

ALLOCATIONS: Final = 200_000
"""After how many new objects garbage is collected: joining makes millions, and hardly any are in a cycle."""

_LENGTH: Final = struct.Struct(">I")


class Beginning(NamedTuple):
    """The address of a database, which may contain a password, and the name of the organization."""

    database: str
    organization: str


class Request(NamedTuple):
    """The records to join: their resource, and their ids."""

    target: str
    identifiers: Sequence[int]


class Result(msgspec.Struct, frozen=True, array_like=True):
    """What was joined, as in `Joined`, but interviews only as they are stored; `none` are those without a v1 form."""

    drafts: list[InterviewRow]
    none: list[int]
    records: dict[int, RecordRow | None]
    left_out: dict[int, str]
    failed: dict[int, str]

    @classmethod
    def of(cls, joined: Joined) -> "Result":
        """Return what was joined."""
        none = [each for each, made in joined.interviews.items() if made is None]
        return cls(joined.drafts, none, joined.records, joined.left_out, joined.failed)

    def joined(self) -> Joined:
        """Return what was joined; of the interviews only those without a v1 form, and the drafts of the others."""
        return Joined(dict.fromkeys(self.none), self.drafts, self.records, self.left_out, self.failed)


def send(target: BinaryIO, message: Any) -> None:
    """Write a message. Raises OSError if the other process has ended."""
    content = msgspec.msgpack.encode(message)
    target.write(_LENGTH.pack(len(content)))
    target.write(content)
    target.flush()


def receive(source: BinaryIO) -> bytes:
    """Read a message, to be decoded. Raises EOFError if the other process has ended."""
    prefix = source.read(_LENGTH.size)
    size = _LENGTH.unpack(prefix)[0] if len(prefix) == _LENGTH.size else -1
    content = source.read(max(size, 0))
    if len(content) != size:
        raise EOFError
    return content


async def serve(source: BinaryIO, target: BinaryIO) -> None:
    """Answer requests until the source ends."""
    begun = msgspec.msgpack.decode(receive(source), type=Beginning)
    engine = open_engine(locate(begun.database))
    try:
        organization = await OrganizationTable(engine).find(begun.organization)
        if organization is None:
            return
        joiner = Joiner(MirrorTables(engine), organization)
        while True:
            asked = msgspec.msgpack.decode(receive(source), type=Request)
            send(target, Result.of(await joiner.join(asked.target, asked.identifiers)))
    except EOFError:  # nobody asks any more
        return
    finally:
        await engine.close()


def main() -> None:
    """Serve the process that started this one."""
    # With PYTHONUNBUFFERED, a signal may cut off what is written to the buffer of `sys.stdout`.
    target = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever else is printed is no result
    logs.configure()
    gc.freeze()
    gc.set_threshold(ALLOCATIONS)
    asyncio.run(serve(sys.stdin.buffer, target))


if __name__ == "__main__":
    main()
