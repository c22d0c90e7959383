"""`rowen people`.

Owns inviting the people who sign in, listing and revoking them on the command line. `invite` prints a one-time link,
and nothing else does. Must not know how links are stored.
"""

from typing import Annotated, Final

import typer

from rowen import wiring
from rowen.api.reading import values
from rowen.app.invitations import invite
from rowen.app.organizations import Organization as FoundOrganization
from rowen.app.roles import Role
from rowen.app.sessions import InvitedPerson
from rowen.cli.console import print_table
from rowen.cli.options import Database, Organization, PublicAddress
from rowen.cli.similar_names import alternatives
from rowen.cli.store import in_organization, in_store
from rowen.interviews.errors import Code, Problems, Refusal
from rowen.interviews.people import UserFields, fold
from rowen.interviews.scheduling import UNSET
from rowen.settings import DEFAULT_DATABASE, DEFAULT_ORGANIZATION
from rowen.wiring import Store

app = typer.Typer(no_args_is_help=True, help="The people who sign in to the web page.")

SIGN_IN_PATH: Final = "/sign-in/"


@app.command("invite")
def invite_person(
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="The user's e-mail address.", show_default=False)],
    role: Annotated[
        Role,
        typer.Option(
            envvar="ROWEN_ROLE",
            help="An admin may do everything, a coordinator schedule for everybody, an interviewer see and answer own "
            "interviews.",
        ),
    ] = Role.INTERVIEWER,
    name: Annotated[
        str | None, typer.Option(envvar="ROWEN_NAME", help="The name of a user who is added: first and last name.")
    ] = None,
    public_url: PublicAddress = None,
    organization: Organization = DEFAULT_ORGANIZATION,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Let a user sign in, and print a link that does so once, within three days.

    The user with this address gets the role; if there is none, one is added. Inviting somebody again changes the role,
    and makes a new link: an older one ends. Pass the link on over a channel that you trust.

    \b
    Examples:
      rowen people invite rose@example.com --role coordinator
      rowen people invite ann@example.com --role admin --name 'Ann Lee' --public-url https://interviews.example.com
    """
    fields = _fields(email, name)

    async def work(store: Store, found: FoundOrganization) -> str:
        return await invite(wiring.inviting(store), found, fields, role, wiring.now())

    secret = in_organization(database, organization, work)
    if public_url is None:
        typer.echo("The link, below the address of your server (--public-url writes the whole address):", err=True)
    typer.echo(f"{(public_url or '').rstrip('/')}{SIGN_IN_PATH}{secret}")


@app.command("list")
def list_people(database: Database = DEFAULT_DATABASE) -> None:
    """List the people who can sign in, and how many sessions each has.

    \b
    Example:
      rowen people list
    """
    people = in_store(database, lambda store: store.sessions.people())
    columns = ("organization", "user", "name", "e-mail", "role", "sessions", "last used", "revoked")
    print_table("People", columns, [_row(each) for each in people], foldable=("organization", "name", "e-mail"))


@app.command("revoke")
def revoke(
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="The user's e-mail address.", show_default=False)],
    organization: Organization = DEFAULT_ORGANIZATION,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Let a user no longer sign in: all sessions and links end with the next request.

    \b
    Example:
      rowen people revoke rose@example.com
    """

    async def work(store: Store, found: FoundOrganization) -> None:
        own = [
            each
            for each in await store.sessions.people()
            if each.organization == found.name and each.email and each.revoked_at is None
        ]
        named = [each for each in own if fold(each.email or "") == fold(email)]
        if not named:
            rest = alternatives(email, [each.email or "" for each in own]).rstrip(".")
            raise Refusal(Code.NOT_FOUND, f"nobody with the address {email!r} can sign in{rest}")
        for each in named:
            await store.sessions.revoke(found.id, each.user_id, wiring.now())

    in_organization(database, organization, work)
    typer.echo(f"{email} can no longer sign in.", err=True)


def _fields(email: str, name: str | None) -> UserFields:
    """Return the fields of a user who may have to be added. Refuses an address that is none."""
    problems = Problems()
    address = values.email.read(problems, "email", email)
    first, _, last = (name or email.partition("@")[0]).strip().partition(" ")
    first_name = values.name.read(problems, "name", first)
    last_name = values.name.read(problems, "name", last.strip()) if last.strip() else None
    problems.raise_any()
    return UserFields(email=address or UNSET, first_name=first_name or UNSET, last_name=last_name or UNSET)


def _row(person: InvitedPerson) -> tuple[object, ...]:
    return (
        person.organization,
        person.user_id,
        person.name or "",
        person.email or "",
        person.role.value,
        person.sessions,
        person.last_used_at or "never",
        person.revoked_at or "",
    )
