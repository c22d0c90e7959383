"""Writes that pass through a mirror to its account, and whether they do.

A server of schema 0011 goes on serving while this runs and afterwards; it refuses every write of a mirror.
"""

import sqlalchemy as sa
from alembic import op

from rowen.store.schema.migrations.partitions import TEXT

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Upgrade the schema."""
    op.add_column("mirrors", sa.Column("write_through", sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_table(
        "account_writes",
        sa.Column("organization_id", sa.Integer, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("event_id", TEXT, nullable=False),
        sa.Column("request", sa.LargeBinary, nullable=False),
        sa.Column("queued_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("sent_at", sa.BigInteger),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("interview_id", sa.BigInteger),
        sa.Column("failure", sa.LargeBinary),
        sa.Column("ended_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("organization_id", "id"),
    )
