"""`rowen interviews`.

Owns an operator's commands for the interviews of an organization. Must not know how interviews are found or changed.
"""

from typing import Annotated

import typer

from rowen import wiring
from rowen.app.adoption import Adopted
from rowen.cli.interview_filters import InterviewFilters
from rowen.cli.options import Database, Organization, with_settings
from rowen.cli.store import in_organization
from rowen.interviews.interview import LARGEST_ID
from rowen.settings import DEFAULT_DATABASE, DEFAULT_ORGANIZATION

app = typer.Typer(no_args_is_help=True, help="The interviews of an organization.")


@app.callback()
def _options() -> None:
    # Keeps `adopt` a command of its own: Typer would merge a single one with the group. A docstring would be its help.
    ...


@app.command("adopt")
@with_settings
def adopt(
    *,
    ids: Annotated[
        list[int] | None,
        typer.Argument(metavar="ID", min=1, max=LARGEST_ID, help="Only these interviews.", show_default=False),
    ] = None,
    filters: InterviewFilters,
    all_interviews: Annotated[
        bool,
        typer.Option("--all", envvar="ROWEN_ADOPT_ALL", help="All interviews of the organization, without any filter."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", envvar="ROWEN_DRY_RUN", help="Count the interviews, but change nothing.")
    ] = False,
    organization: Organization = DEFAULT_ORGANIZATION,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Let clients change and delete interviews that were imported, as if they had made them through the API.

    Interviews must match every filter. Their documents and `updated_at` stay as they are. It is safe to run this while
    servers run, and to run it again.

    \b
    Examples:
      rowen interviews adopt --starts-after 2026-11-28 --dry-run
      rowen interviews adopt --organization lisbon --application-id 4684156
      rowen interviews adopt 9128481 9128482
    """
    query = filters.query()
    if not (ids or query.criteria or all_interviews):
        raise typer.BadParameter("name the interviews by id, give a filter, or use --all")
    if all_interviews and (ids or query.criteria):
        raise typer.BadParameter("cannot be combined with ids or filters", param_hint="--all")
    adopted = in_organization(
        database,
        organization,
        lambda store, found: store.adopter.adopt(found, query, ids or (), now=wiring.now(), dry_run=dry_run),
    )
    _print_result(adopted, organization, dry_run=dry_run)


def _print_result(result: Adopted, organization: str, *, dry_run: bool) -> None:
    done = "Dry run: would adopt" if dry_run else "Adopted"
    typer.echo(f"{done} {_interviews(result.adopted)} of organization {organization}.")
    if result.already:
        typer.echo(f"Clients could change {_interviews(result.already)} already.", err=True)


def _interviews(count: int) -> str:
    return f"{count:,} interview{'' if count == 1 else 's'}"
