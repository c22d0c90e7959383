"""`rowen follow`.

Owns where the feed is read, and the layout of its lines on a terminal and elsewhere. Must not know their content.
"""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Annotated, Final

import msgspec
import typer
from rich.console import Console
from rich.text import Text

from rowen.api.rowen.changes import entry_body
from rowen.app import changes
from rowen.app.changes import Subscription
from rowen.cli.change_descriptions import ChangeEntry, describe, read_entry
from rowen.cli.console import run, write_bytes
from rowen.cli.options import with_settings
from rowen.cli.store import open_organization, require_database
from rowen.interviews.changes import Kind
from rowen.settings import CommandSettings, SettingRow
from rowen.store.engines.base import Location

Show = Callable[[bytes], None]
"""Shows an entry of the feed."""

_SILENCE_SECONDS: Final = 3600.0  # heartbeats are not shown here
_UNREADABLE: Final = (msgspec.MsgspecError, ValueError, TypeError, OverflowError, RecursionError)
_STYLES: Final[dict[str, str]] = {
    Kind.CREATED: "green",
    Kind.CANCELLED: "red",
    Kind.RESCHEDULED: "yellow",
    Kind.STATUS_CHANGED: "dim",
    Kind.IMPORTED: "dim",
    Kind.RECORDED: "dim",
}


@dataclass(frozen=True, slots=True)
class FollowSettings:
    """What is followed, from where on, and how it is shown."""

    server: Annotated[str | None, SettingRow("The server to follow. Default: the database.", metavar="URL")] = None
    key: Annotated[
        str | None,
        SettingRow(
            "The API key for the server. Prefer the variable: other users of the machine can see options.",
            metavar="KEY",
        ),
    ] = None
    after: Annotated[
        int | None,
        SettingRow(
            "Start after this revision (0 for the beginning). Default: only new changes.", 0, metavar="REVISION"
        ),
    ] = None
    as_json: Annotated[bool, SettingRow("Print each change as a line of JSON.", option="--json")] = False


@with_settings
def follow(settings: FollowSettings, place: CommandSettings) -> None:
    """Show changes to the schedule as they happen, until Ctrl-C.

    \b
    Examples:
      rowen follow
      rowen follow --after 0 --json > changes.jsonl
      ROWEN_KEY=… rowen follow --server https://interviews.example.com
    """
    key = (settings.key or "").strip()  # a file's line break is no part of a key
    if settings.server is not None and not key:
        raise typer.BadParameter("is needed with --server, best as ROWEN_KEY in the environment", param_hint="--key")
    show = _show_json if settings.as_json else _lines()
    try:
        if settings.server is not None:
            _follow_server(settings.server, key, settings.after, show)
        else:
            run(_follow_database(require_database(place.database), place.organization, settings.after, show))
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except BrokenPipeError:
        # The reader has closed the pipe, as `head` does; nothing may be written to it at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from None


def _follow_server(server: str, key: str, after: int | None, show: Show) -> None:
    from rowen.client.change_feed import FOLLOWING, ServerFeed
    from rowen.imports.errors import ServerResponseError

    def report_retry(reason: str, seconds: float) -> None:
        typer.echo(f"{reason}; trying again in {seconds:.1f} s", err=True)

    feed = ServerFeed(server, key, replace(FOLLOWING, on_retry=report_retry))
    for body in feed.entries(after):
        try:
            show(body)
        except _UNREADABLE as error:
            raise ServerResponseError(f"{feed.name}: the server sent a change that cannot be read") from error


async def _follow_database(location: Location, name: str, after: int | None, show: Show) -> None:
    async with open_organization(location, name) as (store, organization):
        subscription = Subscription(organization.revision if after is None else after, _SILENCE_SECONDS)
        async for entries in changes.follow(store.feed, store.commits, organization, subscription):
            for entry in entries or ():
                show(entry_body(entry))


def _show_json(body: bytes) -> None:
    read_entry(body)  # a server may send anything
    write_bytes(body.replace(b"\n", b" ") + b"\n")
    sys.stdout.buffer.flush()


def _lines() -> Show:
    """Return a function that shows an entry as a line, preceded by a line with the date if the day has changed."""
    console = Console(highlight=False, soft_wrap=True) if sys.stdout.isatty() else None
    day: date = datetime.now().astimezone().date()

    def show(body: bytes) -> None:
        nonlocal day
        entry = read_entry(body)
        time = entry.time.astimezone()
        if time.date() != day:
            day = time.date()
            _print(console, Text(f"{day:%A %d %B %Y}", "bold"))
        _print(console, _line(entry, time))

    return show


def _line(entry: ChangeEntry, time: datetime) -> Text:
    """Return the line of an entry: `14:02:11  Kate Austen accepted interview 9128481 (Culture Fit), …`."""
    style = _STYLES.get(entry.kind, "")
    return Text.assemble((f"{time:%H:%M:%S}", "dim"), "  ", (describe(entry, None), style))


def _print(console: Console | None, line: Text) -> None:
    if console is None:
        typer.echo(line.plain)
        sys.stdout.flush()
    else:
        console.print(line)
