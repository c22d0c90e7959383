"""The command line, assembled.

Owns the tree of commands, and how an error ends one: a message on standard error and an exit status. Must not know what
commands do.
"""

import inspect
import os
import sys
from collections.abc import Container
from typing import Annotated

import typer

from rowen import __version__
from rowen.cli import (
    availability,
    busy,
    change_feed,
    clients,
    database,
    exports,
    imports,
    interviews,
    keys,
    mirror,
    organizations,
    people,
    pools,
    rooms,
    server,
    slots,
    users,
    webhook_deliveries,
    webhooks,
)
from rowen.cli.environment import options, warn_of_variables
from rowen.imports.errors import SourceError
from rowen.interviews.errors import Refusal

app = typer.Typer(
    name="rowen",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="The interview schedule of a hiring team, self-hosted, speaking the Harvest API.",
)
app.command("serve")(server.serve)
app.command("import")(imports.import_interviews)
app.command("export")(exports.export_interviews)
app.command("follow")(change_feed.follow)
app.command("slots")(slots.slots)
app.add_typer(mirror.app, name="mirror")
app.add_typer(keys.app, name="keys")
app.add_typer(clients.app, name="clients")
app.add_typer(organizations.app, name="organizations")
app.add_typer(interviews.app, name="interviews")
app.add_typer(users.app, name="users")
app.add_typer(people.app, name="people")
app.add_typer(rooms.app, name="rooms")
app.add_typer(availability.app, name="availability")
app.add_typer(busy.app, name="busy")
app.add_typer(pools.app, name="pools")
app.add_typer(webhooks.app, name="webhooks")
webhooks.app.add_typer(webhook_deliveries.app)  # without a name of their own: they are commands of the same group
app.add_typer(database.app, name="db")


@app.command("openapi")
def openapi() -> None:
    """Print the OpenAPI 3.1 description of the API.

    \b
    Example:
      rowen openapi > rowen.openapi.json
    """
    import msgspec

    from rowen.http.openapi import openapi_document

    typer.echo(msgspec.json.format(msgspec.json.encode(openapi_document()), indent=2))


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"rowen {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    del version  # its callback has handled it


def _let_paragraphs_flow(group: typer.Typer) -> None:
    """Join the lines of each paragraph of help: Typer would keep the line breaks of the code at any width.

    Paragraphs that begin with `\\b`, the examples, keep their lines.
    """
    for command in group.registered_commands:
        command.help = _flowing(inspect.getdoc(command.callback) or "")
    if group.registered_callback is not None and (text := inspect.getdoc(group.registered_callback.callback)):
        group.registered_callback.help = _flowing(text)
    for inner in group.registered_groups:
        if inner.typer_instance is not None:
            _let_paragraphs_flow(inner.typer_instance)


def _flowing(text: str) -> str:
    return "\n\n".join(each if each.startswith("\b") else " ".join(each.splitlines()) for each in text.split("\n\n"))


_let_paragraphs_flow(app)


def main() -> None:
    """Run the command line."""
    command = typer.main.get_command(app)  # once: it takes as long as many a command
    if "_ROWEN_COMPLETE" not in os.environ:  # for shell completion, warnings would appear in the middle of a line
        warn_of_variables(command, os.environ)
    try:
        command()
    except Refusal as refusal:
        # The API's messages stand alone and begin with a capital letter; here they end a sentence.
        names = set(options(command))
        details = (
            f"{_shown(each.field, names)} {each.message[:1].lower()}{each.message[1:]}" for each in refusal.problems
        )
        _fail("; ".join(details) or refusal.message)
    except SourceError as error:
        _fail(str(error))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        name = error.filename2 or error.filename
        _fail(f"{name}: {reason}" if name else reason)


def _shown(field: str, names: Container[str]) -> str:
    """Return the option for a field of the API, if there is one: `--starts-after` for `starts_after`."""
    option = f"--{field.replace('_', '-')}"
    return option if option in names else field


def _fail(message: str) -> None:
    typer.echo(f"rowen: {message}", err=True)
    sys.exit(1)
