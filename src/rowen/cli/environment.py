"""The environment variables of a command: those without effect, because no option has that name.

Owns the warnings, which never show a value: it may be a secret. Must not know what an option does.
"""

import re
from collections.abc import Iterable, Iterator, MutableMapping
from difflib import get_close_matches
from typing import Any, Final

import typer

PREFIX: Final = "ROWEN_"
_MOST_WARNINGS: Final = 10
_LONGEST_NAME: Final = 80
_ONE_LETTER_OFF: Final = 0.8

# The variables that Kubernetes sets in every pod for a service whose name begins with `rowen`.
_OF_KUBERNETES: Final = re.compile(r"\w+_SERVICE_(HOST|PORT(_\w+)?)|\w+_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?")
_SERVICE_LINK: Final = re.compile(r"(tcp|udp|sctp)://")


def variables(command: Any) -> Iterator[str]:
    """Return the names of the variables that a Click command and its subcommands know."""
    for parameter in command.params:
        if isinstance(parameter.envvar, str):
            yield parameter.envvar
    for inner in getattr(command, "commands", {}).values():
        yield from variables(inner)


def options(command: Any) -> Iterator[str]:
    """Return the options of a Click command and its subcommands, as they are written."""
    for parameter in command.params:
        yield from parameter.opts
    for inner in getattr(command, "commands", {}).values():
        yield from options(inner)


def warn_of_variables(command: Any, environment: MutableMapping[str, str]) -> None:
    """Warn, on standard error, of variables that are meant for Rowen and have no effect.

    A `ROWEN_PORT` set by Kubernetes, an address, is removed: it would make every start fail.
    """
    if not any(_is_meant_for_us(name) for name in environment):
        return
    known = set(variables(command))
    warnings = []
    for name, value in sorted(environment.items()):
        if _SERVICE_LINK.match(value) and name.startswith(PREFIX) and name.endswith("_PORT"):
            if name in known:
                del environment[name]
                warnings.append(f"{name} is ignored: Kubernetes has set it for a service. Use --port or another name")
        elif _is_meant_for_us(name) and name not in known and not _OF_KUBERNETES.fullmatch(name):
            warnings.append(
                f"the environment variable {_shown(name)} is unknown and has no effect{_meant(name, known)}"
            )
    for warning in warnings[:_MOST_WARNINGS]:
        typer.echo(f"rowen: {warning}", err=True)
    if len(warnings) > _MOST_WARNINGS:
        typer.echo(f"rowen: {len(warnings) - _MOST_WARNINGS} other variables have no effect either", err=True)


def _is_meant_for_us(name: str) -> bool:
    """Return whether a name begins with Rowen's prefix, in any case, or with one that differs by one letter."""
    prefix, separator, rest = name.upper().partition("_")
    if prefix + separator == PREFIX:
        return True
    return (
        prefix.startswith("R") and bool(rest) and bool(get_close_matches(prefix, [PREFIX[:-1]], cutoff=_ONE_LETTER_OFF))
    )


def _meant(name: str, known: Iterable[str]) -> str:
    endings = sorted(each.removeprefix(PREFIX) for each in known)
    near = get_close_matches(name.upper().partition("_")[2], endings, n=1)
    return f". Did you mean {PREFIX}{near[0]}?" if near else ""


def _shown(name: str) -> str:
    text = name if name.isprintable() else repr(name)
    return text if len(text) <= _LONGEST_NAME else text[:_LONGEST_NAME] + "…"
