"""`rowen clients`.

Owns showing, making and revoking clients of Harvest v3 on the command line. `create` prints the secrets of a new client
once, and nothing else does. Must not know how clients are stored.
"""

from dataclasses import dataclass
from typing import Annotated, Final

import typer

from rowen import wiring
from rowen.app.clients import Client, new_client
from rowen.app.scopes import READING, scope_summary
from rowen.cli.console import print_table
from rowen.cli.options import Database, Organization, read_name, with_settings
from rowen.cli.store import in_organization, in_store, revoke_name
from rowen.interviews.interview import LARGEST_ID
from rowen.settings import DEFAULT_DATABASE, DEFAULT_ORGANIZATION, REPEATED, CommandSettings, SettingRow

app = typer.Typer(no_args_is_help=True, help="Clients of Harvest v3: what they get tokens with.")

_Name = Annotated[str, typer.Argument(help="The client's name.", callback=read_name)]
_FEW: Final = 80  # characters of scopes that a table shows


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """What a new client may do, and as whom."""

    scope: Annotated[
        tuple[str, ...],
        SettingRow(
            f"A scope, such as harvest:interviews:list. {REPEATED} Default: all. 'harvest:interviews:*' stands for all "
            "scopes of interviews, and so on.",
            metavar="SCOPE",
        ),
    ] = ()
    read_only: Annotated[bool, SettingRow("Allow reading everything, and no changes. Instead of --scope.")] = False
    user: Annotated[
        int | None,
        SettingRow(
            "The id of the user for whom the client acts if its request for a token names none (`sub`).",
            least=1,
            most=LARGEST_ID,
        ),
    ] = None


@app.command("create")
@with_settings
def create(name: _Name, settings: ClientSettings, place: CommandSettings) -> None:
    """Create a client of Harvest v3 and print its id, its secret and its refresh token. They are shown only once.

    \b
    Examples:
      rowen clients create warehouse --read-only
      rowen clients create assistant --scope 'harvest:interviews:*' --user 4080
    """
    if settings.read_only and settings.scope:
        raise typer.BadParameter("cannot be combined with --scope: use one of them", param_hint="--read-only")
    scopes = READING if settings.read_only else settings.scope
    shown, stored = new_client(name, scopes=scopes, user_id=settings.user)
    in_organization(
        place.database, place.organization, lambda store, found: store.clients.create(found.id, stored, wiring.now())
    )
    for field, value in shown._asdict().items():
        typer.echo(f"{field}: {value}")


@app.command("list")
def list_clients(database: Database = DEFAULT_DATABASE) -> None:
    """List the clients, without their secrets.

    \b
    Example:
      rowen clients list
    """
    clients = in_store(database, lambda store: store.clients.all())
    columns = ("organization", "name", "client id", "scopes", "user", "created", "last used", "revoked")
    print_table("Clients", columns, [_row(client) for client in clients], foldable=("organization", "name", "scopes"))


@app.command("revoke")
def revoke(
    name: _Name, organization: Organization = DEFAULT_ORGANIZATION, database: Database = DEFAULT_DATABASE
) -> None:
    """Revoke a client: the next request with any of its tokens is refused.

    \b
    Example:
      rowen clients revoke warehouse
    """
    revoke_name("client", name, organization, database, lambda store: store.clients)


def _row(client: Client) -> tuple[object, ...]:
    scopes = scope_summary(client.scopes)
    return (
        client.organization,
        client.name,
        client.client_id,
        scopes if len(scopes) <= _FEW else f"{len(client.scopes)} scopes",
        client.user_id or "",
        client.created_at,
        client.last_used_at or "never",
        client.revoked_at or "",
    )
