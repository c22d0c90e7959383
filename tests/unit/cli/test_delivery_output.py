"""Deliveries are shown in 100 columns, complete, and a receiver's response cannot control the terminal."""

from dataclasses import replace
from io import StringIO

from rich.console import Console

from rowen.app.deliveries import Delivery, DeliveryState
from rowen.app.subscriptions import Action
from rowen.cli.delivery_output import WIDTH, deliveries_table, printable
from rowen.interviews.interview import LARGEST_ID
from rowen.interviews.moments import Instant
from rowen.webhooks.sender import EXCESSIVE, FORBIDDEN

NOW = Instant.parse("2027-01-18T10:00:00.000Z")
LATER = Instant.parse("2027-01-18T14:00:07.000Z")
DELIVERY = Delivery(
    *(DeliveryState.DELIVERED, Action.SCORECARD_SUBMITTED, "msg_" + "0123456789abcdef" * 2, 57, 1, 204, None, NOW),
    *(NOW, LATER, 109_170_954, LATER),
)
ALL = (
    DELIVERY,
    replace(DELIVERY, state=DeliveryState.FAILED, attempts=10, last_status=503, interview_id=None),
    replace(DELIVERY, state=DeliveryState.PENDING, attempts=3, last_status=None, last_error=EXCESSIVE, settled_at=None),
    replace(DELIVERY, state=DeliveryState.PENDING, attempts=2, last_status=None, last_error=FORBIDDEN, settled_at=None),
    replace(DELIVERY, state=DeliveryState.PENDING, attempts=0, last_status=None, interview_id=LARGEST_ID),
    replace(DELIVERY, state=DeliveryState.SKIPPED, event_id="[red]msg[/red]"),
)


def drawn(width: int = WIDTH) -> list[str]:
    """Return the lines of the table."""
    console = Console(file=StringIO(), width=width, force_terminal=True, color_system=None)
    with console.capture() as captured:
        console.print(deliveries_table("Deliveries to webhook 1", ALL))
    return captured.get().splitlines()


def test_a_table_of_deliveries_fits_a_hundred_columns() -> None:
    lines = drawn()
    assert max(map(len, lines)) <= WIDTH == 100
    text = "\n".join(lines)
    assert text.count(DELIVERY.event_id) == len(ALL) - 1, "no id is broken or cut off"
    for shown in ("109170954", str(LARGEST_ID), "scorecard_submitted", "skipped", "10 tries", "503", "[red]msg[/red]"):
        assert shown in text
    assert "\N{HORIZONTAL ELLIPSIS}" not in text
    assert all(word in text.split() for word in (*EXCESSIVE.split(), *FORBIDDEN.split())), "whole reasons"
    assert "next 2027-01-18" in text
    assert len(lines) < 30, "a few lines for each"


def test_a_receivers_response_is_shown_without_control_characters() -> None:
    answer = b"<p>caf\xc3\xa9</p>\r\n\x1b]0;title\x07\x9b2J\xe2\x80\xae\tend\x00"
    shown = printable(answer)
    assert shown.startswith("<p>caf\N{LATIN SMALL LETTER E WITH ACUTE}</p>\n")
    assert all(letter.isprintable() or letter in "\n\t" for letter in shown)
    assert "title" in shown
