"""Leases: leadership among the processes of a database, on engines that serve several machines.

A server of schema 0002 sees the same schedule, and goes on serving while this runs.
"""

import sqlalchemy as sa
from alembic import op

from rowen.store.schema.migrations.partitions import TEXT

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Upgrade the schema."""
    op.create_table(
        "leases",
        sa.Column("name", TEXT, primary_key=True),
        sa.Column("holder", TEXT, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
