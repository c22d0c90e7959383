"""`rowen serve`.

Owns how settings that cannot be served are refused, and what is printed before a server starts. Must not know what is
served.
"""

import shutil
import socket
import tempfile
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING

import typer

from rowen import logs, wiring
from rowen.app.first_key import FirstKey, NoFirstKey, make_first_key
from rowen.app.invitations import invite_first
from rowen.cli.options import with_settings
from rowen.cli.people import SIGN_IN_PATH
from rowen.cli.store import in_store
from rowen.demo.key import DEMO_KEY
from rowen.http.certificates import CertificateError, check_certificate
from rowen.settings import DEFAULT_ORGANIZATION, DatabaseUrl, ServerSettings
from rowen.store.database import locate
from rowen.wiring import Store

if TYPE_CHECKING:
    from starlette.types import ASGIApp


@with_settings
def serve(settings: ServerSettings) -> None:
    """Serve the schedule over HTTP.

    The database is created and upgraded at the start. If it has no API key yet, the first one is created and printed
    once, with a link that signs the first admin in to the web page.

    \b
    Examples:
      rowen serve --demo
      rowen serve --port 8001 --public-url https://interviews.example.com
      rowen serve --host 0.0.0.0 --port 443 --tls-certificate chain.pem --tls-key key.pem
    """
    _require_certificate(settings)
    _require_webhook_secret(settings)
    try:
        locate(settings.database_url, settings.replicas)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--replica") from error
    if settings.demo and not _is_loopback(settings.host):
        raise typer.BadParameter("the demo's key is public: it listens on 127.0.0.1 only", param_hint="--host")
    address = _require_port(settings.host, settings.port)
    with _demo(settings) if settings.demo else _first_key(settings) as prepared:
        from rowen.http.server import raise_descriptor_limit, run  # Granian takes long to import

        logs.configure()
        allowed = raise_descriptor_limit(prepared.connections)
        served = replace(prepared, host=address, connections=allowed)
        run(served, wiring.connection_limits(served), partial(_application, served))


def _application(settings: ServerSettings, beat: Callable[[], None]) -> "ASGIApp":
    from rowen.server_wiring import build_application  # imported in the processes that serve only

    return build_application(settings, beat)


def _require_certificate(settings: ServerSettings) -> None:
    """Refuse files that TLS cannot be served with, and print warnings about those that can."""
    certificate, key = settings.tls_certificate, settings.tls_key
    if (certificate is None) != (key is None):
        raise typer.BadParameter("--tls-certificate and --tls-key go together")
    if certificate is None or key is None:
        return
    try:
        warnings = check_certificate(certificate, key)
    except CertificateError as error:
        raise typer.BadParameter(str(error), param_hint=error.option) from error
    for warning in warnings:
        typer.echo(f"rowen: warning: {warning}", err=True)


def _require_webhook_secret(settings: ServerSettings) -> None:
    """Refuse a file that does not hold a secret; each worker reads it for itself."""
    if settings.mirror_webhook_secret_file is not None:
        from rowen.mirror.credentials import read_secret  # the other servers need none of it

        try:
            read_secret(settings.mirror_webhook_secret_file)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--mirror-webhook-secret-file") from error


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _require_port(host: str, port: int) -> str:
    """Return the IP address to listen on, as Granian takes no name: the first one, IPv4 before IPv6.

    Refuses a port that is taken: Granian would share it, and each server would get some of the requests.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = min(found, key=lambda each: each[0] != socket.AF_INET)
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
        return str(address[0])
    except OSError as error:
        typer.echo(f"rowen: cannot listen on {host}:{port}: {error.strerror}", err=True)
        raise typer.Exit(1) from error


@contextmanager
def _first_key(settings: ServerSettings) -> Iterator[ServerSettings]:
    """Prepare the database; if it has no key yet, create and print one."""

    async def work(store: Store) -> tuple[FirstKey | NoFirstKey | None, str | None]:
        made = await make_first_key(store.organizations, store.keys, DEFAULT_ORGANIZATION, wiring.now())
        if settings.no_pages or not isinstance(made, FirstKey):
            return made, None
        organization = await store.organizations.find(made.organization)
        return made, organization and await invite_first(store.sessions, organization, wiring.now())

    made, secret = in_store(settings.database_url, work, create=True)
    if isinstance(made, FirstKey):
        typer.echo(f"The organization {made.organization!r} has its first API key. Store it: it is not shown again.\n")
        typer.echo(f"  {made.text}\n")
        typer.echo("Try:\n")
        typer.echo(_curl(settings, made.text))
        if secret is not None:
            typer.echo("Open this link to sign in as the first admin. It works once, within three days:\n")
            typer.echo(f"  {_address(settings)}{SIGN_IN_PATH}{secret}\n")
    elif made is not None:
        names = ", ".join(map(repr, made.organizations))
        typer.echo(
            f"There is no API key yet: `rowen keys create NAME --organization ORGANIZATION` creates one for {names}.",
            err=True,
        )
    yield settings


@contextmanager
def _demo(settings: ServerSettings) -> Iterator[ServerSettings]:
    """Fill the demo's database, a temporary one if none is named."""
    from rowen.demo.people import invite_demo_people
    from rowen.demo.schedule import fill_demo  # the other servers need none of it

    async def work(store: Store) -> None:
        organization = await fill_demo(
            store.organizations, store.merger, store.record_merger, store.writing, wiring.now()
        )
        await invite_demo_people(store.sessions, organization, wiring.now())

    folder = tempfile.mkdtemp(prefix="rowen-demo-")
    try:
        database = settings.database or DatabaseUrl(f"sqlite:///{folder}/demo.db")
        in_store(database, work, create=True)
        typer.echo("This is the demo: an invented team, and the key that the Harvest reference prints. Try:\n")
        typer.echo(_curl(settings, DEMO_KEY))
        if not settings.no_pages:
            typer.echo(f"Or open {_address(settings)}/ in a browser.\n")
        yield replace(settings, database=database)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _address(settings: ServerSettings) -> str:
    """Return the address that people and programs use."""
    scheme = "http" if settings.tls_certificate is None else "https"
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104  (every address: one of them)
    host = f"[{host}]" if ":" in host else host
    return (settings.public_url or "").rstrip("/") or f"{scheme}://{host}:{settings.port}"


def _curl(settings: ServerSettings, key: str) -> str:
    token = b64encode(f"{key}:".encode()).decode()
    return f"  curl '{_address(settings)}/v1/scheduled_interviews' -H \"Authorization: Basic {token}\"\n"
