"""The command line, put together.

Owns the tree of commands, and how an error ends one: a sentence on standard error and an exit status. Must not
know what commands do.
"""

import sys
from typing import Annotated

import typer

from rowen import __version__
from rowen.cli import database, exporting, following, importing, keys, organizations, serving, webhooks
from rowen.exchange.errors import SourceError
from rowen.interviews.errors import Refusal

app = typer.Typer(
    name="rowen",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="The interview schedule of a hiring team, self-hosted, speaking the Harvest API.",
)
app.command("serve")(serving.serve)
app.command("import")(importing.import_interviews)
app.command("export")(exporting.export_interviews)
app.command("follow")(following.follow)
app.add_typer(keys.app, name="keys")
app.add_typer(organizations.app, name="organizations")
app.add_typer(webhooks.app, name="webhooks")
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
    del version  # its callback has seen to it


def main() -> None:
    """Run the command line."""
    try:
        app()
    except Refusal as refusal:
        # The API's messages stand alone, and begin with a capital letter; here they end a sentence.
        details = (f"{each.field} {each.message[:1].lower()}{each.message[1:]}" for each in refusal.problems)
        _fail("; ".join(details) or refusal.message)
    except SourceError as error:
        _fail(str(error))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        name = error.filename2 or error.filename
        _fail(f"{name}: {reason}" if name else reason)


def _fail(message: str) -> None:
    typer.echo(f"rowen: {message}", err=True)
    sys.exit(1)
