"""The ASGI application, assembled.

Owns the routes and what happens at start and stop. Must not know settings or the store: `server_wiring.py` does.
"""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Protocol

import structlog
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from rowen.api.declarations import Operation
from rowen.api.generations import Generation
from rowen.api.operations import OPERATIONS
from rowen.http import metrics
from rowen.http.edge import Edge, EdgePolicy
from rowen.http.endpoint import ApiContext, Endpoint, Gate, identify
from rowen.http.mirror_metrics import MirrorCollector
from rowen.http.mirror_webhooks import MirrorWebhookEndpoint
from rowen.http.pages import pages
from rowen.http.responses import context_of
from rowen.http.shutdown import on_sigterm, unblock_sigterm_once_serving
from rowen.http.token_endpoint import TokenEndpoint
from rowen.interviews.errors import Code, Refusal

_BEAT_SECONDS: Final = 1
_RESTART_SECONDS: Final = 1
_AUTHENTICATED: Final = ("/v1/", "/v2/")
_V3: Final = "/v3/"
_WITH_SLASH: Final = ("/", "/docs/", "/docs/api/")

_log = structlog.stdlib.get_logger("rowen.http")


@dataclass(frozen=True, slots=True)
class ProcessHooks:
    """The hooks of a process into its application.

    `ready` raises Unavailable while the store does not respond, and so does `mirrors`, which measures the mirrors.
    `close` is called after the last request, `beat` about once a second while the event loop runs. `background` are
    tasks that never end.
    """

    ready: Callable[[], Awaitable[None]]
    mirrors: Callable[[], Awaitable[MirrorCollector]]
    close: Callable[[], Awaitable[None]]
    beat: Callable[[], None]
    background: Sequence[Callable[[], Awaitable[None]]] = ()


class _Routed(Protocol):
    """An application with the path that it is for."""

    @property
    def path(self) -> str: ...
    async def __call__(self, scope: Scope, receive: Receive, send: Send, /) -> None: ...


class PagesForPeople(Protocol):
    """The pages that people see in a browser, in another package."""

    @property
    def routes(self) -> Sequence[_Routed]:
        """The pages, except for those at paths that programs use, too."""
        ...

    def in_front(self, path: str, otherwise: ASGIApp, /) -> ASGIApp:
        """Return the application of a path that programs get from `otherwise`, and browsers perhaps from a page."""
        ...

    def missing(self, otherwise: ASGIApp, /) -> ASGIApp:
        """Return the application of paths that nothing has, which programs get from `otherwise`."""
        ...


@dataclass(frozen=True, slots=True)
class Beside:
    """What is served beside the API: endpoints that are no operations, public metrics or not, and pages for people."""

    endpoints: Sequence[TokenEndpoint | MirrorWebhookEndpoint]
    public_metrics: bool
    site: PagesForPeople | None


def application(api: ApiContext, policy: EdgePolicy, process: ProcessHooks, beside: Beside) -> ASGIApp:
    """Return the whole application."""
    by_path: dict[str, dict[str, Operation]] = {}
    for operation in OPERATIONS:  # the busiest first: the router tries one after the other
        by_path.setdefault(operation.path, {})[operation.method] = operation
    endpoints = {path: Endpoint(api, operations) for path, operations in by_path.items()}
    room, site = api.connections.room, beside.site
    machine = pages(
        process.ready, room, process.mirrors, public_url=api.public_url, public_metrics=beside.public_metrics
    )
    applications: list[tuple[str, ASGIApp]] = [
        *endpoints.items(),
        *((each.path, each) for each in (*machine, *beside.endpoints, *(site.routes if site is not None else ()))),
    ]
    routes = [Route(path, each if site is None else site.in_front(path, each)) for path, each in applications]
    unrouted: ASGIApp = _Unrouted(api.gates)
    if site is not None:
        unrouted = site.missing(unrouted)

    @asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[None]:
        background_tasks = [unblock_sigterm_once_serving(), _beat(process.beat), *map(_supervised, process.background)]
        tasks = [asyncio.create_task(each) for each in background_tasks]
        gc.freeze()  # code is never garbage: each full collection would look at it, and all requests wait meanwhile
        with on_sigterm(api.streams.stop):
            yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await process.close()

    router = Router(routes, redirect_slashes=False, default=unrouted, lifespan=lifespan)
    return Edge(_WithoutTrailingSlash(_Shortcut(endpoints, router)), policy, api.connections, metrics.observe)


async def _beat(beat: Callable[[], None]) -> None:
    while True:
        beat()
        await asyncio.sleep(_BEAT_SECONDS)


async def _supervised(task: Callable[[], Awaitable[None]]) -> None:
    """Run a background task that never ends, and restart it a second after it failed."""
    while True:
        try:
            await task()
        except Exception:  # the server keeps serving whatever fails in the background
            _log.exception("background work failed")
        await asyncio.sleep(_RESTART_SECONDS)


class _Unrouted:
    """Answers paths that nothing has: Harvest v1 and v2 authenticate before they route, v3 does not.

    See contract sections 3 and 11.
    """

    def __init__(self, gates: Mapping[Generation, Gate]) -> None:
        self._gates = gates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  (ASGI's shape)
        if f"{scope['path']}/".startswith(_AUTHENTICATED):
            await identify(self._gates[Generation.V1], scope)
        elif f"{scope['path']}/".startswith(_V3):
            context = context_of(scope)
            context.generation = Generation.V3
            context.rate = self._gates[Generation.V3].limiter.initial()
        raise Refusal(Code.NOT_FOUND)


class _Shortcut:
    """Finds the endpoint of a path that is constant, or ends with an id, without the router's regular expressions.

    That saves 2.5 µs of a request's 20; the router handles all other paths.
    """

    def __init__(self, endpoints: Mapping[str, ASGIApp], router: ASGIApp) -> None:
        self._router = router
        self._fixed = {path: each for path, each in endpoints.items() if "{" not in path}
        self._by_id = {
            path.removesuffix("/{id}"): each
            for path, each in endpoints.items()
            if path.endswith("/{id}") and path.count("{") == 1
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path: str = scope["path"]
            endpoint = self._fixed.get(path)
            parameters: dict[str, str] = {}
            if endpoint is None:
                head, _, last = path.rpartition("/")
                endpoint = self._by_id.get(head) if last else None
                parameters["id"] = last
            if endpoint is not None:
                scope["path_params"] = parameters
                await endpoint(scope, receive, send)
                return
        await self._router(scope, receive, send)


class _WithoutTrailingSlash:
    """Treats `/v1/scheduled_interviews/` as `/v1/scheduled_interviews`, as the live service does.

    `/docs/` and `/docs/api/` stay as they are: browsers resolve relative addresses against the path they requested.
    """

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].endswith("/") and scope["path"] not in _WITH_SLASH:
            scope["path"] = scope["path"].rstrip("/") or "/"
        await self._inner(scope, receive, send)
