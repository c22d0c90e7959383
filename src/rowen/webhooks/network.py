"""How receivers are reached: names are resolved, addresses checked, and only checked addresses connected to.

Owns name resolution, and which addresses are connected to. Must not know what is sent. The address that was checked is
the one that is connected to, so that a name that resolves differently a moment later changes nothing. TLS still
verifies the name.
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

from rowen.webhooks.addresses import Address, AllowedHosts, is_local_name, is_public, read_address
from rowen.webhooks.connections import WEBHOOK_LIMITS, ExchangeLimits, ReceiverConnection

Resolve = Callable[[str], Awaitable[Sequence[Address]]]
"""Returns the addresses of a host name, best first. Raises OSError if it has none."""

MOST_LOOKUPS: Final = 256
"""How many host names one process looks up at a time: each takes a thread until its name server responds."""

_MOST_ADDRESSES: Final = 4
_CONNECT_SECONDS: Final = 4.0  # for one address, so that all can be tried within the time of one attempt


class ForbiddenAddressError(Exception):
    """A host that nothing may be sent to, or whose addresses are not all public."""


class Resolver:
    """Asks the system for the addresses of names, on threads of its own.

    The event loop's threads are few, and names whose servers do not respond would occupy all of them. Concurrent
    lookups of one name share one result.
    """

    def __init__(self, most: int = MOST_LOOKUPS) -> None:
        self._running: dict[str, asyncio.Future[Sequence[Address]]] = {}
        self._free = asyncio.Semaphore(most)

    async def __call__(self, host: str) -> Sequence[Address]:
        """Return the addresses of a host name. Raises OSError if it has none."""
        if host not in self._running:
            await self._free.acquire()
            if host in self._running:  # another call began while this one waited
                self._free.release()
            else:
                self._begin(host)
        addresses = self._running[host]
        # It goes on if this caller is cancelled. asyncio.shield would log its exception then, from Python 3.14 on.
        await asyncio.wait((addresses,))
        return addresses.result()

    def _begin(self, host: str) -> None:
        loop = asyncio.get_running_loop()
        addresses = self._running[host] = loop.create_future()
        addresses.add_done_callback(partial(self._forget, host))
        Thread(target=_look_up, args=(host, addresses, loop), name="rowen-resolve", daemon=True).start()

    def _forget(self, host: str, addresses: asyncio.Future[Sequence[Address]]) -> None:
        del self._running[host]
        self._free.release()
        addresses.exception()  # marks the exception as retrieved: the callers may have been cancelled


def _look_up(host: str, addresses: asyncio.Future[Sequence[Address]], loop: asyncio.AbstractEventLoop) -> None:
    try:
        infos = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        settle = partial(addresses.set_exception, OSError(str(error)))
    else:
        found = [read_address(str(info[4][0])) for info in infos]
        settle = partial(addresses.set_result, [address for address in found if address is not None])
    with suppress(RuntimeError):  # the loop has ended meanwhile
        loop.call_soon_threadsafe(settle)


async def permitted_addresses(host: str, allowed: AllowedHosts, resolve: Resolve) -> Sequence[Address]:
    """Return the addresses to connect to, best first.

    Raises ForbiddenAddressError if one of them is not public and the operator does not allow the host by name, and
    OSError if there is none.
    """
    if host not in allowed and is_local_name(host):
        raise ForbiddenAddressError(host)
    literal = read_address(host)
    addresses = await resolve(host) if literal is None else [literal]
    if not addresses:
        raise OSError("the host has no address")
    if host not in allowed and not all(map(is_public, addresses)):
        raise ForbiddenAddressError(host)
    return addresses


class GuardedBackend(AsyncNetworkBackend):
    """Opens connections for `httpcore`, to permitted addresses only."""

    def __init__(self, allowed: AllowedHosts, resolve: Resolve, limits: ExchangeLimits = WEBHOOK_LIMITS) -> None:
        self._allowed = allowed
        self._resolve = resolve
        self._limits = limits

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,  # noqa: ARG002  (httpcore's shape)
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002  (httpcore's shape)
    ) -> AsyncNetworkStream:
        """Connect to the first permitted address that answers."""
        addresses = await permitted_addresses(host, self._allowed, self._resolve)
        seconds = _CONNECT_SECONDS if timeout is None else min(timeout, _CONNECT_SECONDS)
        failure: httpcore.NetworkError | httpcore.TimeoutException | None = None
        for address in addresses[:_MOST_ADDRESSES]:
            try:
                return await ReceiverConnection.open(str(address), port, seconds, self._limits)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore.ConnectError("no address")

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ARG002  (httpcore's shape)
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002  (httpcore's shape)
    ) -> AsyncNetworkStream:
        """Raise: receivers are on the network."""
        raise ForbiddenAddressError(path)

    async def sleep(self, seconds: float) -> None:
        """Sleep."""
        await asyncio.sleep(seconds)
