"""The schedule: organizations, keys, applications, interviews, and the positions of imports."""

import sqlalchemy as sa
from alembic import op

from rowen.store.schema.migrations.partitions import BY_ORGANIZATION, TEXT, divide

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Upgrade the schema."""
    op.create_table(
        "organizations",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("name", TEXT, nullable=False, unique=True),
        sa.Column("time_zone", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("last_updated_at", sa.BigInteger, nullable=False),
        sa.Column("last_id", sa.BigInteger, nullable=False),
        sa.Column("interview_count", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "api_keys",
        sa.Column("organization_id", sa.Integer, nullable=False),
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("prefix", TEXT, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("permissions", TEXT, nullable=False),
        sa.Column("rate_limit", sa.Integer),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("last_used_at", sa.BigInteger),
        sa.Column("revoked_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("organization_id", "id"),
        sa.UniqueConstraint("organization_id", "name"),
    )
    op.create_index("api_keys_by_digest", "api_keys", ["digest"], unique=True)
    op.create_table(
        "applications",
        sa.Column("organization_id", sa.Integer, nullable=False),
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id"),
        sqlite_with_rowid=False,
    )
    _create_interviews()
    op.create_table(
        "import_positions",
        sa.Column("organization_id", sa.Integer, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("next", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "source"),
    )


def _create_interviews() -> None:
    op.create_table(
        "scheduled_interviews",
        sa.Column("organization_id", sa.Integer, nullable=False),
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("application_id", sa.BigInteger, nullable=False),
        sa.Column("external_event_id", TEXT),
        sa.Column("created_at", sa.BigInteger),
        sa.Column("updated_at", sa.BigInteger),
        sa.Column("starts_at", sa.BigInteger, nullable=False),
        sa.Column("ends_at", sa.BigInteger, nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("created_through_api", sa.Boolean, nullable=False),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id"),
        sqlite_with_rowid=False,
        postgresql_partition_by=BY_ORGANIZATION,
    )
    divide("scheduled_interviews")
    for column in ("application_id", "external_event_id", "created_at", "updated_at", "starts_at", "ends_at"):
        op.create_index(f"scheduled_interviews_by_{column}", "scheduled_interviews", ["organization_id", column, "id"])
    still_open = sa.text("created_through_api = 1 AND status != 'complete'")
    op.create_index(
        "scheduled_interviews_open",
        "scheduled_interviews",
        ["organization_id", "created_through_api", "status", "id", "application_id"],
        sqlite_where=still_open,
        postgresql_where=sa.text("created_through_api AND status != 'complete'"),
    )
