"""Printing deliveries of webhooks.

Owns their table, their details and their JSON. Must not know where they come from. A receiver's response is shown
without control characters, which could control the terminal.
"""

import sys
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import typer
from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from rowen.api.rowen.deliveries import detail_record, sent_headers
from rowen.app.deliveries import Delivery, DeliveryDetail, DeliveryState
from rowen.cli.console import print_table
from rowen.interviews.moments import Instant

WIDTH: Final = 100
"""The width of the table on a terminal, in characters."""

_COLUMNS: Final = (
    *("event id", "interview", "action", "state", "attempts", "last status", "last error"),
    *("created", "last try", "next try", "settled", "revision"),
)
_encoder: Final = msgspec.json.Encoder(enc_hook=str)


def read_time(value: str | None) -> str | None:
    """Check an ISO-8601 time."""
    if value is not None:
        try:
            Instant.parse(value)
        except ValueError as error:
            raise typer.BadParameter("must be an ISO-8601 time, such as 2027-01-18T10:00:00Z") from error
    return value


def print_json(value: Any) -> None:
    """Print a value as JSON, indented."""
    typer.echo(msgspec.json.format(_encoder.encode(value), indent=2))


def print_deliveries(title: str, found: Sequence[Delivery]) -> None:
    """Print a table: drawn on a terminal, separated by tabs elsewhere."""
    if sys.stdout.isatty():
        Console(width=WIDTH).print(deliveries_table(title, found))  # a narrower terminal wraps lines, and loses nothing
    else:
        print_table(title, _COLUMNS, [_cells(each) for each in found])


def deliveries_table(title: str, found: Sequence[Delivery]) -> RenderableType:
    """Return the table for a terminal: two lines per delivery, so that it fits its width and cuts off nothing."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for column in ("Event", "Interview", "Created", "State"):
        table.add_column(column, no_wrap=True)
    table.add_column("Last answer", overflow="fold")
    for each in found:
        table.add_row(
            Text(f"{each.event_id}\n{each.action}"),
            Text("" if each.interview_id is None else str(each.interview_id)),
            _two_lines(each.created_at),
            Text(f"{each.state}\n{_tries(each)}"),
            Text(_last_answer(each)),
        )
    return table


def _two_lines(instant: Instant) -> Text:
    day, time = str(instant).split("T")
    return Text(f"{day}\n{time[:8]}Z")


def _tries(delivery: Delivery) -> str:
    return "1 try" if delivery.attempts == 1 else f"{delivery.attempts} tries"


def _last_answer(delivery: Delivery) -> str:
    answer = "" if delivery.last_status is None else str(delivery.last_status)
    if delivery.last_status is None and delivery.last_error is not None:
        answer = delivery.last_error
    if delivery.state is DeliveryState.PENDING and delivery.attempts:
        day, time = str(delivery.next_attempt_at).split("T")
        answer += f"\nnext {day}\n{time[:8]}Z"
    return answer


def _cells(delivery: Delivery) -> tuple[object, ...]:
    return (
        delivery.event_id,
        _or_empty(delivery.interview_id),
        delivery.action,
        delivery.state,
        delivery.attempts,
        _or_empty(delivery.last_status),
        _or_empty(delivery.last_error),
        delivery.created_at,
        _or_empty(delivery.last_attempt_at),
        delivery.next_attempt_at if delivery.settled_at is None else "",
        _or_empty(delivery.settled_at),
        delivery.revision,
    )


def _or_empty(value: object) -> object:
    return "" if value is None else value


def print_delivery_json(found: DeliveryDetail) -> None:
    """Print a delivery as JSON: as the API serves it, with `last_answer`."""
    served = msgspec.json.decode(_encoder.encode(detail_record(found)))
    print_json(
        {**served, "last_answer": None if found.last_answer is None else found.last_answer.decode(errors="replace")}
    )


def print_delivery(found: DeliveryDetail) -> None:
    """Print a delivery for people: its state, the request, and the receiver's last response."""
    for name, value in zip(_COLUMNS, _cells(found.delivery), strict=True):
        if value != "":
            typer.echo(f"{name[0].upper()}{name[1:]}: {value}")
    typer.echo("\nRequest, without its signatures:")
    for name, value in sent_headers(found.delivery).items():
        typer.echo(f"{name}: {value}")
    typer.echo("\n" + msgspec.json.format(found.body, indent=2).decode())
    if found.last_answer is not None:
        typer.echo(f"\nLast answer, its first {len(found.last_answer):,} bytes:")
        typer.echo(printable(found.last_answer))


def printable(answer: bytes) -> str:
    """Return the text of a response, with control characters replaced."""
    text = answer.decode(errors="replace").replace("\r\n", "\n")
    return "".join(each if each.isprintable() or each in "\n\t" else "\N{REPLACEMENT CHARACTER}" for each in text)
