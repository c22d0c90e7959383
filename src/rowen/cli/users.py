"""`rowen users`.

Owns deleting users on the command line. Must not know how references to them are found.
"""

from typing import Annotated

import typer

from rowen import wiring
from rowen.app.records import UserRemoval
from rowen.cli.options import Database, Organization
from rowen.cli.store import in_organization
from rowen.interviews.interview import LARGEST_ID
from rowen.settings import DEFAULT_DATABASE, DEFAULT_ORGANIZATION

app = typer.Typer(no_args_is_help=True, help="The users of an organization.")


@app.callback()
def _users() -> None:
    # Keeps this a group, although it has only one command. A docstring would be its help.
    ...


@app.command("delete")
def delete(
    identifiers: Annotated[
        list[int] | None,
        typer.Argument(metavar="ID", min=1, max=LARGEST_ID, help="The ids of the users.", show_default=False),
    ] = None,
    nameless: Annotated[
        bool,
        typer.Option(
            "--nameless",
            envvar="ROWEN_NAMELESS",
            help="All users without a name, e-mail address and employee id that nothing refers to.",
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", envvar="ROWEN_DRY_RUN", help="Check and count, but delete nothing.")
    ] = False,
    organization: Organization = DEFAULT_ORGANIZATION,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Delete users that no interview, scorecard, application or job stage refers to.

    All of the ids are deleted, or none. A mistaken import can leave users that have nothing but an id: `--nameless`
    finds them.

    \b
    Examples:
      rowen users delete 5001 5002
      rowen users delete --nameless --dry-run
    """
    if nameless == bool(identifiers):
        raise typer.BadParameter("takes either ids or --nameless", param_hint="rowen users delete")
    removal = in_organization(
        database,
        organization,
        lambda store, found: store.users.remove(found, identifiers or None, now=wiring.now(), dry_run=dry_run),
    )
    if not nameless:
        _require_all(removal)
    elif removal.referred:
        typer.echo(f"{len(removal.referred)} kept: something refers to them", err=True)
    typer.echo(f"{len(removal.removed)} users {'would be deleted' if dry_run else 'deleted'}", err=True)


def _require_all(removal: UserRemoval) -> None:
    """Exit with status 1 if some of the users cannot be deleted, so that none was."""
    for identifier in removal.missing:
        typer.echo(f"rowen: there is no user {identifier}", err=True)
    for identifier, name in sorted(removal.referred.items()):
        typer.echo(f"rowen: user {identifier} cannot be deleted: {name} refers to them", err=True)
    if removal.missing or removal.referred:
        raise typer.Exit(1)
