"""The commands of `rowen webhooks` about deliveries.

Owns how an operator looks at deliveries, sends them again and skips them. Must not know how they are printed.
"""

from collections.abc import Sequence
from typing import Annotated

import typer

from rowen.api.rowen.deliveries import delivery_record
from rowen.app.deliveries import AllPending, FailedSince, OneDelivery, OneRevision, Resendable, Skippable
from rowen.app.subscriptions import WebhookId
from rowen.cli.delivery_output import print_deliveries, print_delivery, print_delivery_json, print_json, read_time
from rowen.cli.options import Database, Organization
from rowen.cli.webhooks import Identifier, in_webhooks
from rowen.interviews.interview import LARGEST_ID
from rowen.interviews.moments import Instant
from rowen.settings import DEFAULT_DATABASE, DEFAULT_ORGANIZATION

app = typer.Typer()

_Event = Annotated[
    str | None,
    typer.Option("--event", envvar="ROWEN_DELIVERY_EVENT", metavar="EVENT_ID", help="The delivery with this event id."),
]
_Revision = Annotated[
    int | None,
    typer.Option(
        "--revision",
        envvar="ROWEN_DELIVERY_REVISION",
        min=1,
        max=LARGEST_ID,
        help="The deliveries for this change, by its revision in the feed.",
    ),
]
_Json = Annotated[bool, typer.Option("--json", envvar="ROWEN_DELIVERIES_JSON", help="Print JSON.")]


@app.command("deliveries")
def deliveries(
    identifier: Identifier,
    limit: Annotated[
        int, typer.Option(envvar="ROWEN_DELIVERIES_LIMIT", min=1, max=500, help="How many deliveries to list.")
    ] = 20,
    as_json: _Json = False,
    organization: Organization = DEFAULT_ORGANIZATION,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """List the deliveries to a webhook, the newest first.

    On a terminal the columns fit 100 characters; elsewhere they are separated by tabs, and there are more of them.

    \b
    Examples:
      rowen webhooks deliveries 1
      rowen webhooks deliveries 1 --limit 500 --json
    """
    found = in_webhooks(database, organization, lambda hooks, of: hooks.deliveries(of, WebhookId(identifier), limit))
    if as_json:
        print_json([delivery_record(each) for each in found])
    else:
        print_deliveries(f"Deliveries to webhook {identifier}", found)


@app.command("delivery")
def delivery(
    identifier: Identifier,
    event_id: Annotated[
        str, typer.Argument(metavar="EVENT_ID", help="The delivery's event id, as `deliveries` shows it.")
    ],
    as_json: _Json = False,
    organization: Organization = DEFAULT_ORGANIZATION,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Show one delivery: the request, and the receiver's last response.

    The event id is the `webhook-id` that the receiver gets. Up to 1,000 bytes of a response are kept.

    \b
    Example:
      rowen webhooks delivery 1 msg_5b3e4c9d2a1f4e6b8c7d9e0f1a2b3c4d
    """
    found = in_webhooks(database, organization, lambda hooks, of: hooks.delivery(of, WebhookId(identifier), event_id))
    (print_delivery_json if as_json else print_delivery)(found)


@app.command("resend")
def resend(
    identifier: Identifier,
    event: _Event = None,
    revision: _Revision = None,
    failed_since: Annotated[
        str | None,
        typer.Option(
            envvar="ROWEN_FAILED_SINCE",
            metavar="TIME",
            help="All deliveries that were given up at this time or later, such as 2027-01-18T10:00:00Z; those that "
            "wait for their next try are sent at once, too.",
            callback=read_time,
        ),
    ] = None,
    organization: Organization = DEFAULT_ORGANIZATION,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Send deliveries again, with the same event ids.

    Choose them with one of the options. A running server sends them in the order of changes, before newer ones. Each
    gets ten new attempts.

    \b
    Examples:
      rowen webhooks resend 1 --event msg_5b3e4c9d2a1f4e6b8c7d9e0f1a2b3c4d
      rowen webhooks resend 1 --revision 57
      rowen webhooks resend 1 --failed-since 2027-01-18T10:00:00Z
    """
    since = None if failed_since is None else FailedSince(Instant.parse(failed_since))
    choices: list[Resendable | None] = [_event(event), _of_revision(revision), since]
    _require_one(choices, "--event, --revision or --failed-since")
    (chosen,) = [each for each in choices if each is not None]
    count = in_webhooks(database, organization, lambda hooks, of: hooks.resend(of, WebhookId(identifier), chosen))
    typer.echo(f"{_counted(count)} to webhook {identifier} will be sent again.", err=True)


@app.command("skip")
def skip(
    identifier: Identifier,
    event: _Event = None,
    revision: _Revision = None,
    pending: Annotated[
        bool, typer.Option("--pending", envvar="ROWEN_SKIP_PENDING", help="All pending deliveries.")
    ] = False,
    organization: Organization = DEFAULT_ORGANIZATION,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Skip pending deliveries, so that later ones are sent.

    Choose them with one of the options. Skipped deliveries can be sent with `rowen webhooks resend` within 30 days. An
    attempt in progress is not cancelled.

    \b
    Examples:
      rowen webhooks skip 1 --event msg_5b3e4c9d2a1f4e6b8c7d9e0f1a2b3c4d
      rowen webhooks skip 1 --pending
    """
    everything = AllPending() if pending else None
    choices: list[Skippable | None] = [_event(event), _of_revision(revision), everything]
    _require_one(choices, "--event, --revision or --pending")
    (chosen,) = [each for each in choices if each is not None]
    count = in_webhooks(database, organization, lambda hooks, of: hooks.skip(of, WebhookId(identifier), chosen))
    typer.echo(f"{_counted(count)} to webhook {identifier} skipped.", err=True)


def _event(event_id: str | None) -> OneDelivery | None:
    return None if event_id is None else OneDelivery(event_id)


def _of_revision(revision: int | None) -> OneRevision | None:
    return None if revision is None else OneRevision(revision)


def _require_one(choices: Sequence[object], options: str) -> None:
    if sum(each is not None for each in choices) != 1:
        raise typer.BadParameter(f"needs exactly one of {options}")


def _counted(count: int) -> str:
    return "1 delivery" if count == 1 else f"{count:,} deliveries"
