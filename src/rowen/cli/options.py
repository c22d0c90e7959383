"""Options that several commands take.

Owns their names, environment variables and help. Must not know a command.
"""

import re
from typing import Annotated

import typer

from rowen.store.database import locate


def read_database(value: str) -> str:
    """Check the address of a database."""
    try:
        locate(value)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    return value


def read_databases(values: list[str] | None) -> list[str] | None:
    """Check the addresses of databases."""
    return values and [read_database(value) for value in values]


def read_name(value: str) -> str:
    """Check the name of an organization or key."""
    if re.fullmatch(r"[\w][\w .@\-]{0,99}", value) is None:
        raise typer.BadParameter("must be up to 100 letters, digits, spaces and . _ - @")
    return value


Database = Annotated[
    str,
    typer.Option(
        "--database",
        envvar="ROWEN_DATABASE",
        metavar="URL",
        help="Where the schedule is kept: sqlite:///FILE or postgresql://USER@HOST/NAME.",
        callback=read_database,
    ),
]
Organization = Annotated[
    str,
    typer.Option(
        "--organization",
        envvar="ROWEN_ORGANIZATION",
        metavar="NAME",
        help="Whose schedule it is.",
        callback=read_name,
    ),
]


def read_hosts(values: list[str] | None) -> list[str] | None:
    """Check host names and addresses."""
    for value in values or ():
        if re.fullmatch(r"[A-Za-z0-9_.\-]+|\[?[0-9A-Fa-f:.]+\]?", value) is None:
            raise typer.BadParameter(f"must be a host name or an address, without a port ({value})")
    return values


WebhookAllow = Annotated[
    list[str] | None,
    typer.Option(
        "--webhook-allow",
        envvar="ROWEN_WEBHOOK_ALLOW",
        metavar="HOST",
        help="A host that webhooks may lead to though its address is private, again for each; in the variable they are "
        "separated by spaces.",
        callback=read_hosts,
    ),
]
