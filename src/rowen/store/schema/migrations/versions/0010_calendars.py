"""Calendars: their secret addresses, and an index of cancelled interviews.

A server of schema 0009 sees the same schedule, and goes on serving while this runs and afterwards.
"""

import sqlalchemy as sa
from alembic import op

from rowen.store.schema.migrations.partitions import TEXT

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_CANCELLED = sa.text("kind = 'cancelled'")


def upgrade() -> None:
    """Upgrade the schema."""
    op.create_table(
        "calendars",
        sa.Column("organization_id", sa.Integer, nullable=False),
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("subject_id", sa.BigInteger),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("last_used_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("organization_id", "id"),
    )
    op.create_index("calendars_by_digest", "calendars", ["digest"], unique=True)
    op.create_index(
        "changes_cancelled",
        "changes",
        ["organization_id", "time", "revision"],
        sqlite_where=_CANCELLED,
        postgresql_where=_CANCELLED,
    )
