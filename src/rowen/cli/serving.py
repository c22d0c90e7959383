"""`rowen serve`.

Owns starting a server: its database, its first key, the demo, and Granian. Must not know what is served.
"""

import os
import re
import shutil
import signal
import socket
import tempfile
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from rowen import logs, wiring
from rowen.app.demo import DEMO_KEY, DEMO_ORGANIZATION
from rowen.app.keys import new_key
from rowen.cli.console import run
from rowen.cli.options import WebhookAllow, read_database, read_databases
from rowen.interviews.errors import Code, Refusal
from rowen.settings import DEFAULT_DATABASE, DEFAULT_ORGANIZATION, DEFAULT_RATE_LIMIT, ServerSettings
from rowen.store.database import locate, upgrade

if TYPE_CHECKING:
    from starlette.types import ASGIApp

_PUBLIC_URL = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+(/[A-Za-z0-9._~/\-]*)?")


def _read_public_url(value: str | None) -> str | None:
    if value is not None and _PUBLIC_URL.fullmatch(value) is None:
        raise typer.BadParameter("must look like https://interviews.example.com")
    return value


def _read_rate_limit_store(value: str | None) -> str | None:
    if value is not None:
        from rowen.http.shared_rate_limit import connections  # whoever counts alone does not wait for Redis's client

        try:
            connections(value)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
    return value


def serve(
    database: Annotated[
        str | None,
        typer.Option(
            "--database",
            envvar="ROWEN_DATABASE",
            metavar="URL",
            help="Where the schedule is: sqlite:///FILE or postgresql://USER@HOST/NAME. "
            f"Otherwise {DEFAULT_DATABASE}; for the demo a temporary one.",
            callback=lambda value: value and read_database(value),
        ),
    ] = None,
    replica: Annotated[
        list[str] | None,
        typer.Option(
            envvar="ROWEN_REPLICA",
            metavar="URL",
            help="A PostgreSQL server that follows the one of --database and may be read from, again for each; in the "
            "variable they are separated by spaces.",
            callback=read_databases,
        ),
    ] = None,
    host: Annotated[str, typer.Option(envvar="ROWEN_HOST", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(envvar="ROWEN_PORT", min=1, max=65_535, help="The port to listen on.")] = 8000,
    workers: Annotated[int, typer.Option(envvar="ROWEN_WORKERS", min=1, help="How many processes answer.")] = 1,
    public_url: Annotated[
        str | None,
        typer.Option(
            envvar="ROWEN_PUBLIC_URL",
            metavar="URL",
            help="The address that clients use, for links to other pages. Otherwise that of each request.",
            callback=_read_public_url,
        ),
    ] = None,
    rate_limit: Annotated[
        int,
        typer.Option(
            envvar="ROWEN_RATE_LIMIT",
            min=0,
            max=1_000_000_000,
            help="How many requests a key may make in 10 seconds; 0 for any number.",
        ),
    ] = DEFAULT_RATE_LIMIT,
    rate_limit_store: Annotated[
        str | None,
        typer.Option(
            envvar="ROWEN_RATE_LIMIT_STORE",
            metavar="URL",
            help="A Redis in which all workers and servers count together: redis://HOST:PORT/0. Otherwise each worker "
            "counts for itself.",
            callback=_read_rate_limit_store,
        ),
    ] = None,
    require_https: Annotated[
        bool,
        typer.Option("--require-https", envvar="ROWEN_REQUIRE_HTTPS", help="Refuse plain HTTP from other machines."),
    ] = False,
    tls_certificate: Annotated[
        Path | None,
        typer.Option(envvar="ROWEN_TLS_CERTIFICATE", exists=True, dir_okay=False, help="A certificate chain in PEM."),
    ] = None,
    tls_key: Annotated[
        Path | None,
        typer.Option(envvar="ROWEN_TLS_KEY", exists=True, dir_okay=False, help="Its private key in PEM (PKCS #8)."),
    ] = None,
    access_log: Annotated[
        bool, typer.Option("--access-log", envvar="ROWEN_ACCESS_LOG", help="Log every request.")
    ] = False,
    public_metrics: Annotated[
        bool,
        typer.Option("--public-metrics", envvar="ROWEN_PUBLIC_METRICS", help="Show /metrics to other machines, too."),
    ] = False,
    webhook_allow: WebhookAllow = None,
    demo: Annotated[
        bool,
        typer.Option("--demo", envvar="ROWEN_DEMO", help="Serve a year of an invented team, on this machine only."),
    ] = False,
) -> None:
    """Serve the schedule over HTTP.

    The database is made and brought up to date at the start. Where it has no API key yet, the first one is made and
    printed, once.

    \b
    Examples:
      rowen serve --demo
      rowen serve --database sqlite:////var/lib/rowen/rowen.db --public-url https://interviews.example.com
      rowen serve --host 0.0.0.0 --port 443 --tls-certificate chain.pem --tls-key key.pem
    """
    if (tls_certificate is None) != (tls_key is None):
        raise typer.BadParameter("--tls-certificate and --tls-key go together")
    try:
        locate(database or DEFAULT_DATABASE, replica or ())
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--replica") from error
    if demo and not _is_loopback(host):
        raise typer.BadParameter("the demo's key is public: it listens on 127.0.0.1 only", param_hint="--host")
    settings = ServerSettings(
        database=database or DEFAULT_DATABASE,
        replicas=tuple(replica or ()),
        host=host,
        port=port,
        workers=workers,
        public_url=public_url,
        rate_limit=rate_limit,
        rate_limit_store=rate_limit_store,
        require_https=require_https,
        tls_certificate=tls_certificate,
        tls_key=tls_key,
        access_log=access_log,
        public_metrics=public_metrics,
        demo=demo,
        webhook_allow=tuple(webhook_allow or ()),
    )
    _require_port(host, port)
    with _demo(settings, temporary=database is None) if demo else _first_key(settings) as prepared:
        _serve(prepared)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _require_port(host: str, port: int) -> None:
    """Refuse a port that is taken: Granian would share it, and each server would get some of the requests."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        typer.echo(f"rowen: cannot listen on {host}:{port}: {error.strerror}", err=True)
        raise typer.Exit(1) from error


@contextmanager
def _first_key(settings: ServerSettings) -> Iterator[ServerSettings]:
    """Make ready what is served; where no key opens it yet, make and print one."""
    upgrade(locate(settings.database))
    run(_make_first_key(settings))
    yield settings


@contextmanager
def _demo(settings: ServerSettings, *, temporary: bool) -> Iterator[ServerSettings]:
    """Make ready the demo, in a database that is gone afterwards if it is `temporary`."""
    folder = tempfile.mkdtemp(prefix="rowen-demo-")
    try:
        if temporary:
            settings = replace(settings, database=f"sqlite:///{folder}/demo.db")
        upgrade(locate(settings.database))
        run(_fill_demo(settings))
        typer.echo("This is the demo: an invented team, and the key of the founding document. Try:\n")
        typer.echo(_curl(settings, DEMO_KEY))
        yield settings
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _make_first_key(settings: ServerSettings) -> None:
    async with wiring.opened(locate(settings.database)) as store:
        if await store.keys.all():
            return
        key, stored = new_key("first")
        try:
            organization = await store.organizations.find(DEFAULT_ORGANIZATION)
            if organization is None:
                organization = await store.organizations.create(DEFAULT_ORGANIZATION, "UTC", wiring.now())
            await store.keys.create(organization.id, stored, wiring.now())
        except Refusal as refusal:
            if refusal.code is Code.CONFLICT:
                return  # another server, that started together with this one, was quicker
            raise
    typer.echo(f"The organization {DEFAULT_ORGANIZATION!r} has its first API key. Keep it: it is shown only now.\n")
    typer.echo(f"  {key}\n")
    typer.echo("Try:\n")
    typer.echo(_curl(settings, key))


async def _fill_demo(settings: ServerSettings) -> None:
    from rowen.exchange.demo import founding_interviews, invented_interviews
    from rowen.harvest.documents import draft

    async with wiring.opened(locate(settings.database)) as store:
        organization = await store.organizations.find(DEMO_ORGANIZATION)
        if organization is None:
            organization = await store.organizations.create(DEMO_ORGANIZATION, "UTC", wiring.now())
        zone = ZoneInfo(organization.time_zone)
        founding = [draft(interview, zone) for interview in founding_interviews()]
        invented = [draft(interview, zone) for interview in invented_interviews(datetime.now(UTC).date())]
        await store.merger.merge(organization, founding, now=wiring.now(), created_through_api=False)
        await store.merger.merge(organization, invented, now=wiring.now(), created_through_api=True)


def _curl(settings: ServerSettings, key: str) -> str:
    scheme = "http" if settings.tls_certificate is None else "https"
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    address = (settings.public_url or "").rstrip("/") or f"{scheme}://{host}:{settings.port}"
    token = b64encode(f"{key}:".encode()).decode()
    return f"  curl '{address}/v1/scheduled_interviews' -H \"Authorization: Basic {token}\"\n"


def _serve(settings: ServerSettings) -> None:
    """Run Granian until it is told to stop; requests in flight are finished."""
    from granian.constants import Interfaces, SSLProtocols
    from granian.server import Server

    logs.configure()
    # A worker begins with the handlers of this process, which would take a SIGTERM for its own.
    os.register_at_fork(before=_hold_stops_back, after_in_parent=_let_stops_through)
    with _shared_metrics(settings):
        server = Server(
            target="rowen",
            address=settings.host,
            port=settings.port,
            interface=Interfaces.ASGI,
            workers=settings.workers,
            websockets=False,
            respawn_failed_workers=True,
            workers_kill_timeout=8,  # less than the ten seconds that service managers give
            ssl_cert=settings.tls_certificate,
            ssl_key=settings.tls_key,
            ssl_protocol_min=SSLProtocols.tls12,
            log_dictconfig={
                "formatters": {},
                "handlers": {},
                "loggers": {"_granian": {"handlers": [], "propagate": True}},
            },
        )
        server.serve(target_loader=partial(_load, settings), wrap_loader=False)


def _hold_stops_back() -> None:
    """Have SIGTERM wait until the application lets it through: while no loop runs it would be lost."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})


def _let_stops_through() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


def _load(settings: ServerSettings) -> "ASGIApp":
    """Build the application, in a worker."""
    # A terminal's Ctrl-C reaches the whole group; the parent alone decides when its workers stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _hold_stops_back()  # it may have been started otherwise than by a fork
    logs.configure()
    return wiring.build_application(settings)


@contextmanager
def _shared_metrics(settings: ServerSettings) -> Iterator[None]:
    """Let several workers add up their metrics in a folder, as prometheus-client does."""
    if settings.workers == 1:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="rowen-metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        yield
