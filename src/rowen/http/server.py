"""Running the HTTP server, Granian: its workers, their limits, and the replacement of workers that hang.

Owns the processes of a server. Must not know what is served: a function that it gets builds the application.
"""

import multiprocessing
import os
import resource
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from time import sleep
from typing import TYPE_CHECKING, Any, Final

import structlog
from granian.constants import HTTPModes, Interfaces, SSLProtocols
from granian.http import HTTP1Settings, HTTP2Settings
from granian.server import Server

from rowen import logs
from rowen.http.certificate_reload import reload_certificate_on_hangup
from rowen.http.connections import ConnectionLimits
from rowen.http.edge import LARGEST_HEADERS
from rowen.http.shutdown import block_sigterm, fork_with_sigterm_blocked
from rowen.http.sockets import SUPPORTED
from rowen.settings import ServerSettings

if TYPE_CHECKING:
    from granian.server.mp import WorkerProcess
    from starlette.types import ASGIApp

STOP_SECONDS: Final = 6
"""Seconds until a worker that was asked to stop is killed: with it a stop takes less than eight seconds."""
HANG_LOOKS: Final = 20
"""Checks, one a second, without a beat of a worker's event loop until the worker is killed and replaced."""

_LOOK_SECONDS: Final = 1.0
_POLL_SECONDS: Final = 0.05
_START_LOOKS: Final = 60  # starting may take longer
_DESCRIPTORS: Final = 512  # for files, databases, webhooks
_FEWEST: Final = 16
_BACKLOG: Final = 4_096
_BUFFER: Final = 64 * 1024  # of an HTTP/1.1 connection: it holds a request head, and data that waits to be written
_READ_WINDOW: Final = 64 * 1024  # of an HTTP/2 stream; a connection has four times that

_log = structlog.stdlib.get_logger("rowen.http")


class Heartbeats:
    """How often the event loop of each worker has run, in memory that workers and their parent share.

    The parent counts its own checks between two beats instead of comparing times: if both were suspended, no worker is
    late.
    """

    def __init__(self, workers: int) -> None:
        self._beats = multiprocessing.Array("L", workers, lock=False)
        self._starts = multiprocessing.Array("L", workers, lock=False)
        self._last = [0] * workers
        self._looks_left = [0] * workers

    def expect(self, worker: int) -> None:
        """Allow a worker more time while it starts."""
        self._looks_left[worker] = _START_LOOKS

    def of(self, worker: int) -> Callable[[], None]:
        """Return a function for the process of a worker to call while its event loop runs."""
        has_started = False

        def beat() -> None:
            nonlocal has_started
            self._starts[worker] += not has_started
            has_started = True
            self._beats[worker] += 1

        return beat

    def starts(self, worker: int) -> int:
        """Return how many processes of a worker have started: a new one beats next to the one that it replaces."""
        return int(self._starts[worker])

    def is_silent(self, worker: int) -> bool:
        """Check a worker: return whether it has not beaten for too many checks in a row."""
        beats = self._beats[worker]
        if beats != self._last[worker]:
            self._last[worker], self._looks_left[worker] = beats, HANG_LOOKS
        self._looks_left[worker] -= 1
        return self._looks_left[worker] < 0


Load = Callable[[Callable[[], None]], "ASGIApp"]
"""Builds the application in a worker, which calls the argument about once a second from its event loop."""


class _SupervisedServer(Server):  # type: ignore[misc,valid-type,unused-ignore]  # chosen by Granian at import
    """Granian, extended to replace workers that hang; on its own it replaces those that end."""

    def __init__(self, heartbeats: Heartbeats, **options: Any) -> None:
        super().__init__(**options)
        self._heartbeats = heartbeats
        self._is_reloading = False

    def _spawn_worker(self, idx: int, target: Any, callback_loader: Any) -> "WorkerProcess":
        self._heartbeats.expect(idx)
        worker: WorkerProcess = super()._spawn_worker(idx, target, partial(callback_loader, idx))
        if self._is_reloading:
            worker.start = partial(self._start, worker, worker.start)  # type: ignore[method-assign,unused-ignore]
        return worker

    def _reload(self, spawn_target: Any, target_loader: Any) -> None:
        self._is_reloading = True
        try:
            super()._reload(spawn_target, target_loader)
        finally:
            self._is_reloading = False

    def _start(self, worker: "WorkerProcess", start: Callable[[], None]) -> None:
        """Start a worker, and return once it runs: each has a listening socket of its own, and the old one stops next.

        Granian would wait for 3.5 seconds, however long the start takes.
        """
        known = self._heartbeats.starts(worker.idx)
        start()
        for _ in range(round(_START_LOOKS * _LOOK_SECONDS / _POLL_SECONDS)):
            if self._heartbeats.starts(worker.idx) != known or not worker.inner.is_alive() or self.interrupt_signal:
                break
            sleep(_POLL_SECONDS)

    def watch(self) -> None:
        """Kill workers that hang, for as long as the server runs."""
        while not self.interrupt_signal:
            sleep(_LOOK_SECONDS)
            for worker in list(self.wrks):
                if worker.is_alive() and self._heartbeats.is_silent(worker.idx):
                    _log.error("worker does not respond: it is replaced", worker=worker.idx + 1)
                    self._heartbeats.expect(worker.idx)
                    worker.inner.kill()  # after worker.kill(), Granian would not replace it


def raise_descriptor_limit(connections: int) -> int:
    """Raise the limit of open files for `connections` connections; return how many the system allows."""
    needed = connections + _DESCRIPTORS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        connections, needed = max(_FEWEST, hard - _DESCRIPTORS), hard
        _log.warning("the limit of open files allows fewer connections", connections=connections, open_files=hard)
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
    return connections


def run(settings: ServerSettings, limits: ConnectionLimits, load: Load) -> None:
    """Serve until the process gets a signal to stop. Requests in progress get up to `STOP_SECONDS` to finish."""
    fork_with_sigterm_blocked()
    heartbeats = Heartbeats(settings.workers)
    with _shared_metrics(settings.workers):
        server = _SupervisedServer(
            heartbeats,
            target="rowen",
            address=settings.host,
            port=settings.port,
            interface=Interfaces.ASGI,
            workers=settings.workers,
            websockets=False,
            http=_protocols(settings),
            http1_settings=HTTP1Settings(header_read_timeout=int(limits.idle_seconds * 1_000), max_buffer_size=_BUFFER),
            http2_settings=HTTP2Settings(
                initial_connection_window_size=4 * _READ_WINDOW,
                initial_stream_window_size=_READ_WINDOW,
                max_concurrent_streams=limits.streams,
                max_headers_size=LARGEST_HEADERS,
                max_send_buffer_size=_BUFFER,
            ),
            backlog=_BACKLOG,
            backpressure=limits.connections,
            respawn_failed_workers=True,
            workers_kill_timeout=STOP_SECONDS,
            ssl_cert=settings.tls_certificate,
            ssl_key=settings.tls_key,
            ssl_protocol_min=SSLProtocols.tls12,
            log_dictconfig={
                "formatters": {},
                "handlers": {},
                "loggers": {"_granian": {"handlers": [], "propagate": True}},
            },
        )
        if settings.tls_certificate is not None and settings.tls_key is not None:
            reload_certificate_on_hangup(server, settings.tls_certificate, settings.tls_key)
        threading.Thread(target=server.watch, name="watch-workers", daemon=True).start()
        server.serve(target_loader=partial(_load, heartbeats, os.getpid(), load), wrap_loader=False)


def _protocols(settings: ServerSettings) -> HTTPModes:
    """Return the protocols: HTTP/2 over TLS, in clear text on request, and only if idle connections can be closed."""
    return HTTPModes.auto if SUPPORTED and (settings.tls_certificate or settings.http2) else HTTPModes.http1


def _load(heartbeats: Heartbeats, parent: int, load: Load, worker: int) -> "ASGIApp":
    """Build the application, in a worker."""
    # A terminal's Ctrl-C reaches the whole group; only the parent decides when its workers stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    block_sigterm()  # it may have been started by other means than a fork
    logs.configure()
    threading.Thread(target=_end_with, args=(parent,), name="watch-parent", daemon=True).start()
    return load(heartbeats.of(worker))


def _end_with(parent: int) -> None:
    """Stop this worker when its parent has ended: nothing else would."""
    while os.getppid() == parent:
        sleep(_LOOK_SECONDS)
    _log.error("the parent process has ended: this worker stops")
    os.kill(os.getpid(), signal.SIGTERM)
    sleep(STOP_SECONDS)
    os._exit(1)


@contextmanager
def _shared_metrics(workers: int) -> Iterator[None]:
    """Let several workers add up their metrics in a folder, as prometheus-client does."""
    if workers == 1:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="rowen-metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        yield
