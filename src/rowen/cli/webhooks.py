"""`rowen webhooks`, but for the commands about deliveries.

Owns managing webhooks on the command line. `add` and `rotate` print a secret once, and nothing else does. Must
not know how anything is sent.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Annotated, Final, TypeVar
from urllib.parse import urlsplit

import typer

from rowen import wiring
from rowen.app import organizations
from rowen.app.subscriptions import Action, WebhookChange, WebhookId
from rowen.app.webhooks import Webhooks
from rowen.cli.console import print_table
from rowen.cli.options import Database, Organization, WebhookAllow
from rowen.cli.store import in_organization
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.interview import OrganizationId
from rowen.settings import DEFAULT_DATABASE, DEFAULT_ORGANIZATION
from rowen.wiring import Store

Result = TypeVar("Result")
Use = Callable[[Webhooks, OrganizationId], Awaitable[Result]]

app = typer.Typer(no_args_is_help=True, help="Webhooks: send changes to other systems.")

Identifier = Annotated[
    int, typer.Argument(metavar="ID", min=1, max=2**31 - 1, help="The webhook's id, as `list` shows it.")
]
_FORBIDDEN_HINT: Final = "if the host is your own, allow it with --webhook-allow, as for `rowen serve`"


def in_webhooks(database: str, organization: str, use: Use[Result], *, allow: Sequence[str] | None = None) -> Result:
    """Return what `use` returns for the webhooks of an organization; hosts of `allow` may have a private address."""

    async def work(store: Store, found: organizations.Organization) -> Result:
        async with aclosing(wiring.sender(allow or ())) as sender:
            return await use(wiring.webhooks(store, sender), found.id)

    return in_organization(database, organization, work)


@app.command("add")
def add(
    url: Annotated[str, typer.Argument(metavar="URL", help="Where to send events: an http or https URL.")],
    action: Annotated[
        list[Action] | None,
        typer.Option(
            "--action",
            envvar="ROWEN_WEBHOOK_ACTION",
            help="An action to send. Repeat for more. Default: all.",
        ),
    ] = None,
    webhook_allow: WebhookAllow = None,
    organization: Organization = DEFAULT_ORGANIZATION,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Add a webhook and print its secret. It is shown only once.

    With --webhook-allow, servers and `rowen webhooks test` send to this URL although its address is private. That ends
    when the URL is changed.

    \b
    Examples:
      rowen webhooks add https://hooks.example.com/interviews
      rowen webhooks add https://hooks.example.com/new --action interview_scheduled
      rowen webhooks add http://calendar.internal:8080/hook --webhook-allow calendar.internal
    """
    actions = frozenset(action or Action)
    allowed = wiring.allowed_host(url, webhook_allow or ())
    try:
        added = in_webhooks(
            database, organization, lambda hooks, found: hooks.add(found, url, actions, allowed), allow=webhook_allow
        )
    except Refusal as refusal:
        raise _with_remedy(refusal, url) from refusal
    typer.echo(f"Webhook {added.id} added. Next: rowen webhooks test {added.id}", err=True)
    typer.echo(added.secret)


def _with_remedy(refusal: Refusal, url: str) -> Refusal:
    """Return the refusal of a webhook's URL, with the option that allows a private address."""
    for problem in refusal.problems:
        if problem.message == wiring.private_url_objection():
            objection = f"URL {problem.message[:1].lower()}{problem.message[1:]}"
            host = urlsplit(url).hostname
            hint = f"if the host is your own, allow it with --webhook-allow {host}"
            return Refusal(Code.INVALID, f"{objection}; {hint}")
    return refusal


@app.command("list")
def list_webhooks(organization: Organization = DEFAULT_ORGANIZATION, database: Database = DEFAULT_DATABASE) -> None:
    """List the webhooks, without their secrets.

    \b
    Example:
      rowen webhooks list
    """
    found = in_webhooks(database, organization, lambda hooks, of: hooks.all(of))
    columns = ("id", "url", "actions", "enabled", "reason", "allowed host", "created")
    rows = [
        (
            each.id,
            each.url,
            " ".join(name for name in Action if name in each.actions),
            "yes" if each.enabled else "no",
            each.reason or "",
            each.allowed_host or "",
            each.created_at,
        )
        for each in found
    ]
    print_table("Webhooks", columns, rows)


@app.command("test")
def test(
    identifier: Identifier,
    webhook_allow: WebhookAllow = None,
    organization: Organization = DEFAULT_ORGANIZATION,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Send a signed `ping` from here, now, and print the result.

    A host that `rowen webhooks add` allowed needs no --webhook-allow here. One that only a server's --webhook-allow
    permits does.

    \b
    Example:
      rowen webhooks test 1
    """
    result = in_webhooks(
        database,
        organization,
        lambda hooks, found: hooks.test(found, WebhookId(identifier)),
        allow=webhook_allow,
    )
    if not result.delivered:
        hint = f"; {_FORBIDDEN_HINT}" if result.reason == wiring.forbidden_reason() else ""
        raise Refusal(Code.CONFLICT, f"webhook {identifier} did not take it: {result.reason}{hint}")
    typer.echo(f"Webhook {identifier} answered {result.status}.", err=True)


@app.command("rotate")
def rotate(
    identifier: Identifier,
    organization: Organization = DEFAULT_ORGANIZATION,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Rotate the secret of a webhook and print it. It is shown only once.

    The old secret stays valid for 24 hours: until then `webhook-signature` has a signature with each of the two.
    `Signature` has only one, made with the new secret from now on.

    \b
    Example:
      rowen webhooks rotate 1
    """
    rotated = in_webhooks(database, organization, lambda hooks, found: hooks.rotate(found, WebhookId(identifier)))
    typer.echo(f"The previous secret is valid until {rotated.previous_secret_until}.", err=True)
    typer.echo(rotated.secret)


@app.command("enable")
def enable(
    identifier: Identifier,
    organization: Organization = DEFAULT_ORGANIZATION,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Send to a webhook again, beginning with its pending deliveries.

    \b
    Example:
      rowen webhooks enable 1
    """
    _set_enabled(identifier, organization, database, enabled=True)
    typer.echo(f"Webhook {identifier} enabled.", err=True)


@app.command("disable")
def disable(
    identifier: Identifier,
    organization: Organization = DEFAULT_ORGANIZATION,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Stop sending to a webhook until it is enabled. Events that happen meanwhile are never sent.

    \b
    Example:
      rowen webhooks disable 1
    """
    _set_enabled(identifier, organization, database, enabled=False)
    typer.echo(f"Webhook {identifier} disabled.", err=True)


@app.command("remove")
def remove(
    identifier: Identifier,
    organization: Organization = DEFAULT_ORGANIZATION,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Remove a webhook and its pending deliveries.

    \b
    Example:
      rowen webhooks remove 1
    """
    in_webhooks(database, organization, lambda hooks, found: hooks.remove(found, WebhookId(identifier)))
    typer.echo(f"Webhook {identifier} removed.", err=True)


def _set_enabled(identifier: int, organization: str, database: str, *, enabled: bool) -> None:
    change = WebhookChange(enabled=enabled)
    in_webhooks(database, organization, lambda hooks, found: hooks.change(found, WebhookId(identifier), change))
