"""The codec of users that are made or changed through the API.

Owns how the fields that clients set become those of a document. Must not know where documents are stored, or who sets
what.
"""

from typing import Final

import msgspec

from rowen.api.codec import records
from rowen.app.records import USERS, RecordRow
from rowen.interviews.moments import Instant
from rowen.interviews.people import User, UserFields, fold
from rowen.interviews.scheduling import UNSET

_PLAIN: Final = ("first_name", "last_name", "employee_id", "disabled")


class _State(msgspec.Struct):
    disabled: bool = False


_state: Final = msgspec.json.Decoder(_State)
_encode: Final = msgspec.json.Encoder(enc_hook=str).encode


def user(document: bytes) -> User:
    """Decode a stored user."""
    return records.user(document)


def is_disabled(document: bytes) -> bool:
    """Return whether a stored user is disabled; cheaper than decoding all of it."""
    return _state.decode(document).disabled


def new(identifier: int, fields: UserFields, now: Instant) -> RecordRow:
    """Return the row of a new user."""
    row = records.draft(USERS, _encode({"id": identifier, "created_at": now}))
    return changed(row, fields, now)


def changed(record: RecordRow, fields: UserFields, now: Instant | None) -> RecordRow:
    """Return the row of a user with other fields; `now` is the time of the change, None to keep the one before.

    The full name follows the first and the last one. A new address becomes the primary one; the others are kept.
    """
    document = msgspec.json.decode(record.document or b"{}")
    if not document["first_name"] and not document["last_name"] and document["name"]:
        first, _, last = document["name"].partition(" ")
        known = {"first_name": first, "last_name": last.strip() or None}
    else:
        known = {}
    given = {name: value for name in _PLAIN if (value := getattr(fields, name)) is not UNSET}
    if not given.keys().isdisjoint({"first_name", "last_name"}):
        document |= {**known, "name": None}  # the full name is made of its parts again
    document |= given
    if fields.email is not UNSET:
        others = [each for each in document["emails"] if fold(each) != fold(fields.email)]
        document |= {"primary_email_address": fields.email, "emails": [fields.email, *others]}
    if now is not None:
        document["updated_at"] = now
    return records.draft(USERS, _encode(document))
