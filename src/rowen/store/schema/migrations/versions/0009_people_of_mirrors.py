"""The people that rows of a mirrored account name, up to two each, and how many rows of each resource a mirror holds.

Stop `rowen mirror` before, and start it afterwards: one of schema 0008 writes rows that are not counted, and
applications and scorecards without their people. Servers of schema 0008 go on serving.
"""

import msgspec
import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_CHUNK = 2_000


class _Row(msgspec.Struct, gc=False):
    recruiter_id: int | None = None
    coordinator_id: int | None = None
    submitter_id: int | None = None


_decode = msgspec.json.Decoder(_Row).decode

_ROWS = sa.text(
    """
    SELECT id, document FROM mirror_rows
    WHERE organization_id = :organization AND resource = :resource AND id > :after ORDER BY id LIMIT :size
    """
)
_NAME = sa.text(
    """
    UPDATE mirror_rows SET
    person_id = COALESCE(CAST(:person AS BIGINT), person_id), other_person_id = CAST(:other AS BIGINT)
    WHERE organization_id = :organization AND resource = :resource AND id = :id
    """
)
_COUNT = sa.text(
    """
    UPDATE mirror_positions SET held = (
        SELECT count(*) FROM mirror_rows WHERE mirror_rows.organization_id = mirror_positions.organization_id
        AND mirror_rows.resource = mirror_positions.resource
    )
    """
)


def upgrade() -> None:
    """Upgrade the schema."""
    op.add_column("mirror_rows", sa.Column("other_person_id", sa.BigInteger))
    op.add_column("mirror_positions", sa.Column("held", sa.BigInteger, nullable=False, server_default="0"))
    op.create_index(
        "mirror_rows_by_other_person_id",
        "mirror_rows",
        ["organization_id", "resource", "other_person_id", "id"],
        sqlite_where=sa.text("other_person_id IS NOT NULL"),
        postgresql_where=sa.text("other_person_id IS NOT NULL"),
    )
    connection = op.get_bind()
    connection.execute(_COUNT)
    for (organization,) in connection.execute(sa.text("SELECT organization_id FROM mirrors")).all():
        _name_people(connection, {"organization": organization, "resource": "applications"})
        _name_people(connection, {"organization": organization, "resource": "scorecards"})


def _name_people(connection: sa.Connection, of: dict[str, object]) -> None:
    after, more = 0, True
    while more:
        found = connection.execute(_ROWS, {**of, "after": after, "size": _CHUNK}).all()
        named = [(identifier, _decode(document)) for identifier, document in found]
        rows = [
            {**of, "id": identifier, "person": row.recruiter_id, "other": row.coordinator_id or row.submitter_id}
            for identifier, row in named
        ]
        if rows:
            connection.execute(_NAME, rows)
        after, more = (found[-1][0] if found else after), len(found) == _CHUNK
