"""Calendars of others, as addresses return them, and what is asked of them."""

from datetime import UTC, datetime
from typing import Final

from rowen.polling.expansion import AskedWindow

BERLIN: Final = "Europe/Berlin"


def at(text: str) -> int:
    """Return a time in UTC in milliseconds since 1970."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


ASKED: Final = AskedWindow(BERLIN, frozenset({"ada@team.example"}), at("2031-02-01"), at("2032-02-01"))


def event(*lines: str, start: str = "DTSTART:20310203T090000Z", end: str = "DTEND:20310203T100000Z") -> str:
    """Return an event with these lines."""
    return "\r\n".join(["BEGIN:VEVENT", "UID:one", start, *([end] if end else []), *lines, "END:VEVENT"])


def calendar(*components: str) -> bytes:
    """Return a calendar."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//x//y//EN", *components, "END:VCALENDAR", ""]
    return "\r\n".join(lines).encode()
