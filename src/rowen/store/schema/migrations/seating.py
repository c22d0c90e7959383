"""The interviewers in a database of schema 0004, as rows of their own.

Owns that migration's code: shapes and rules as they were when it was written, whatever the rest of the code does by
now. Must import none of Rowen's code, hold no more than a few thousand interviews at once, and commit nothing.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec
import sqlalchemy as sa

_CHUNK: Final = 2_000


class _Seat(msgspec.Struct, gc=False):
    response_status: str
    id: int | None = None
    email: str | None = None
    scorecard_id: int | None = None


class _Interview(msgspec.Struct, gc=False):
    interviewers: list[_Seat] = []


_decode: Final = msgspec.json.Decoder(_Interview).decode

_INTERVIEWS: Final = sa.text(
    """
    SELECT id, coalesce(created_at, updated_at, :time), coalesce(updated_at, created_at, :time), document
    FROM scheduled_interviews WHERE organization_id = :organization AND id > :after ORDER BY id LIMIT :size
    """
)
_COLUMNS: Final = (
    *("organization_id", "id", "interview_id", "user_id", "email", "response_status", "scorecard_id"),
    *("created_at", "updated_at"),
)
_INSERT: Final = sa.insert(sa.table("interviewers", *map(sa.column, _COLUMNS)))
_LAST: Final = sa.text("UPDATE organizations SET last_interviewer_id = :last WHERE id = :organization")


def seat(connection: sa.Connection) -> None:
    """Fill `interviewers` from the existing interviews, with ids in the order of interviews and of their panels."""
    organizations = connection.execute(sa.text("SELECT id, last_updated_at FROM organizations ORDER BY id")).all()
    for organization, time in organizations:
        last = 0
        for interviews in _chunks(connection, organization, time):
            values = [
                (interview, each.id, each.email, each.response_status, each.scorecard_id, created_at, updated_at)
                for interview, created_at, updated_at, document in interviews
                for each in _decode(document).interviewers
            ]
            rows = [
                dict(zip(_COLUMNS, (organization, number, *row), strict=True))
                for number, row in enumerate(values, last + 1)
            ]
            if rows:
                connection.execute(_INSERT, rows)
            last += len(rows)
        connection.execute(_LAST, {"organization": organization, "last": last})


def _chunks(connection: sa.Connection, organization: int, time: int) -> Iterator[Any]:
    parameters = {"organization": organization, "time": time, "size": _CHUNK}
    after = -1
    while rows := connection.execute(_INTERVIEWS, {**parameters, "after": after}).all():
        yield rows
        after = rows[-1][0]
