"""Leases: what one process of a database does for all, on engines that serve several machines.

The version of the schedule that a Rowen of schema 0002 serves is the same: it goes on while this runs.
"""

import sqlalchemy as sa
from alembic import op

from rowen.store.migrations.partitions import TEXT

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward."""
    op.create_table(
        "leases",
        sa.Column("name", TEXT, primary_key=True),
        sa.Column("holder", TEXT, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
