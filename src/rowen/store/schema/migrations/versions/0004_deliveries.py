"""Deliveries: when each was last tried, and the receiver's response; and the host an operator allowed a webhook.

Three nullable columns: neither engine rewrites a row for them, however many there are. A server of schema 0003 names
the columns that it writes, and goes on serving while this runs and afterwards.
"""

import sqlalchemy as sa
from alembic import op

from rowen.store.schema.migrations.partitions import TEXT

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Upgrade the schema."""
    op.add_column("webhooks", sa.Column("allowed_host", TEXT))
    op.add_column("deliveries", sa.Column("last_attempt_at", sa.BigInteger))
    op.add_column("deliveries", sa.Column("last_answer", sa.LargeBinary))
