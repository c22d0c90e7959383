"""The ASGI application, put together.

Owns the routes and what happens at start and stop. Must not know how its parts are made.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

import structlog
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from rowen.harvest.operations import OPERATIONS, Operation
from rowen.http import metrics
from rowen.http.edge import Edge, EdgePolicy
from rowen.http.endpoint import Endpoint, Gate
from rowen.http.pages import pages
from rowen.interviews.errors import Code, Refusal

_FLUSH_SECONDS: Final = 30
_RESTART_SECONDS: Final = 1
_SETTLING_ROUNDS: Final = 16

_log = structlog.stdlib.get_logger("rowen.http")


def application(
    gate: Gate,
    policy: EdgePolicy,
    *,
    ready: Callable[[], Awaitable[None]],
    close: Callable[[], Awaitable[None]],
    public_metrics: bool,
    background: Sequence[Callable[[], Awaitable[None]]] = (),
) -> ASGIApp:
    """Return the whole application; `close` is called once the last request has been answered."""
    by_path: dict[str, dict[str, Operation]] = {}
    for operation in OPERATIONS:  # the busiest first: the router asks one after the other
        by_path.setdefault(operation.path, {})[operation.method] = operation
    routes = [Route(path, Endpoint(gate, operations)) for path, operations in by_path.items()]
    routes += [
        Route(page.path, page) for page in pages(ready, public_url=gate.public_url, public_metrics=public_metrics)
    ]

    @asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[None]:
        errands = [_let_stops_through(), _flush_now_and_then(gate), *map(_kept, background)]
        tasks = [asyncio.create_task(errand) for errand in errands]
        with gate.streams.ended_by(signal.SIGTERM):
            yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await gate.authentication.flush()
        await close()

    router = Router(routes, redirect_slashes=False, default=_not_found, lifespan=lifespan)
    return Edge(_WithoutTrailingSlash(router), policy, metrics.observe)


async def _let_stops_through() -> None:
    """Receive SIGTERM, which whoever starts a worker holds back until now.

    Granian runs the loop once for the start, and then for good: a signal between the two is lost to uvloop. The first
    run is over some rounds after the start, whatever time they take.
    """
    for _ in range(_SETTLING_ROUNDS):
        await asyncio.sleep(0)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


async def _flush_now_and_then(gate: Gate) -> None:
    while True:
        await asyncio.sleep(_FLUSH_SECONDS)
        await gate.authentication.flush()


async def _kept(work: Callable[[], Awaitable[None]]) -> None:
    """Run work that never ends; where it fails all the same, the log says why, and it begins anew."""
    while True:
        try:
            await work()
        except Exception:  # the server goes on answering whatever becomes of its errands
            _log.exception("background work failed")
        await asyncio.sleep(_RESTART_SECONDS)


async def _not_found(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001  (ASGI's shape)
    raise Refusal(Code.NOT_FOUND)


class _WithoutTrailingSlash:
    """Takes `/v1/scheduled_interviews/` for `/v1/scheduled_interviews`, as the live service does."""

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].endswith("/") and scope["path"] != "/":
            scope["path"] = scope["path"].rstrip("/") or "/"
        await self._inner(scope, receive, send)
