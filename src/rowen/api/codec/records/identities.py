"""Users without an id, whom an e-mail address identifies.

Owns the number that stands for the address until an id is known, and what such a list changes of a known user. Must not
know where ids come from.
"""

from typing import Any, Final

import msgspec

from rowen.api.codec.documents import InvalidDocumentError
from rowen.api.codec.records.documents import draft
from rowen.app.records import USERS, RecordRow
from rowen.interviews.errors import FieldProblem
from rowen.interviews.people import person_of

_NAMES: Final = ("name", "first_name", "last_name", "employee_id")
_MISSING: Final = FieldProblem("primary_email_address", "must be an e-mail address: it identifies a user without an id")
_encode: Final = msgspec.json.Encoder().encode


def draft_by_email(body: bytes) -> RecordRow:
    """Return the row of a user without an id: a negative number stands for the primary address.

    Raises InvalidDocumentError.
    """
    document: dict[str, Any] = msgspec.json.decode(body)
    email = document.get("primary_email_address")
    if not isinstance(email, str) or "@" not in email:
        raise InvalidDocumentError([_MISSING])
    return draft(USERS, _encode({**document, "id": 1}))._replace(id=person_of(None, email))


def identified(record: RecordRow, identifier: int, stored: RecordRow | None) -> RecordRow:
    """Return the row of such a user with an id. Of a user who is stored, what the list does not name is kept."""
    document = msgspec.json.decode(record.document or b"{}")
    if stored is not None and stored.document is not None:
        named = {name: document[name] for name in _NAMES if document[name] is not None}
        document = msgspec.json.decode(stored.document) | named
    return draft(USERS, _encode(document | {"id": identifier}))
