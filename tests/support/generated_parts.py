"""The parts of the documents that are made from the code: `scripts/docs` writes them, a test compares them.

Owns their form, and the texts that the code does not contain: when an error is returned, what a kind of change means. A
part is between `<!-- made from the code: NAME -->` and `<!-- end -->`.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, Final

import typer
from typer.core import TyperArgument, TyperOption

from benchmarks.sizing import table as sizing
from rowen.api.codec.documents import event_body
from rowen.api.declarations import Operation
from rowen.api.errors import ERROR_RESPONSES
from rowen.api.generations import Generation
from rowen.api.operations import OPERATIONS
from rowen.api.reading.query import list_parameters
from rowen.api.v1.catalogue import CATALOGUE, ArchiveCall
from rowen.api.v1.records import RESOURCES
from rowen.api.v3.lists import LISTS
from rowen.app.archive import ARCHIVED, permissions
from rowen.app.delivery_attempts import ATTEMPTS, pause_after
from rowen.app.keys import PERMISSIONS
from rowen.app.outbox import events_of
from rowen.app.rows import HELD
from rowen.app.scopes import SCOPES
from rowen.cli.main import app
from rowen.http.openapi import openapi_document
from rowen.interviews.changes import Actor, ActorKind, Change, Kind
from rowen.interviews.errors import Code
from rowen.interviews.lifecycle import TABLE, Absent, Becomes, Refused, Situation, State
from tests.support.documents import DOCUMENTS

_PART: Final = re.compile(r"(<!-- made from the code: (\w+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)

_WHEN: Final = {
    Code.MALFORMED: "The body of a write is not JSON, or not in UTF-8.",
    Code.UNAUTHENTICATED: "There is no key, or it is malformed, unknown or revoked. Carries `WWW-Authenticate`, with "
    '`error="missing_key"` if the request has no readable key.',
    Code.FORBIDDEN: "The key lacks the permission for this call.",
    Code.READ_ONLY: "A write, if the organization mirrors an account: `rowen mirror`.",
    Code.PARTLY_READ_ONLY: "A write of anything but interviews, if the organization mirrors an account: `rowen mirror "
    "--write-through`.",
    Code.ACCOUNT_FORBIDS: "The mirrored account refuses the write, or gives no token for its user; `errors` has its "
    "reasons, if it names any.",
    Code.ACCOUNT_BUSY: "The mirrored account answers 429. Carries `Retry-After`.",
    Code.ACCOUNT_FAILED: "The mirrored account answers a write with anything but an answer of Harvest v3.",
    Code.ACCOUNT_UNREACHABLE: "The mirrored account cannot be reached, or a write never appeared in it. Carries "
    "`Retry-After`.",
    Code.ACCOUNT_SILENT: "The mirrored account has not answered a write within `--mirror-wait`.",
    Code.NOT_TAKEN: "No `rowen mirror --write-through` runs, it is busy, or it reads the account for the first time. "
    "Carries `Retry-After`.",
    Code.BAD_HOST: "An HTTP/1.1 request without a `Host` header, or with several.",
    Code.CROSS_SITE: "A browser sent a write for a page of another site: its `Sec-Fetch-Site` is neither "
    "`same-origin` nor `none`, or its `Origin` is not this server's.",
    Code.INSECURE: "Plain HTTP from another machine, if the server was started with `--require-https`.",
    Code.UNEXPECTED_BODY: "The request has a body.",
    Code.NOT_FOUND: "No such path, interview, application or other record, or its id is no integer from 1 to "
    "2^53 - 1; or `On-Behalf-Of` names no user, as `errors` reports. "
    "Records of other organizations are not found, either.",
    Code.METHOD_NOT_ALLOWED: "The path is right and the method is not. Carries `Allow`.",
    Code.TIMED_OUT: "The body did not arrive within 20 seconds.",
    Code.CONFLICT: "Somebody would be in two interviews at once, and the organization rejects that; `errors` names the "
    "interviewers and the other interviews.",
    Code.IN_FLIGHT: "Another request with the same `Idempotency-Key` is still in progress.",
    Code.STALE: "The interview is no longer in the version that `If-Match` names.",
    Code.TOO_LARGE: "The body of a write is larger than 1 MiB.",
    Code.ADDRESS_TOO_LONG: "The query string is longer than 8 KiB.",
    Code.UNSUPPORTED_MEDIA: "The body of a write has another media type. One without `Content-Type` is taken for JSON.",
    Code.INVALID: "Parameters, headers or fields are wrong; `errors` names each of them.",
    Code.RATE_LIMITED: "The key has used up its window. Carries `Retry-After` and `X-RateLimit-Reset`.",
    Code.UNREAD: "Responses to the key, more than 16 MiB, are waiting to be read. Carries `Retry-After`.",
    Code.TOO_MANY_FOLLOWERS: "The key has 256 live streams of changes open on this worker. Carries `Retry-After`.",
    Code.HEADERS_TOO_LARGE: "The headers of the request are larger than 32 KiB, or more than 100.",
    Code.FAULT: "An internal error. The body contains a `request_id` to quote.",
    Code.UNAVAILABLE: "The database does not respond: a full disk, a damaged or missing file. Carries `Retry-After` "
    "and a `request_id`.",
    Code.OVERLOADED: "Responses of more than 128 MiB are waiting to be read by all clients of this worker. Carries "
    "`Retry-After` and a `request_id`.",
}


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |\n" for line in lines)


def _settings() -> str:
    """Return the options of `rowen serve`."""
    return _options(_command(("serve",)))


def _commands() -> str:
    """Return every command but `serve`."""
    return "\n".join(_described(path) for path in _paths(typer.main.get_command(app)) if path != ("serve",))


def _paths(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, inner in getattr(command, "commands", {}).items():
        if getattr(inner, "commands", None):
            if inner.invoke_without_command:
                yield (*path, name)
            yield from _paths(inner, (*path, name))
        else:
            yield (*path, name)


def _command(path: Sequence[str]) -> Any:
    command: Any = typer.main.get_command(app)
    for name in path:
        command = command.commands[name]
    return command


def _described(path: tuple[str, ...]) -> str:
    command = _command(path)
    arguments = [each for each in command.params if isinstance(each, TyperArgument)]
    usage = " ".join(["rowen", *path, *(each.metavar or str(each.name).upper() for each in arguments)])
    text = " ".join(command.help.partition("\b")[0].split())
    parts = [f"### `{usage}`\n", f"{text}\n"]
    if arguments:
        rows = [(f"`{each.metavar or str(each.name).upper()}`", each.help or "") for each in arguments]
        parts.append(_table(("Argument", "Meaning"), rows))
    if any(isinstance(each, TyperOption) for each in command.params):
        parts.append(_options(command))
    return "\n".join(parts)


def _options(command: Any) -> str:
    rows = [
        (
            " ".join(f"`{name}`" for name in option.opts),
            f"`{option.envvar}`" if option.envvar else "",
            _default(option),
            option.help or "",
        )
        for option in command.params
        if isinstance(option, TyperOption) and not option.hidden
    ]
    return _table(("Option", "Environment variable", "Default", "Meaning"), rows)


def _default(option: TyperOption) -> str:
    default = option.default.value if isinstance(option.default, Enum) else option.default
    if option.is_flag:
        return "on" if default else "off"
    return "" if default is None else f"`{default}`"


def _calls() -> str:
    """Return the calls of the API that take API keys."""
    return _table(
        ("Call", "What it does", "Permission"),
        [
            (f"`{each.method} {each.path}`", each.summary, f"`{each.permission}`")
            for each in OPERATIONS
            if each.generation is Generation.V1 and not _is_archive(each)
        ],
    )


def _is_archive(operation: Operation) -> bool:
    return operation.path in _ARCHIVE


def _archive() -> str:
    """Return the calls of Harvest v1 that read, and how each is answered."""
    reads = [each for each in OPERATIONS if each.method == "GET" and each.path.startswith("/v1/")]
    return _table(
        ("Call", "Answered", "Permission", "Filters", "Name for import"),
        [_answered(each, _ARCHIVE.get(each.path)) for each in reads],
    )


def _answered(operation: Operation, call: ArchiveCall | None) -> tuple[str, ...]:
    path, permission = f"`{operation.path}`", f"`{operation.permission}`"
    if call is None:
        return path, "served", permission, "", ""
    if not ARCHIVED[call.resource].kept:
        return path, "empty", permission, "", ""
    filters = ", ".join(f"`{each}`" for each in operation.query if each not in list_parameters())
    return path, "archived", permission, filters, f"`{call.resource}`"


_ARCHIVE: Final = {call.path: call for call in CATALOGUE}


def _v3_lists() -> str:
    """Return the lists of v3, whether they hold rows, and the parameters that not every list has."""
    common = set.intersection(*(set(each.parameters) for each in LISTS.values()))
    rows = []
    for name, declared in LISTS.items():
        own = ", ".join(f"`{each}`" for each in declared.parameters if each not in common)
        held = "yes" if name in HELD else ""
        rows.append((f"`/v3/{name}`", held, own, f"`{SCOPES[f'harvest:{name}:list']}`"))
    return _table(("List", "Rows", "Parameters of its own", "Permission of keys that includes it"), rows)


def _permissions() -> str:
    """Return the permissions of keys."""
    archive = permissions()
    rows = [(f"`{name}`", meaning) for name, meaning in PERMISSIONS.items() if name not in archive]
    return _table(("Permission", "Lets a key"), rows)


def _parameters() -> str:
    """Return the parameters of a list."""
    found = openapi_document()["paths"]["/v1/scheduled_interviews"]["get"]["parameters"]
    rows = [
        (f"`{each['name']}`", each["description"], _values(each["schema"])) for each in found if each["in"] == "query"
    ]
    return _table(("Parameter", "Meaning", "Values"), rows)


def _values(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return "ISO-8601"
    default = f"; {str(schema['default']).lower()} by default" if "default" in schema else ""
    if schema["type"] == "integer":
        largest = schema["maximum"]
        return f"{schema['minimum']} to {'2^63 - 1' if largest == 2**63 - 1 else largest}{default}"
    return f"true or false{default}" if schema["type"] == "boolean" else "text"


def _errors() -> str:
    """Return every error of the API."""
    return _table(
        ("Status", "`message`", "When"),
        [(str(error.status), error.message, _WHEN[code]) for code, error in ERROR_RESPONSES.items()],
    )


def _filters() -> str:
    """Return the filters of users, applications, stages and scorecards."""
    return _table(
        ("List", "Filters"),
        [
            (f"`/v1/{name}`", ", ".join(f"`{each}`" for each in resource.filters))
            for name, resource in RESOURCES.items()
        ],
    )


def _lifecycle() -> str:
    """Return the state that each command leads to from each state."""
    return _table(
        ("State", "Command", *(f"If {each.value}" for each in Situation), "Refused, because it"),
        [(_state(state), command.value, *_cells(rule)) for (state, command), rule in TABLE.items()],
    )


def _cells(rule: Becomes | Refused) -> tuple[str, ...]:
    if isinstance(rule, Refused):
        return (*("" for _ in Situation), rule.reason)
    return (*(_state(rule.state(each)) for each in Situation), "")


def _state(state: State) -> str:
    return "none" if isinstance(state, Absent) else f"`{state.value}`"


def _kinds() -> str:
    """Return the kinds of changes, and the webhook actions of each."""
    events = {kind: events_of(Change(kind, Actor(ActorKind.USER), b"{}"), b"{}", event_body) for kind in Kind}
    return _table(
        ("`kind`", "What happened", "Webhook action"),
        [(f"`{kind}`", _HAPPENED[kind], ", ".join(f"`{each.action}`" for each in events[kind])) for kind in Kind],
    )


_HAPPENED: Final = {
    Kind.CREATED: "An interview was created",
    Kind.RESCHEDULED: "It was moved to another time",
    Kind.PANEL_CHANGED: "Somebody joined the panel or left it",
    Kind.RESPONDED: "An interviewer answered",
    Kind.UPDATED: "Another field was changed",
    Kind.STATUS_CHANGED: "Its end has passed; or, in a mirror, it has another status in the account",
    Kind.SCORED: "A scorecard was submitted",
    Kind.SCORE_REMOVED: "A submitted scorecard was deleted",
    Kind.PERSON_RENAMED: "Its organizer or an interviewer has another name, employee id or address",
    Kind.CANCELLED: "It was deleted; `document` is its last version",
    Kind.IMPORTED: "A batch was imported; `resource` and `counts` describe it; no `document`",
    Kind.REPAIRED: "`rowen db repair` set times in the future to the present; for other records `resource` and "
    "`counts` describe them, without a `document`",
    Kind.RECORDED: "A client added or changed a user, job, job stage, candidate or application; `resource`, "
    "`counts` and `fields` describe it; no `document`",
}


def _delays() -> str:
    """Return the delays between attempts of a delivery."""
    pauses = [pause_after(tries, lambda: 0.5) for tries in range(1, ATTEMPTS)]
    return _table(("After attempt", "Next attempt"), [(str(tries), _spoken(ms)) for tries, ms in enumerate(pauses, 1)])


def _spoken(milliseconds: int) -> str:
    for name, unit in (("hour", 3_600_000), ("minute", 60_000), ("second", 1_000)):
        if milliseconds % unit == 0:
            count = milliseconds // unit
            return f"{count} {name}{'' if count == 1 else 's'} later"
    raise ValueError(milliseconds)


PARTS: Final[dict[str, Callable[[], str]]] = {
    "settings": _settings,
    "sizing": sizing,
    "commands": _commands,
    "calls": _calls,
    "archive": _archive,
    "v3_lists": _v3_lists,
    "permissions": _permissions,
    "parameters": _parameters,
    "errors": _errors,
    "filters": _filters,
    "lifecycle": _lifecycle,
    "kinds": _kinds,
    "delays": _delays,
}


def parts_in(document: Path) -> list[str]:
    """Return the names of the parts in a document."""
    return [found[2] for found in _PART.finditer(document.read_text())]


def renewed(document: Path) -> str:
    """Return the document's text with its parts regenerated."""
    return _PART.sub(lambda found: f"{found[1]}\n{PARTS[found[2]]()}\n{found[4]}", document.read_text())


def main() -> None:
    """Write the parts into the documents."""
    for document in DOCUMENTS:
        document.write_text(renewed(document))


if __name__ == "__main__":
    main()
