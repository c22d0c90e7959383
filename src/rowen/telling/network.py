"""How receivers are reached: names resolved, addresses judged, and no other address connected to.

Owns name resolution and the opening of connections. Must not know what is sent. The address that was judged is the
one that is connected to: a name that means something else a moment later changes nothing. TLS keeps the name.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from threading import Thread
from typing import Final

import httpcore
from httpcore import AsyncNetworkBackend, AsyncNetworkStream

from rowen.telling.addresses import Address, Allowed, is_local_name, is_public, read_address

Resolve = Callable[[str], Awaitable[Sequence[Address]]]
"""Returns the addresses of a host name, best first. Raises OSError where it has none."""

_MOST_ADDRESSES: Final = 4
_CONNECT_SECONDS: Final = 4.0  # for one address: so that all are tried within the time of a whole try


class ForbiddenAddress(Exception):  # noqa: N818  (a refusal, not a fault)
    """A host that nothing may be sent to, or whose addresses are not all public."""


class Resolver:
    """Asks the system for the addresses of names, on threads of its own.

    Not on those of the event loop: they are few, and names whose servers do not answer would hold them all. A name
    that is being looked up is not looked up again meanwhile.
    """

    def __init__(self) -> None:
        self._asked: dict[str, asyncio.Future[Sequence[Address]]] = {}

    async def __call__(self, host: str) -> Sequence[Address]:
        """Return the addresses of a host name. Raises OSError where it has none."""
        asked = self._asked.get(host)
        if asked is None:
            loop = asyncio.get_running_loop()
            asked = self._asked[host] = loop.create_future()
            asked.add_done_callback(partial(self._forget, host))
            Thread(target=_look_up, args=(host, asked, loop), name="rowen-resolve", daemon=True).start()
        return await asyncio.shield(asked)

    def _forget(self, host: str, asked: asyncio.Future[Sequence[Address]]) -> None:
        del self._asked[host]
        asked.exception()  # has been seen: whoever asked may have gone


def _look_up(host: str, asked: asyncio.Future[Sequence[Address]], loop: asyncio.AbstractEventLoop) -> None:
    try:
        infos = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        answer = partial(asked.set_exception, OSError(str(error)))
    else:
        found = [read_address(str(info[4][0])) for info in infos]
        answer = partial(asked.set_result, [address for address in found if address is not None])
    with suppress(RuntimeError):  # the loop has ended meanwhile, and nobody waits any more
        loop.call_soon_threadsafe(answer)


async def permitted_addresses(host: str, allowed: Allowed, resolve: Resolve) -> Sequence[Address]:
    """Return the addresses to connect to, best first.

    Raises ForbiddenAddress where one of them is not public and the operator does not allow the host by name, and
    OSError where there is none.
    """
    if host not in allowed and is_local_name(host):
        raise ForbiddenAddress(host)
    literal = read_address(host)
    addresses = await resolve(host) if literal is None else [literal]
    if not addresses:
        raise OSError("the host has no address")
    if host not in allowed and not all(map(is_public, addresses)):
        raise ForbiddenAddress(host)
    return addresses


class GuardedBackend(AsyncNetworkBackend):
    """Opens connections for `httpcore`, to permitted addresses only."""

    def __init__(self, allowed: Allowed, resolve: Resolve) -> None:
        self._allowed = allowed
        self._resolve = resolve
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> AsyncNetworkStream:
        """Connect to the first permitted address that answers."""
        addresses = await permitted_addresses(host, self._allowed, self._resolve)
        seconds = _CONNECT_SECONDS if timeout is None else min(timeout, _CONNECT_SECONDS)
        failure: httpcore.NetworkError | httpcore.TimeoutException | None = None
        for address in addresses[:_MOST_ADDRESSES]:
            try:
                return await self._inner.connect_tcp(str(address), port, seconds, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore.ConnectError("no address")

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ARG002  (httpcore's shape)
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002  (httpcore's shape)
    ) -> AsyncNetworkStream:
        """Refuse: receivers are on the network."""
        raise ForbiddenAddress(path)

    async def sleep(self, seconds: float) -> None:
        """Sleep."""
        await self._inner.sleep(seconds)
