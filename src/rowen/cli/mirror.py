"""`rowen mirror`.

Owns the options of the command, its progress, and how it ends. Must not know the wire of an account.
"""

import asyncio
import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Annotated, Final

import httpx
import typer

from rowen import logs, wiring
from rowen.app.organizations import Organization
from rowen.cli.console import progress
from rowen.cli.mirror_status import print_status
from rowen.cli.options import Database, with_settings
from rowen.cli.options import Organization as OrganizationOption
from rowen.cli.store import in_organization, in_store, require_database, unknown_organization
from rowen.imports.sources.retries import RetryPolicy
from rowen.interviews.errors import Code, Refusal
from rowen.mirror.account import AccountPolicy, read_address
from rowen.mirror.credentials import AccountClient, read_secret
from rowen.mirror.follower import MirroredElsewhereError, MirrorEndedError
from rowen.mirror.helper_process import ALLOCATIONS
from rowen.mirror.reading import LoadStep
from rowen.mirror_wiring import MirroredAccount, following
from rowen.settings import (
    DATABASE_HELP,
    DEFAULT_DATABASE,
    DEFAULT_ORGANIZATION,
    DatabaseUrl,
    OrganizationName,
    SettingRow,
)
from rowen.wiring import Store

app = typer.Typer()

_GREENHOUSE: Final = "harvest.greenhouse.io"
_GREENHOUSE_TOKENS: Final = "https://auth.greenhouse.io/token"


@dataclass(frozen=True, slots=True)
class MirrorSettings:
    """What is mirrored, and how."""

    source: Annotated[
        str | None, SettingRow("The address of the account: https://harvest.greenhouse.io/v3", option="--from")
    ] = None
    token_url: Annotated[
        str | None,
        SettingRow("The address that issues tokens. Default: Greenhouse's, or /token on the account's host."),
    ] = None
    client_id: Annotated[str | None, SettingRow("The client id of the account's API credentials.")] = None
    client_secret_file: Annotated[Path | None, SettingRow("A file that holds the client secret, and nothing else.")] = (
        None
    )
    user: Annotated[
        int | None, SettingRow("The id of the user who reads. Default: the integration's own user.", 1, 2**53 - 1)
    ] = None
    organization: Annotated[OrganizationName, SettingRow("The organization that becomes the mirror.")] = (
        DEFAULT_ORGANIZATION
    )
    database: Annotated[DatabaseUrl, SettingRow(DATABASE_HELP)] = DEFAULT_DATABASE
    every: Annotated[int, SettingRow("How many seconds to wait between two rounds.", 1, 86_400)] = 30
    write_through: Annotated[
        bool, SettingRow("Pass writes of interviews through to the account, which has to accept them first.")
    ] = False
    once: Annotated[
        bool, SettingRow("Read what has changed since the last run, or everything the first time, and end.")
    ] = False
    rate_margin: Annotated[
        int, SettingRow("How many percent of the account's rate limit are left to its other clients.", 0, 90)
    ] = 20
    insecure: Annotated[bool, SettingRow("Allow plain http to other machines: it shows tokens to the network.")] = False


@app.callback(invoke_without_command=True)
@with_settings
def mirror(context: typer.Context, settings: MirrorSettings) -> None:
    """Mirror an account of Harvest v3: clients of v1 and v2 read it as they did before.

    The first run reads everything: interviews with their panels, users, candidates, applications, jobs, job stages and
    scorecards. After that it looks for changes every 30 seconds, and sends them to the feed and to webhooks.
    Writes of clients get a 403, unless --write-through passes those of interviews on to the account.

    Run `rowen serve` next to it, on the same database. Several mirrors may run for one organization: one works, and
    another takes over if it ends. You can interrupt it at any time: it continues where it stopped.

    \b
    Examples:
      rowen mirror --from https://harvest.greenhouse.io/v3 --client-id ID --client-secret-file secret
      rowen mirror status
      rowen mirror end
    """
    if context.invoked_subcommand is not None:
        return
    base, client = account_of(settings)
    if settings.once and settings.write_through:
        raise typer.BadParameter("needs a process that stays: leave out --once", param_hint="--write-through")
    require_database(settings.database, create=True)
    logs.configure()
    try:
        in_store(settings.database, lambda store: _mirror(store, settings, base, client))
    except (KeyboardInterrupt, asyncio.CancelledError):
        typer.echo("Interrupted. Everything written is complete; run the same command again to continue.", err=True)
        raise typer.Exit(130) from None
    except MirroredElsewhereError:
        raise Refusal(
            Code.CONFLICT, f"another process mirrors organization {settings.organization!r} right now"
        ) from None
    except MirrorEndedError:
        typer.echo(f"Organization {settings.organization} is not a mirror any more.", err=True)


@app.command("status")
def status(organization: OrganizationOption = DEFAULT_ORGANIZATION, database: Database = DEFAULT_DATABASE) -> None:
    """Show how far the mirror of an organization is, and its last error.

    \b
    Example:
      rowen mirror status --organization lisbon
    """
    in_organization(database, organization, print_status)


@app.command("end")
def end(organization: OrganizationOption = DEFAULT_ORGANIZATION, database: Database = DEFAULT_DATABASE) -> None:
    """Stop mirroring: the organization keeps all its records, and clients can write.

    \b
    Example:
      rowen mirror end --organization lisbon
    """

    async def work(store: Store, found: Organization) -> bool:
        return await store.mirrors.end(found)

    if not in_organization(database, organization, work):
        raise Refusal(Code.NOT_FOUND, f"organization {organization!r} is not a mirror")
    typer.echo(f"Organization {organization} is independent of its account now.")


def account_of(settings: MirrorSettings, name: str = "--from") -> tuple[httpx.URL, AccountClient]:
    """Return the account's address, which `name` gave, and the client. Raises BadParameter and SourceError."""
    if not settings.source or not settings.client_id or settings.client_secret_file is None:
        given = {
            "--from": settings.source,
            "--client-id": settings.client_id,
            "--client-secret-file": settings.client_secret_file,
        }
        missing = [option for option, value in given.items() if not value]
        raise typer.BadParameter("is required" if len(missing) == 1 else "are required", param_hint=", ".join(missing))
    base = read_address(settings.source, name, insecure=settings.insecure)
    if not base.path.strip("/"):
        base = base.copy_with(path="/v3")
    tokens = settings.token_url or (
        _GREENHOUSE_TOKENS if base.host == _GREENHOUSE else str(base.copy_with(path="/token"))
    )
    token_url = read_address(tokens, "--token-url", insecure=settings.insecure)
    return base, AccountClient(settings.client_id, _secret(settings.client_secret_file), token_url, settings.user)


def _secret(path: Path) -> str:
    """Return the secret in a file. Raises BadParameter, which does not show it."""
    try:
        return read_secret(path)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--client-secret-file") from error


async def _mirror(store: Store, settings: MirrorSettings, base: httpx.URL, client: AccountClient) -> None:
    gc.freeze()
    gc.set_threshold(ALLOCATIONS)
    organization = await _organization(store, settings.organization)
    policy = AccountPolicy(retries=RetryPolicy(on_retry=_report_retry), margin=settings.rate_margin)
    mirrored = MirroredAccount(base, client, policy, settings.database, settings.write_through)
    with following(store, organization, mirrored, _loading) as (follower, through):
        if settings.once:
            await follower.run_once()
            typer.echo("Read all changes; `rowen mirror status` shows what came of them.", err=True)
            return
        passing = None if through is None else asyncio.create_task(through.run(), name="mirror: passing writes through")
        try:
            await follower.run(settings.every)
        finally:
            if passing is not None:
                passing.cancel()
                await asyncio.gather(passing, return_exceptions=True)


async def _organization(store: Store, name: str) -> Organization:
    """Return the organization; the default one of a new database is created. Raises Refusal (not found)."""
    found = await store.organizations.find(name)
    if found is not None:
        return found
    others = [each.name for each in await store.organizations.all()]
    if others or name != DEFAULT_ORGANIZATION:
        raise unknown_organization(name, others)
    return await store.organizations.create(name, "UTC", wiring.now())


def _report_retry(reason: str, seconds: float) -> None:
    typer.echo(f"{reason}; trying again in {seconds:.0f} s", err=True)


@contextmanager
def _loading() -> Iterator[Callable[[LoadStep], None]]:
    """Show the progress of the first reading: a bar on a terminal, a line now and then elsewhere."""
    started = monotonic()
    with progress() as shown:

        def show(step: LoadStep) -> None:
            rate = step.done / max(monotonic() - started, 0.001)
            shown(step.doing, step.done, None, f"{step.done:,} so far, {rate:,.0f}/s")

        yield show
    sys.stderr.flush()
