"""What differs between two versions of a record, for the log of changes.

Owns which fields are compared, and how they are named. Must not know who changed them.
"""

from typing import Final

import msgspec

from rowen.api.codec.records.shape import Json
from rowen.api.codec.records.shapes import SHAPES
from rowen.app.records import RecordRow
from rowen.interviews.changes import FieldChange

_NOTHING: Final[Json] = {}


def differences(before: RecordRow | None, after: RecordRow | None) -> list[FieldChange]:
    """Return the fields that differ, each as the record's id and its name, in the order of the document.

    Of a record that is new, or gone, they are those that have a value. Its times are left out: those of the change are
    known.
    """
    record = after or before
    if record is None:
        return []
    shape = SHAPES.get(record.resource)
    hidden = {"id"} if shape is None else {"id", shape.created, shape.updated}
    old, new = _fields(before), _fields(after)
    found = []
    for name in dict.fromkeys([*new, *old]):
        was, is_now = old.get(name), new.get(name)
        if name in hidden or was == is_now or not (was or is_now or (old and new)):
            continue
        found.append(FieldChange(f"{record.id}.{name}", was, is_now))
    return found


def _fields(record: RecordRow | None) -> Json:
    return _NOTHING if record is None or record.document is None else msgspec.json.decode(record.document)
