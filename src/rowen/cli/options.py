"""Options made from tables of settings, and those that several commands take.

Owns how each type of a setting is read from text. Must not know a command.
"""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from functools import wraps
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Final, NamedTuple, get_args, get_origin
from urllib.parse import urlsplit

import typer

from rowen.app.roles import Role
from rowen.settings import (
    CommandSettings,
    DatabaseUrl,
    GroupRole,
    HostName,
    IsoTime,
    OrganizationName,
    PublicUrl,
    RedisUrl,
    ServerSettings,
    Setting,
    settings_of,
)
from rowen.store.database import locate

_PUBLIC_URL: Final = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+(/[A-Za-z0-9._~/\-]*)?")
_HOST: Final = re.compile(r"[A-Za-z0-9_.\-]+|\[?[0-9A-Fa-f:.]+\]?")
_NAME: Final = re.compile(r"[\w][\w .@\-]{0,99}")


def _check_public_url(text: str) -> None:
    if _PUBLIC_URL.fullmatch(text) is None or not _has_valid_host(text):
        raise ValueError("must look like https://interviews.example.com, with a port or a path if need be")


def _has_valid_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets that do not match, a port above 65535
        return False


def _check_redis_url(text: str) -> None:
    from rowen.http.shared_rate_limit import connections  # imported here: Redis's client takes long to import

    connections(text)


def _check_host(text: str) -> None:
    if _HOST.fullmatch(text) is None:
        raise ValueError(f"must be a host name or an address, without a port ({text})")


def _check_name(text: str) -> None:
    if _NAME.fullmatch(text) is None:
        raise ValueError("must be up to 100 letters, digits, spaces and . _ - @")


def _check_group_role(text: str) -> None:
    role, _, group = text.partition("=")
    if role not in list(Role) or not group:
        raise ValueError(f"must look like coordinator=GROUP, with one of the roles {', '.join(Role)}")


class _TextType(NamedTuple):
    """How a value is shown in help, and what raises ValueError where a text is none."""

    metavar: str
    check: Callable[[str], object]


_TEXT_TYPES: Final[Mapping[Any, _TextType]] = {
    DatabaseUrl: _TextType("URL", locate),
    RedisUrl: _TextType("URL", _check_redis_url),
    PublicUrl: _TextType("URL", _check_public_url),
    HostName: _TextType("HOST", _check_host),
    GroupRole: _TextType("ROLE=GROUP", _check_group_role),
    OrganizationName: _TextType("NAME", _check_name),
    IsoTime: _TextType("TIME", str),  # the API checks it
}


def checked(check: Callable[[str], object]) -> Callable[[Any], Any]:
    """Return a Typer callback that refuses a text, or any text of a list, for which `check` raises ValueError."""

    def callback(value: Any) -> Any:
        try:
            for text in [value] if isinstance(value, str) else value or ():
                check(text)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
        return value

    return callback


read_database: Final = checked(locate)
read_name: Final = checked(_check_name)


def option(row: Setting) -> Any:
    """Return the Typer option of a setting; a path must be that of a file that exists."""
    kind = _kind_of_one(row)
    text = _TEXT_TYPES.get(kind)
    return typer.Option(
        row.option,
        envvar=row.variable,
        help=row.help,
        min=row.least,
        max=row.most,
        metavar=row.metavar or (text and text.metavar),
        callback=text and checked(text.check),
        exists=kind is Path,
        dir_okay=kind is not Path,
    )


def _kind_of_one(row: Setting) -> Any:
    """Return the type of one value: `HostName` for `HostName | None` and for `tuple[HostName, ...]`."""
    return next((each for each in get_args(row.kind) if each not in (NoneType, ...)), row.kind)


def _parameter(row: Setting) -> inspect.Parameter:
    """Return the parameter by which Typer makes the option of a setting."""
    kind = _kind_of_one(row)
    kind = getattr(kind, "__supertype__", kind)
    default = None if _is_repeated(row) else row.default
    if _is_repeated(row):
        kind = list[kind]  # type: ignore[valid-type]  # as below
    if default is None:
        kind = kind | None
    annotated = Annotated[kind, option(row)]  # type: ignore[valid-type]  # made when the program runs
    return inspect.Parameter(row.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotated)


def _is_repeated(row: Setting) -> bool:
    return get_origin(row.kind) is tuple


def _value(row: Setting, given: Any) -> Any:
    """Return the value of a setting from what Typer gives for it."""
    return tuple(given or ()) if _is_repeated(row) else given


def with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command, in place of each parameter that is a table of settings, an option for each row of the table."""
    signature = inspect.signature(command)
    kinds = {each.name: each.annotation for each in signature.parameters.values()}
    tables = {name: kind for name, kind in kinds.items() if isinstance(kind, type) and is_dataclass(kind)}
    parameters = []
    for each in signature.parameters.values():
        if each.name in tables:
            parameters += [_parameter(row) for row in settings_of(tables[each.name])]
        else:
            parameters.append(each.replace(kind=inspect.Parameter.KEYWORD_ONLY))

    @wraps(command)
    def call(**values: Any) -> None:
        for name, table in tables.items():
            values[name] = table(**{row.name: _value(row, values.pop(row.name)) for row in settings_of(table)})
        command(**values)

    described: Any = call
    described.__signature__ = signature.replace(parameters=parameters)
    return call


_ROWS: Final = {row.name: row for table in (ServerSettings, CommandSettings) for row in settings_of(table)}

Database = Annotated[str, option(_ROWS["database"])]
Organization = Annotated[str, option(_ROWS["organization"])]
PublicAddress = Annotated[str | None, option(_ROWS["public_url"])]
WebhookAllow = Annotated[list[str] | None, option(_ROWS["webhook_allow"])]
