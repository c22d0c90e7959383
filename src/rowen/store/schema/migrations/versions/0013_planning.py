"""Busy times of people, how many rooms an organization has, and whether it asks for calendars.

A server of schema 0012 sees the same schedule, and goes on serving while this runs and afterwards; it books no rooms.
"""

import sqlalchemy as sa
from alembic import op

from rowen.store.schema.migrations.partitions import TEXT

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_ADDRESSES = sa.text("next_read_at IS NOT NULL")


def upgrade() -> None:
    """Upgrade the schema."""
    op.add_column("organizations", sa.Column("room_count", sa.Integer, nullable=False, server_default="0"))
    op.add_column(
        "organizations", sa.Column("require_busy_source", sa.Boolean, nullable=False, server_default=sa.false())
    )
    op.create_table(
        "busy_sources",
        sa.Column("organization_id", sa.Integer, nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("read_at", sa.BigInteger),
        sa.Column("url", TEXT),
        sa.Column("next_read_at", sa.BigInteger),
        sa.Column("etag", TEXT),
        sa.Column("last_modified", TEXT),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("error", TEXT),
        sa.Column("windows", sa.LargeBinary, nullable=False),
        sa.Column("busy", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "user_id", "source"),
    )
    op.create_index(
        "busy_sources_due",
        "busy_sources",
        ["next_read_at", "organization_id", "user_id"],
        sqlite_where=_ADDRESSES,
        postgresql_where=_ADDRESSES,
    )
