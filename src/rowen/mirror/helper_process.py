"""A process that reads and joins beside the one that writes: see `helper.py`.

Owns the messages between the two processes, and what this one does with them. Must not know why something is read or
joined, or where it goes.

The process reads requests from its standard input and writes replies to its standard output; each is a length in 4
bytes and MessagePack. The first message says which database, organization and account it is about. The process logs to
standard error.
"""

import asyncio
import gc
import os
import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from select import poll
from threading import Lock, Thread
from time import time_ns
from typing import Any, BinaryIO, Final

import httpx
import msgspec

from rowen import logs
from rowen.app.interviews import InterviewRow
from rowen.app.mirror import MirroredRow, Position
from rowen.app.records import RecordRow
from rowen.imports.errors import ServerRefusedError, ServerResponseError, ServerUnavailableError, SourceError
from rowen.imports.sources.retries import RetryPolicy
from rowen.interviews.moments import Instant
from rowen.mirror.account import Account, AccountPolicy
from rowen.mirror.credentials import AccountClient
from rowen.mirror.errors import CursorLostError
from rowen.mirror.joiner import Joined, Joiner
from rowen.mirror.walks import ListParts, Part
from rowen.store.database import locate, open_engine
from rowen.store.mirror.mirrors import MirrorTables
from rowen.store.organizations.organizations import OrganizationTable

ALLOCATIONS: Final = 200_000
"""After how many new objects garbage is collected: joining makes millions, and hardly any are in a cycle."""

_LENGTH: Final = struct.Struct(">I")
_ERRORS: Final = {
    each.__name__: each for each in (CursorLostError, ServerRefusedError, ServerResponseError, ServerUnavailableError)
}


@dataclass(frozen=True, slots=True)
class AccountAccess:
    """How an account is read: its address, a client of it, and the percentage of the rate limit that others keep."""

    base: str
    client_id: str
    secret: str = field(repr=False)
    token_url: str
    user: int | None
    margin: int


@dataclass(frozen=True, slots=True)
class Beginning:
    """The address of a database, which may contain a password, the name of the organization, and its account.

    Without an account the process only joins.
    """

    database: str = field(repr=False)
    organization: str
    access: AccountAccess | None = None


class Join(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Asks for the records of a resource with these ids, joined: for `JoinedReply`."""

    target: str
    identifiers: Sequence[int]


class Read(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Asks for the part of a list after a position, or after the part before: for `PartReply` or `ReadFailure`."""

    position: Position | None


class JoinedReply(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """What was joined, as in `Joined`, but interviews only as they are stored; `none` are those without a v1 form."""

    drafts: list[InterviewRow]
    none: list[int]
    records: dict[int, RecordRow | None]
    left_out: dict[int, str]
    failed: dict[int, str]

    @classmethod
    def of(cls, joined: Joined) -> "JoinedReply":
        """Return what was joined."""
        none = [each for each, made in joined.interviews.items() if made is None]
        return cls(joined.drafts, none, joined.records, joined.left_out, joined.failed)

    def joined(self) -> Joined:
        """Return what was joined; of the interviews only those without a v1 form, and the drafts of the others."""
        return Joined(dict.fromkeys(self.none), self.drafts, self.records, self.left_out, self.failed)


class PartReply(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """A part of a list, as in `Part`, and how many requests were sent since the last reply."""

    rows: list[MirroredRow]
    position: Position
    unusable: int
    fault: str
    requests: int
    throttled: int

    def part(self) -> Part:
        """Return the part."""
        return Part(self.rows, self.position, self.unusable, self.fault)


class ReadFailure(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Why a list cannot be read further, and how many requests were sent since the last reply."""

    name: str
    message: str
    retry_after: float | None
    requests: int
    throttled: int

    def error(self) -> SourceError:
        """Return the error that the reading ended with."""
        if self.name == ServerUnavailableError.__name__:
            return ServerUnavailableError(self.message, self.retry_after)
        return _ERRORS[self.name](self.message)


class Retry(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Announces that a request is sent again after some seconds, and why. It comes before any reply."""

    reason: str
    seconds: float


Reply = JoinedReply | PartReply | ReadFailure


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


class _PartReader:
    """Reads the lists of an account part by part, the next one ahead."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._parts: ListParts | None = None
        self._counted = (0, 0)

    def reply(self, position: Position | None) -> PartReply | ReadFailure:
        """Return the part after a position, or after the last part, or why there is none."""
        if position is not None:
            self.close()
            self._parts = ListParts(self._account, position, _now)
        if self._parts is None:
            raise EOFError
        try:
            part = next(self._parts)
        except tuple(_ERRORS.values()) as error:
            after = getattr(error, "retry_after", None)
            name = next(each for each, kind in _ERRORS.items() if isinstance(error, kind))
            return ReadFailure(name, str(error), after, *self._counts())
        return PartReply(*part, *self._counts())

    def close(self) -> None:
        """Read no further."""
        if self._parts is not None:
            self._parts.close()

    def _counts(self) -> tuple[int, int]:
        """Return how many requests were sent since the last reply, and how many of them were too many."""
        (requests, throttled), statistics = self._counted, self._account.statistics
        self._counted = statistics.requests, statistics.throttled
        return self._counted[0] - requests, self._counted[1] - throttled


async def serve(source: BinaryIO, target: BinaryIO) -> None:
    """Reply to requests until the source ends."""
    begun = msgspec.msgpack.decode(receive(source), type=Beginning)
    sending = Lock()

    def reply(message: Reply | Retry) -> None:
        with sending:  # retries are announced by the thread that requests pages
            send(target, message)

    engine = open_engine(locate(begun.database))
    account = None if begun.access is None else _account(begun.access, lambda *retry: reply(Retry(*retry)))
    try:
        organization = await OrganizationTable(engine).find(begun.organization)
        if organization is None:
            return
        joiner = Joiner(MirrorTables(engine), organization)
        reader = None if account is None else _PartReader(account)
        while True:
            asked = msgspec.msgpack.decode(receive(source), type=Join | Read)
            if isinstance(asked, Join):
                reply(JoinedReply.of(await joiner.join(asked.target, asked.identifiers)))
            elif reader is not None:
                reply(reader.reply(asked.position))
    except EOFError:  # nobody asks any more
        return
    finally:
        if account is not None:
            account.close()
        await engine.close()


def _account(access: AccountAccess, on_retry: Any) -> Account:
    client = AccountClient(access.client_id, access.secret, httpx.URL(access.token_url), access.user)
    return Account(
        httpx.URL(access.base), client, AccountPolicy(retries=RetryPolicy(on_retry=on_retry), margin=access.margin)
    )


def _now() -> Instant:
    return Instant(time_ns() // 1_000_000)


def _end_with(source: int) -> None:
    """End when nobody can ask any more, also while the account is waited for: somebody else may read it by then."""
    watched = poll()
    watched.register(source, 0)  # its end is always reported
    watched.poll()
    os._exit(0)


def main() -> None:
    """Serve the process that started this one."""
    # With PYTHONUNBUFFERED, a signal may cut off what is written to the buffer of `sys.stdout`.
    target = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever else is printed is no reply
    logs.configure()
    Thread(target=_end_with, args=(sys.stdin.fileno(),), daemon=True).start()
    gc.freeze()
    gc.set_threshold(ALLOCATIONS)
    asyncio.run(serve(sys.stdin.buffer, target))


if __name__ == "__main__":
    main()
