"""The codec: a Harvest JSON document to a `ScheduledInterview` and back.

Owns the bytes of a record (contract section 1): the order of keys, every key present, timestamps with three decimals
and `Z`, unescaped UTF-8. Must not know where records come from or go.
"""

import re
from collections.abc import Iterable
from datetime import tzinfo
from typing import Any, Final, TypeVar

import msgspec

from rowen.api.codec.diagnosis import diagnose, unknown_fields, with_values
from rowen.app.interviews import InterviewRow
from rowen.interviews.changes import ChangeSummary
from rowen.interviews.errors import FieldProblem
from rowen.interviews.interview import ScheduledInterview, problems
from rowen.interviews.moments import Instant, text_of
from rowen.interviews.observations import Observations
from rowen.interviews.people import booked, seats_of

Value = TypeVar("Value")


def read_instant(kind: type[Value], value: Any) -> Value:
    """Decode an `Instant`, the one type that JSON lacks; msgspec calls this for every timestamp."""
    if kind is not Instant:
        raise NotImplementedError(kind)
    if not isinstance(value, str):
        raise ValueError("is not an ISO-8601 date or time")  # noqa: TRY004  (msgspec reports ValueError with its path)
    return Instant.parse(value)  # type: ignore[return-value]  # kind is Instant


_decoder: Final = msgspec.json.Decoder(ScheduledInterview, dec_hook=read_instant)
_mentions: Final = msgspec.json.Decoder(Observations)
_IDENTIFIERS: Final = re.compile(rb'"id":([0-9]+),')
_encoder: Final = msgspec.json.Encoder(enc_hook=text_of)


class InvalidDocumentError(ValueError):
    """A record that is not a valid scheduled interview: `problems` names each field that is wrong."""

    def __init__(self, problems: list[FieldProblem]) -> None:
        super().__init__("; ".join(f"{problem.field}: {problem.message}" for problem in problems))
        self.problems = tuple(problems)


def encode(interview: ScheduledInterview) -> bytes:
    """Return the document as it is served and stored."""
    return _encoder.encode(interview)


def decode(body: bytes) -> ScheduledInterview:
    """Decode one document with any order of keys and any white space. Raises InvalidDocumentError."""
    try:
        interview = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidDocumentError(diagnose(body, error, read_instant)) from error
    broken_rules = problems(interview)
    if broken_rules:
        raise InvalidDocumentError(with_values(broken_rules, encode(interview)))
    return interview


def read_stored(document: bytes) -> ScheduledInterview:
    """Read a document as it is stored. Raises ValueError for any other spelling of it, without a diagnosis."""
    try:
        interview = _decoder.decode(document)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError from error
    if encode(interview) != document:
        raise ValueError
    return interview


def draft(interview: ScheduledInterview, zone: tzinfo) -> InterviewRow:
    """Return the row of an interview of an organization in `zone`."""
    created_at, updated_at = interview.created_at, interview.updated_at
    return InterviewRow(
        interview.id,
        interview.application_id,
        interview.external_event_id,
        None if created_at is None else int(created_at),
        None if updated_at is None else int(updated_at),
        int(interview.start.instant(zone)),
        int(interview.end.instant(zone)),
        interview.status._value_,
        encode(interview),
        booked(interview.interviewers),
        seats_of(interview.interviewers),
    )


def observations(document: bytes) -> Observations:
    """Return what a stored document reveals about people and its stage; cheaper than decoding all of it."""
    return _mentions.decode(document)


def identifiers(document: bytes) -> Iterable[int]:
    """Return every id in a stored document, of people and of everything else, without decoding it."""
    return map(int, _IDENTIFIERS.findall(document))


def summary(change: ChangeSummary) -> bytes:
    """Return the summary of a change as it is served and stored."""
    return _encoder.encode(change)


def event_body(action: str, name: str, document: bytes) -> bytes:
    """Return the body of a webhook message: an action, and as its payload one document under a name."""
    return b'{"action":"%b","payload":{"%b":%b}}' % (action.encode(), name.encode(), document)


def ping_body(webhook: int) -> bytes:
    """Return the body of a webhook's test message."""
    return event_body("ping", "webhook_id", b"%d" % webhook)


def unknown(body: bytes, document: bytes) -> list[str]:
    """Return the paths of the fields of `body` that its canonical `document` does not contain.

    Raises InvalidDocumentError if such a field is broken: `decode` skips the fields that it does not know.
    """
    if body == document:
        # A record in canonical form, byte for byte, has lost nothing: the usual case costs one comparison.
        return []
    try:
        return unknown_fields(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidDocumentError(diagnose(body, error, read_instant)) from error
