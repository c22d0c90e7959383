"""`rowen keys`.

Owns showing, making, extending and revoking API keys on the command line. `create` prints a new key once, and nothing
else does; a key given on standard input is never printed. Must not know how keys are stored.
"""

import sys
from dataclasses import dataclass
from typing import Annotated, Final

import typer

from rowen import wiring
from rowen.app import archive, organizations
from rowen.app.given_keys import given_key
from rowen.app.keys import PERMISSIONS, READ_ONLY, ApiKey, expanded, new_key, overview, summary
from rowen.cli.console import is_drawn, print_table
from rowen.cli.options import Database, Organization, read_name, with_settings
from rowen.cli.similar_names import unknown_name
from rowen.cli.store import in_organization, in_store, revoke_name
from rowen.demo.key import require_secret
from rowen.settings import (
    DEFAULT_DATABASE,
    DEFAULT_ORGANIZATION,
    LARGEST_RATE_LIMIT,
    REPEATED,
    CommandSettings,
    SettingRow,
)
from rowen.wiring import Store

app = typer.Typer(no_args_is_help=True, help="API keys: what clients authenticate with.")

_Name = Annotated[str, typer.Argument(help="The key's name.", callback=read_name)]
_LONGEST_INPUT: Final = 4_096  # bytes; longer input is not a key
_NAMED: Final = [name for name in PERMISSIONS if name not in archive.permissions()]
_DAY: Final = 10  # characters of a time: its date


@dataclass(frozen=True, slots=True)
class KeySettings:
    """What a new key allows, and where it comes from."""

    allow: Annotated[
        tuple[str, ...],
        SettingRow(
            f"A permission. {REPEATED} Default: all. 'scheduled_interviews:*' stands for all permissions of scheduled "
            f"interviews, and so on. Permissions: {overview(_NAMED)}. Each list of the archive has its own, too, such "
            "as offers:list.",
            metavar="PERMISSION",
        ),
    ] = ()
    read_only: Annotated[
        bool, SettingRow("Allow reading everything except webhooks, and no changes. Instead of --allow.")
    ] = False
    rate_limit: Annotated[
        int | None,
        SettingRow(
            "How many requests the key may make in 10 seconds; 0 for no limit. Default: the server's limit.",
            least=0,
            most=LARGEST_RATE_LIMIT,
            variable="ROWEN_KEY_RATE_LIMIT",
        ),
    ] = None
    stdin: Annotated[
        bool,
        SettingRow(
            "Read the key from standard input instead of creating one, so that clients keep the key they have.",
            variable="ROWEN_KEY_STDIN",
        ),
    ] = False


@app.command("create")
@with_settings
def create(name: _Name, settings: KeySettings, place: CommandSettings) -> None:
    """Create an API key and print it. It is shown only once. With --stdin, store a key that clients already have.

    \b
    Examples:
      rowen keys create warehouse --read-only
      rowen keys create calendar --allow 'scheduled_interviews:*' --allow users:list --rate-limit 50
      export HARVEST_KEY=$(rowen keys create script)
      rowen keys create old-clients --stdin < greenhouse.key
    """
    if settings.read_only and settings.allow:
        raise typer.BadParameter("cannot be combined with --allow: use one of them", param_hint="--read-only")
    permissions = READ_ONLY if settings.read_only else settings.allow
    if settings.stdin:
        text, stored = "", given_key(name, _read_key(), allow=permissions, rate_limit=settings.rate_limit)
        require_secret(stored)
    else:
        text, stored = new_key(name, allow=permissions, rate_limit=settings.rate_limit)
    in_organization(
        place.database, place.organization, lambda store, found: store.keys.create(found.id, stored, wiring.now())
    )
    typer.echo(text or f"Key {name} stored: clients can go on using it.", err=settings.stdin)


def _read_key() -> str:
    """Read the key that another system made; a line break at its end is removed."""
    if sys.stdin is None or sys.stdin.isatty():
        raise typer.BadParameter(
            "takes the key from a file or a pipe, as in `--stdin < greenhouse.key`: a terminal would show it",
            param_hint="--stdin",
        )
    text = sys.stdin.buffer.read(_LONGEST_INPUT + 1).removesuffix(b"\n").removesuffix(b"\r")
    return text.decode("latin-1")  # the rules for keys refuse other characters than ASCII, whatever their encoding


@app.command("list")
def list_keys(database: Database = DEFAULT_DATABASE) -> None:
    """List the API keys, without the keys themselves. `rowen keys show` shows the details of one.

    \b
    Example:
      rowen keys list
    """
    keys = in_store(database, lambda store: store.keys.all())
    if is_drawn():
        columns: tuple[str, ...] = ("organization", "name", "prefix", "permissions", "limit", "created", "last used")
        print_table("API keys", columns, [_short(key) for key in keys], foldable=("organization", "name"))
        return
    columns = ("organization", "name", "prefix", "permissions", "rate limit", "created", "last used", "revoked")
    print_table("API keys", columns, [_full(key) for key in keys])


@app.command("show")
def show(name: _Name, organization: Organization = DEFAULT_ORGANIZATION, database: Database = DEFAULT_DATABASE) -> None:
    """Show the details of an API key, without the key itself.

    \b
    Example:
      rowen keys show warehouse
    """
    keys = in_organization(database, organization, lambda store, _: store.keys.all())
    key = next((each for each in keys if (each.organization, each.name) == (organization, name)), None)
    if key is None:
        raise unknown_name("key", name, organization, keys)
    names = ("organization", "name", "prefix", "permissions", "rate limit", "created", "last used", "revoked")
    rows: list[tuple[str, object]] = [
        (field, value) for field, value in zip(names, _full(key), strict=True) if field != "permissions"
    ]
    rows += [("permissions", summary(key.permissions))]
    rows += [("", each) for each in overview(key.permissions & PERMISSIONS.keys()).split("; ")]
    print_table(f"API key {name}", ("field", "value"), rows)


@app.command("allow")
def allow(
    name: _Name,
    permissions: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PERMISSION]...", help="A permission, or a group such as 'offers:*'.", show_default=False
        ),
    ] = None,
    read_only: Annotated[
        bool,
        typer.Option(
            "--read-only",
            envvar="ROWEN_READ_ONLY",
            help="Allow reading everything except webhooks. Instead of permissions.",
        ),
    ] = False,
    organization: Organization = DEFAULT_ORGANIZATION,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Give an API key more permissions, such as those of calls that a new version has. Its next request has them.

    \b
    Examples:
      rowen keys allow warehouse 'offers:*' departments:list
      rowen keys allow warehouse --read-only
    """
    if read_only == bool(permissions):
        raise typer.BadParameter("give permissions, or --read-only", param_hint="PERMISSION")
    wanted = READ_ONLY if read_only else expanded(permissions or ())

    async def work(store: Store, found: organizations.Organization) -> frozenset[str]:
        added = await store.keys.allow(found.id, name, wanted)
        if added is None:
            raise unknown_name("key", name, organization, await store.keys.all())
        return added

    added = in_organization(database, organization, work)
    typer.echo(f"Key {name} may do more: {overview(added)}." if added else f"Key {name} had all of this.", err=True)


@app.command("revoke")
def revoke(
    name: _Name, organization: Organization = DEFAULT_ORGANIZATION, database: Database = DEFAULT_DATABASE
) -> None:
    """Revoke an API key: its next request is refused.

    \b
    Example:
      rowen keys revoke warehouse
    """
    revoke_name("key", name, organization, database, lambda store: store.keys)


def _full(key: ApiKey) -> tuple[object, ...]:
    """Return a key's row for programs."""
    return (
        key.organization,
        key.name,
        key.prefix + "…",
        summary(key.permissions),
        "server's" if key.rate_limit is None else key.rate_limit,
        key.created_at,
        key.last_used_at or "never",
        key.revoked_at or "",
    )


def _short(key: ApiKey) -> tuple[object, ...]:
    """Return a key's row for a terminal: one or two lines of up to 80 characters, if names are short."""
    permissions = summary(key.permissions)
    if ":" in permissions:
        permissions = f"{len(key.permissions)} of {len(PERMISSIONS)}"
    used = str(key.last_used_at)[:_DAY] if key.last_used_at is not None else "never"
    return (
        key.organization,
        key.name,
        key.prefix + "…",
        permissions,
        "server's" if key.rate_limit is None else key.rate_limit,
        str(key.created_at)[:_DAY],
        used if key.revoked_at is None else f"revoked\n{str(key.revoked_at)[:_DAY]}",
    )
