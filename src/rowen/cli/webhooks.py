"""`rowen webhooks`.

Owns keeping webhooks on the command line. A secret is printed once, by `add` or `rotate`, and nowhere else.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Annotated, TypeVar

import typer

from rowen import wiring
from rowen.app.telling import Action, Delivery, Outcome, Webhook, WebhookChange, WebhookId, Webhooks
from rowen.cli.console import print_table, run
from rowen.cli.options import Database, WebhookAllow
from rowen.cli.options import Organization as OrganizationOption
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.interview import OrganizationId
from rowen.settings import DEFAULT_DATABASE, DEFAULT_ORGANIZATION
from rowen.store.database import locate, upgrade

Result = TypeVar("Result")
Use = Callable[[Webhooks, OrganizationId], Awaitable[Result]]

app = typer.Typer(no_args_is_help=True, help="Webhooks: other systems that are told what happens.")

_Id = Annotated[int, typer.Argument(metavar="ID", min=1, max=2**31 - 1, help="The webhook's id, as `list` shows it.")]


@app.command("add")
def add(
    url: Annotated[str, typer.Argument(metavar="URL", help="Where to send what happens: http or https.")],
    action: Annotated[
        list[Action] | None,
        typer.Option(
            "--action",
            envvar="ROWEN_WEBHOOK_ACTION",
            help="What it is told, again for each action; everything otherwise.",
        ),
    ] = None,
    webhook_allow: WebhookAllow = None,
    organization: OrganizationOption = DEFAULT_ORGANIZATION,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Add a webhook and print its secret: it is shown only now.

    \b
    Examples:
      rowen webhooks add https://hooks.example.com/interviews
      rowen webhooks add https://hooks.example.com/new --action interview_scheduled
      rowen webhooks add http://calendar.internal:8080/hook --webhook-allow calendar.internal
    """
    actions = frozenset(action or Action)
    added = _use(database, organization, webhook_allow, lambda hooks, found: hooks.add(found, url, actions))
    typer.echo(f"Webhook {added.id} added. Next: rowen webhooks test {added.id}", err=True)
    typer.echo(added.secret)


@app.command("list")
def list_webhooks(
    organization: OrganizationOption = DEFAULT_ORGANIZATION, database: Database = DEFAULT_DATABASE
) -> None:
    """List the webhooks, without their secrets.

    \b
    Example:
      rowen webhooks list
    """
    found: Sequence[Webhook] = _use(database, organization, None, lambda hooks, of: hooks.all(of))
    columns = ("id", "url", "actions", "enabled", "reason", "created")
    rows = [
        (
            each.id,
            each.url,
            " ".join(name for name in Action if name in each.actions),
            "yes" if each.enabled else "no",
            each.reason or "",
            each.created_at,
        )
        for each in found
    ]
    print_table("Webhooks", columns, rows)


@app.command("test")
def test(
    identifier: _Id,
    webhook_allow: WebhookAllow = None,
    organization: OrganizationOption = DEFAULT_ORGANIZATION,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Send a signed `ping` from here, now, and say how that ended.

    \b
    Example:
      rowen webhooks test 1
    """
    outcome: Outcome = _use(
        database, organization, webhook_allow, lambda hooks, found: hooks.test(found, WebhookId(identifier))
    )
    if not outcome.delivered:
        raise Refusal(Code.CONFLICT, f"webhook {identifier} did not take it: {outcome.reason}")
    typer.echo(f"Webhook {identifier} answered {outcome.status}.", err=True)


@app.command("rotate")
def rotate(
    identifier: _Id, organization: OrganizationOption = DEFAULT_ORGANIZATION, database: Database = DEFAULT_DATABASE
) -> None:
    """Give a webhook a new secret and print it: it is shown only now.

    The secret before stays valid for 24 hours: until then `webhook-signature` holds a signature with each of the two.
    `Signature` has room for one, which is made with the new secret at once.

    \b
    Example:
      rowen webhooks rotate 1
    """
    rotated = _use(database, organization, None, lambda hooks, found: hooks.rotate(found, WebhookId(identifier)))
    typer.echo(f"The secret before is valid until {rotated.previous_secret_until}.", err=True)
    typer.echo(rotated.secret)


@app.command("enable")
def enable(
    identifier: _Id, organization: OrganizationOption = DEFAULT_ORGANIZATION, database: Database = DEFAULT_DATABASE
) -> None:
    """Tell a webhook again what happens, beginning with what it was still to be told.

    \b
    Example:
      rowen webhooks enable 1
    """
    _set_enabled(identifier, organization, database, enabled=True)
    typer.echo(f"Webhook {identifier} enabled.", err=True)


@app.command("disable")
def disable(
    identifier: _Id, organization: OrganizationOption = DEFAULT_ORGANIZATION, database: Database = DEFAULT_DATABASE
) -> None:
    """Tell a webhook nothing more until it is enabled: what happens meanwhile it never learns.

    \b
    Example:
      rowen webhooks disable 1
    """
    _set_enabled(identifier, organization, database, enabled=False)
    typer.echo(f"Webhook {identifier} disabled.", err=True)


@app.command("remove")
def remove(
    identifier: _Id, organization: OrganizationOption = DEFAULT_ORGANIZATION, database: Database = DEFAULT_DATABASE
) -> None:
    """Remove a webhook, and what it was still to be told.

    \b
    Example:
      rowen webhooks remove 1
    """
    _use(database, organization, None, lambda hooks, found: hooks.remove(found, WebhookId(identifier)))
    typer.echo(f"Webhook {identifier} removed.", err=True)


@app.command("deliveries")
def deliveries(
    identifier: _Id,
    limit: Annotated[
        int, typer.Option(envvar="ROWEN_DELIVERIES_LIMIT", min=1, max=500, help="How many, of the newest.")
    ] = 20,
    organization: OrganizationOption = DEFAULT_ORGANIZATION,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """List what a webhook was told, the newest first.

    \b
    Example:
      rowen webhooks deliveries 1
    """
    found: Sequence[Delivery] = _use(
        database, organization, None, lambda hooks, of: hooks.deliveries(of, WebhookId(identifier), limit)
    )
    columns = ("revision", "action", "state", "attempts", "last status", "last error", "created", "next try", "settled")
    rows = [
        (
            each.revision,
            each.action,
            each.state,
            each.attempts,
            each.last_status or "",
            each.last_error or "",
            each.created_at,
            each.next_attempt_at if each.settled_at is None else "",
            each.settled_at or "",
        )
        for each in found
    ]
    print_table(f"Deliveries to webhook {identifier}", columns, rows)


def _set_enabled(identifier: int, organization: str, database: str, *, enabled: bool) -> None:
    change = WebhookChange(enabled=enabled)
    _use(database, organization, None, lambda hooks, found: hooks.change(found, WebhookId(identifier), change))


def _use(database: str, organization: str, allow: Sequence[str] | None, use: Use[Result]) -> Result:
    """Do something with the webhooks of an organization."""
    location = locate(database)
    upgrade(location, create=False)

    async def work() -> Result:
        async with wiring.opened(location) as store, aclosing(wiring.messenger(allow or ())) as messenger:
            found = await store.organizations.find(organization)
            if found is None:
                raise Refusal(Code.NOT_FOUND, f"there is no organization {organization!r}")
            return await use(wiring.webhooks(store, messenger), found.id)

    return run(work())
