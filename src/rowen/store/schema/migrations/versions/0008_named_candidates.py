"""Candidates that applications name: a search term of each, as imports of applications write it by now.

A server of schema 0007 sees the same records, and goes on serving while this runs and afterwards. PostgreSQL's own
JSON functions refuse documents that contain a NUL, so the documents are read here, a few thousand at once.
"""

import msgspec
import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_CHUNK = 2_000


class _Application(msgspec.Struct, gc=False):
    candidate_id: int | None = None


_decode = msgspec.json.Decoder(_Application).decode

_APPLICATIONS = sa.text(
    """
    SELECT id, document FROM records
    WHERE organization_id = :organization AND resource = 'applications' AND id > :after AND document IS NOT NULL
    ORDER BY id LIMIT :size
    """
)
_INSERT = sa.text(
    """
    INSERT INTO terms (organization_id, resource, name, value, id)
    VALUES (:organization, 'applications', 'candidate_id', :candidate, :id) ON CONFLICT DO NOTHING
    """
)


def upgrade() -> None:
    """Upgrade the schema."""
    connection = op.get_bind()
    for (organization,) in connection.execute(sa.text("SELECT id FROM organizations ORDER BY id")).all():
        after, more = 0, True
        while more:
            page = {"organization": organization, "after": after, "size": _CHUNK}
            found = connection.execute(_APPLICATIONS, page).all()
            named = [(identifier, _decode(document).candidate_id) for identifier, document in found]
            rows = [
                {"organization": organization, "id": identifier, "candidate": str(candidate)}
                for identifier, candidate in named
                if candidate is not None
            ]
            if rows:
                connection.execute(_INSERT, rows)
            after, more = (found[-1][0] if found else after), len(found) == _CHUNK
