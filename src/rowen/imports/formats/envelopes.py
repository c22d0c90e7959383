"""From the bytes of one JSON value to the record in it.

Owns the recognition of the wrappers that ELT tools put around records, of their messages that are not records, and the
explanation of broken JSON. Must not know where the bytes came from, nor what an interview looks like beyond having an
`id`.

The wrappers are those of Singer taps (`{"type":"RECORD","stream":…,"record":{…}}`), of the Airbyte protocol
(`{"type":"RECORD","record":{"stream":…,"data":{…}}}`), of Airbyte's files (`{"_airbyte_data":{…}}`), and plain
`{"record":{…}}` and `{"data":{…}}`.
"""

import re
from collections import Counter
from typing import Final, NamedTuple, TypeAlias

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType, field

from rowen.app.records import RESOURCES
from rowen.imports.archive_names import record_named, resource_named
from rowen.imports.items import LARGEST_RECORD, Item, SourceFault, SourceRecord

NESTING_LIMIT: Final = 4
MESSAGE_LIMIT: Final = 300
LABEL_LIMIT: Final = 100
CONTROL_TYPES: Final = frozenset(
    (
        *("STATE", "SCHEMA", "BATCH", "ACTIVATE_VERSION"),
        *("LOG", "TRACE", "SPEC", "CATALOG", "CONNECTION_STATUS", "CONTROL"),
    )
)
"""The `type` of messages of the Singer and Airbyte protocols that carry no record."""

INVALID_UTF8: Final = "this is not valid UTF-8 text"

_Part: TypeAlias = Raw | UnsetType


class _Envelope(Struct, gc=False):
    """The keys that distinguish a wrapper from a record; their values stay bytes."""

    id: _Part = UNSET
    type: _Part = UNSET
    stream: _Part = UNSET
    record: _Part = UNSET
    data: _Part = UNSET
    airbyte_data: _Part = field(default=UNSET, name="_airbyte_data")
    message: _Part = UNSET

    @property
    def inner(self) -> tuple[str, Raw] | None:
        """The key that wraps a record, and the wrapped value."""
        for key, part in (("record", self.record), ("data", self.data), ("_airbyte_data", self.airbyte_data)):
            if isinstance(part, Raw):
                return key, part
        return None


class _BrokenJsonError(Exception):
    """A value is not a record; the text gives the reason."""


_words: Final = {
    "array": "a list in brackets",
    "str": "a text in quotes",
    "int": "a number",
    "float": "a number",
    "bool": "true or false",
}
_decoder: Final = msgspec.json.Decoder(_Envelope)
_position: Final = re.compile(r" \(byte (\d+)\)$")


def is_plain(body: bytes) -> bool:
    """Whether a line is plainly an interview, an object that begins with its `id`: a cheap test."""
    return body.startswith(b'{"id"') and body.endswith(b"}")


def item_of(name: str, line: int, body: bytes, skipped: Counter[str], index: int = 0) -> Item | None:
    """Return the record in a JSON value, or its fault; a skipped value is counted and returns None."""
    if len(body) > LARGEST_RECORD:
        return SourceFault(name, line, oversize(), index=index)
    if is_plain(body):
        return SourceRecord(name, line, body, index)
    try:
        record = _unwrap(body, skipped)
    except _BrokenJsonError as broken:
        return SourceFault(name, line, str(broken), body, index=index)
    return None if record is None else SourceRecord(name, line, record.body, index, record.resource)


def is_utf8(body: bytes) -> bool:
    """Whether bytes are UTF-8 text. The decoder does not check the strings that it skips, so this does."""
    if body.isascii():
        return True
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def oversize() -> str:
    """Return the message for a record that is too large."""
    return f"the record is larger than {LARGEST_RECORD // 1024**2} MiB; that is not an interview"


def describe_broken_json(body: bytes) -> str | None:
    """Return in plain words why bytes are not a JSON object, or None if they appear to be one."""
    try:
        _decoder.decode(body)
    except msgspec.ValidationError as error:
        found = str(error).removeprefix("Expected `object`, got ").strip("`")
        return f"expected a record in braces, found {_words.get(found, found)}"
    except msgspec.DecodeError as error:
        return _describe(body, str(error))
    except RecursionError:
        return "the JSON is nested too deeply"
    return None


def bounded(text: str) -> str:
    """Make a foreign text fit for one line of a message: printable and of bounded length."""
    printable = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * MESSAGE_LIMIT]).split())
    return printable if len(printable) <= MESSAGE_LIMIT else printable[: MESSAGE_LIMIT - 1] + "…"


def _describe(body: bytes, error: str) -> str:
    if error.startswith("Input data was truncated"):
        return "the JSON ends in the middle of the record"
    reason = error.removeprefix("JSON is malformed: ")
    found = _position.search(reason)
    if not found:
        return f"this is not valid JSON: {reason}"
    offset = int(found[1])
    near = bounded(body[offset : offset + 24].decode("utf-8", "replace"))
    lines_before = body.count(b"\n", 0, offset)
    where = f"in line {lines_before + 1}" if lines_before else f"at byte {offset + 1}"
    return f"this is not valid JSON: {reason[: found.start()]} {where} of the record, near {near!r}"


class _Unwrapped(NamedTuple):
    """A record without its wrappers, and the resource that its stream is named after, if any."""

    body: bytes
    resource: str | None


def _unwrap(body: bytes, skipped: Counter[str]) -> _Unwrapped | None:
    """Return the innermost wrapped object, or None for a message that carries no record. Raises _BrokenJsonError."""
    key, resource = "", None
    for _ in range(NESTING_LIMIT):
        envelope = _open(body, key)
        if envelope.id is not UNSET:
            return _Unwrapped(body, resource)
        kind, stream = _text(envelope.type), _text(envelope.stream)
        if kind in CONTROL_TYPES:
            skipped[f"{kind} messages"] += 1
            return None
        resource = resource_named(stream or "") or record_named(stream or "") or resource
        if stream and resource is None and not _is_known(stream.lower()):
            label = f'records of the stream "{bounded(stream)}"'
            skipped[label if len(skipped) < LABEL_LIMIT else "records of other streams"] += 1
            return None
        inner = envelope.inner
        if inner is None:
            return _Unwrapped(_bare(body, envelope), resource)
        key, wrapped = inner
        body = bytes(wrapped)
        if is_plain(body):
            return _Unwrapped(body, resource)
    raise _BrokenJsonError("the record is wrapped too deeply to be found")


def _is_known(stream: str) -> bool:
    """Whether a stream, by its name in lower case, holds records that can be imported."""
    return "interview" in stream or stream.endswith(RESOURCES)


def _open(body: bytes, key: str) -> _Envelope:
    try:
        return _decoder.decode(body)
    except (msgspec.DecodeError, RecursionError):
        reason = describe_broken_json(body) or "this is not valid JSON"
        raise _BrokenJsonError(f"under `{key}`: {reason}" if key else reason) from None


def _bare(body: bytes, envelope: _Envelope) -> bytes:
    """Return a value that is not wrapped. Raises _BrokenJsonError for an error message saved in place of records."""
    message = _text(envelope.message)
    if message:
        raise _BrokenJsonError(f'this is an error message of a server, not an interview: "{bounded(message)}"')
    return body


def _text(part: _Part) -> str | None:
    """Return a part that is a JSON string; None if it is anything else."""
    if not isinstance(part, Raw):
        return None
    try:
        return msgspec.json.decode(part, type=str)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
