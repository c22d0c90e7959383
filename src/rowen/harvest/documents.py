"""The codec: a Harvest JSON document to a `ScheduledInterview` and back.

Owns the bytes of a record (contract section 1): the order of keys, every key present, timestamps with three
decimals and `Z`, UTF-8 that is not escaped. Must not know where records come from or go.
"""

from datetime import tzinfo
from typing import Any, Final, TypeVar

import msgspec

from rowen.app.ports import Draft
from rowen.harvest.diagnosis import diagnose, unknown_fields, with_values
from rowen.interviews.errors import FieldProblem
from rowen.interviews.interview import ScheduledInterview, problems
from rowen.interviews.mentions import Mentions
from rowen.interviews.moments import Instant
from rowen.interviews.people import booked

Value = TypeVar("Value")


def read_instant(kind: type[Value], value: Any) -> Value:
    """Read the one type that JSON lacks; msgspec calls this for every timestamp."""
    if kind is not Instant:
        raise NotImplementedError(kind)
    if not isinstance(value, str):
        raise ValueError("is no ISO-8601 date or time")  # noqa: TRY004  (msgspec reports ValueError with its path)
    return Instant.parse(value)  # type: ignore[return-value]  # kind is Instant


_decoder: Final = msgspec.json.Decoder(ScheduledInterview, dec_hook=read_instant)
_mentions: Final = msgspec.json.Decoder(Mentions)
_encoder: Final = msgspec.json.Encoder(enc_hook=str)


class InvalidDocument(ValueError):  # noqa: N818  (says what is the matter, as the domain's errors do)
    """A record that is no scheduled interview: `problems` name each field that is wrong."""

    def __init__(self, found: list[FieldProblem]) -> None:
        super().__init__("; ".join(f"{problem.field}: {problem.message}" for problem in found))
        self.problems = tuple(found)


def encode(interview: ScheduledInterview) -> bytes:
    """Write the document as it is served and stored."""
    return _encoder.encode(interview)


def decode(body: bytes) -> ScheduledInterview:
    """Read one document, whatever the order of its keys and its white space. Raises InvalidDocument."""
    try:
        interview = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidDocument(diagnose(body, error, read_instant)) from error
    found = problems(interview)
    if found:
        raise InvalidDocument(with_values(found, encode(interview)))
    return interview


def draft(interview: ScheduledInterview, zone: tzinfo) -> Draft:
    """Return what is stored of an interview of an organization in `zone`."""
    created_at, updated_at = interview.created_at, interview.updated_at
    return Draft(
        interview.id,
        interview.application_id,
        interview.external_event_id,
        None if created_at is None else int(created_at),
        None if updated_at is None else int(updated_at),
        int(interview.start.instant(zone)),
        int(interview.end.instant(zone)),
        interview.status.value,
        encode(interview),
        booked(interview.interviewers),
    )


def mentions(document: bytes) -> Mentions:
    """Read what a stored document says of people and of its stage; cheaper than reading all of it."""
    return _mentions.decode(document)


def unknown(body: bytes, document: bytes) -> list[str]:
    """Return the paths of the fields of `body` that its canonical `document` does not hold.

    Raises InvalidDocument where such a field is broken: `decode` passes over the fields it does not know.
    """
    if body == document:
        # A record in canonical form, byte for byte, has lost nothing: the usual case costs one comparison.
        return []
    try:
        return unknown_fields(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidDocument(diagnose(body, error, read_instant)) from error
