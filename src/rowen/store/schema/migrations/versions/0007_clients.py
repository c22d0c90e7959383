"""Clients: the credentials of Harvest v3.

A server of schema 0006 sees the same schedule, and goes on serving while this runs and afterwards.
"""

import sqlalchemy as sa
from alembic import op

from rowen.store.schema.migrations.partitions import TEXT

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Upgrade the schema."""
    op.create_table(
        "clients",
        sa.Column("organization_id", sa.Integer, nullable=False),
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("client_id", TEXT, nullable=False),
        sa.Column("secret_digest", sa.LargeBinary, nullable=False),
        sa.Column("refresh_digest", sa.LargeBinary, nullable=False),
        sa.Column("signing_key", sa.LargeBinary, nullable=False),
        sa.Column("scopes", TEXT, nullable=False),
        sa.Column("user_id", sa.BigInteger),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("last_used_at", sa.BigInteger),
        sa.Column("revoked_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("organization_id", "id"),
        sa.UniqueConstraint("organization_id", "name"),
    )
    op.create_index("clients_by_client_id", "clients", ["client_id"], unique=True)
