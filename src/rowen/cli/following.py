"""`rowen follow`.

Owns where the feed is read, and how its lines look on a terminal and elsewhere. Must not know what they say.
"""

import os
import sys
from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.text import Text

from rowen import wiring
from rowen.app import following
from rowen.app.following import Listening
from rowen.cli.console import run
from rowen.cli.options import Database, Organization
from rowen.cli.sentences import Told, read_entry, sentence
from rowen.interviews.changes import Kind
from rowen.interviews.errors import Code, Refusal
from rowen.settings import DEFAULT_DATABASE, DEFAULT_ORGANIZATION
from rowen.store.database import locate, upgrade
from rowen.store.engine import Location

Show = Callable[[bytes], None]
"""Shows an entry of the feed."""

_SILENCE_SECONDS: Final = 3600.0  # nobody is told of it here
_STYLES: Final[dict[str, str]] = {
    Kind.CREATED: "green",
    Kind.CANCELLED: "red",
    Kind.RESCHEDULED: "yellow",
    Kind.STATUS_CHANGED: "dim",
    Kind.IMPORTED: "dim",
}


def follow(
    server: Annotated[
        str | None,
        typer.Option(
            "--server", envvar="ROWEN_SERVER", metavar="URL", help="Follow this server; otherwise the database."
        ),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            "--key", envvar="ROWEN_KEY", metavar="KEY", help="The API key for the server; better in the environment."
        ),
    ] = None,
    after: Annotated[
        int | None,
        typer.Option(
            envvar="ROWEN_AFTER",
            min=0,
            metavar="REVISION",
            help="Begin behind this revision, 0 for the first change there is; otherwise with what comes from now on.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", envvar="ROWEN_JSON", help="Write the entries as they are, a line each.")
    ] = False,
    organization: Organization = DEFAULT_ORGANIZATION,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Show what happens to the schedule, as it happens, until Ctrl-C.

    \b
    Examples:
      rowen follow
      rowen follow --after 0 --json > changes.jsonl
      ROWEN_KEY=… rowen follow --server https://interviews.example.com
    """
    if server is not None and not key:
        raise typer.BadParameter("is needed with --server, best as ROWEN_KEY in the environment", param_hint="--key")
    show = _show_json if as_json else _lines()
    try:
        if server is not None:
            _follow_server(server, key or "", after, show)
        else:
            location = locate(database)
            upgrade(location, create=False)
            run(_follow_database(location, organization, after, show))
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except BrokenPipeError:
        # Whoever read has enough, as `head` does; nothing may be written to it at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from None


def _follow_server(server: str, key: str, after: int | None, show: Show) -> None:
    from dataclasses import replace

    from rowen.exchange.following import FOLLOWING, ServerFeed

    def tell(reason: str, seconds: float) -> None:
        typer.echo(f"{reason}; once more in {seconds:.1f} seconds", err=True)

    for body in ServerFeed(server, key, replace(FOLLOWING, tell=tell)).entries(after):
        show(body)


async def _follow_database(location: Location, name: str, after: int | None, show: Show) -> None:
    async with wiring.opened(location) as store:
        organization = await store.organizations.find(name)
        if organization is None:
            raise Refusal(Code.NOT_FOUND, f"there is no organization {name!r}")
        listening = Listening(organization.revision if after is None else after, _SILENCE_SECONDS)
        async for entries in following.follow(store.feed, store.commits, organization, listening):
            for entry in entries or ():
                show(entry.body)


def _show_json(body: bytes) -> None:
    sys.stdout.buffer.write(body + b"\n")
    sys.stdout.buffer.flush()


def _lines() -> Show:
    """Return what shows an entry as a line, with a line of its own where the day is another than before."""
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


def _line(entry: Told, time: datetime) -> Text:
    """Return the line of an entry: `14:02:11  Kate Austen accepted interview 9128481 (Culture Fit), …`."""
    style = _STYLES.get(entry.kind, "")
    return Text.assemble((f"{time:%H:%M:%S}", "dim"), "  ", (sentence(entry, None), style))


def _print(console: Console | None, line: Text) -> None:
    if console is None:
        typer.echo(line.plain)
        sys.stdout.flush()
    else:
        console.print(line)
