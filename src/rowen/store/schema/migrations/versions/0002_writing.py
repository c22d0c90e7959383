"""Writing: bookings, records, changes, webhooks, idempotency keys.

Applications become records like users and stages. The observations in the interviews of an older Rowen are collected
once, here: the code below is as it was when this migration was written, whatever the rest of the code does by now.
"""

import sqlalchemy as sa
from alembic import op

from rowen.store.schema.migrations.gathering import gather
from rowen.store.schema.migrations.partitions import ASKED, BY_ORGANIZATION, TEXT, divide

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Upgrade the schema."""
    op.add_column("organizations", sa.Column("double_booking", TEXT, nullable=False, server_default="allow"))
    op.add_column("organizations", sa.Column("grace", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("scheduled_interviews", sa.Column("due_at", sa.BigInteger))
    op.create_index(
        "scheduled_interviews_due",
        "scheduled_interviews",
        ["due_at", "organization_id", "id"],
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    _create_panel()
    _create_records()
    _create_changes()
    _create_webhooks()
    gather(op.get_bind())
    op.drop_table("applications")


def _create_panel() -> None:
    op.create_table(
        "panel",
        sa.Column("organization_id", sa.Integer, nullable=False),
        sa.Column("person", sa.BigInteger, nullable=False),
        sa.Column("ends_at", sa.BigInteger, nullable=False),
        sa.Column("interview_id", sa.BigInteger, nullable=False),
        sa.Column("starts_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "person", "ends_at", "interview_id"),
        sqlite_with_rowid=False,
        postgresql_partition_by=BY_ORGANIZATION,
    )
    divide("panel")


def _create_records() -> None:
    op.create_table(
        "records",
        sa.Column("organization_id", sa.Integer, nullable=False),
        sa.Column("resource", TEXT, nullable=False),
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger),
        sa.Column("updated_at", sa.BigInteger),
        sa.Column("status", TEXT),
        sa.Column("derived", sa.Boolean, nullable=False),
        sa.Column("document", sa.LargeBinary),
        sa.Column("evidence", sa.LargeBinary),
        sa.PrimaryKeyConstraint("organization_id", "resource", "id"),
        sqlite_with_rowid=False,
        postgresql_partition_by=BY_ORGANIZATION,
    )
    divide("records")
    for column in ("created_at", "updated_at"):
        op.create_index(f"records_by_{column}", "records", ["organization_id", "resource", column, "id"])
    op.create_table(
        "terms",
        sa.Column("organization_id", sa.Integer, nullable=False),
        sa.Column("resource", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("value", TEXT, nullable=False),
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "resource", "name", "value", "id"),
        sqlite_with_rowid=False,
        postgresql_partition_by=BY_ORGANIZATION,
    )
    divide("terms")
    op.create_index("terms_by_id", "terms", ["organization_id", "resource", "id", "name"])


def _create_changes() -> None:
    op.create_table(
        "changes",
        sa.Column("organization_id", sa.Integer, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("time", sa.BigInteger, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("interview_id", sa.BigInteger),
        sa.Column("summary", sa.LargeBinary, nullable=False),
        sa.Column("document", sa.LargeBinary),
        sa.PrimaryKeyConstraint("organization_id", "revision"),
        sqlite_with_rowid=False,
        postgresql_partition_by=BY_ORGANIZATION,
    )
    divide("changes")
    op.create_index(
        "changes_by_interview",
        "changes",
        ["organization_id", "interview_id", "revision"],
        sqlite_where=sa.text("interview_id IS NOT NULL"),
        postgresql_where=sa.text("interview_id IS NOT NULL"),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("organization_id", sa.Integer, nullable=False),
        sa.Column("api_key_id", sa.Integer, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("answer", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "api_key_id", "key"),
        sqlite_with_rowid=False,
        postgresql_partition_by=BY_ORGANIZATION,
    )
    divide("idempotency_keys")
    op.create_index("idempotency_keys_by_created_at", "idempotency_keys", ["created_at"])


def _create_webhooks() -> None:
    op.create_table(
        "webhooks",
        sa.Column("organization_id", sa.Integer, nullable=False),
        sa.Column("id", ASKED, nullable=False),
        sa.Column("url", TEXT, nullable=False),
        sa.Column("actions", TEXT, nullable=False),
        sa.Column("secret", TEXT, nullable=False),
        sa.Column("previous_secret", TEXT),
        sa.Column("previous_secret_until", sa.BigInteger),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("reason", TEXT),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id"),
    )
    op.create_table(
        "deliveries",
        sa.Column("organization_id", sa.Integer, nullable=False),
        sa.Column("webhook_id", ASKED, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("action", TEXT, nullable=False),
        sa.Column("event_id", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_attempt_at", sa.BigInteger, nullable=False),
        sa.Column("last_status", sa.Integer),
        sa.Column("last_error", TEXT),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("settled_at", sa.BigInteger),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "webhook_id", "revision", "action"),
        sqlite_with_rowid=False,
        postgresql_partition_by=BY_ORGANIZATION,
    )
    divide("deliveries")
    op.create_index(
        "deliveries_pending",
        "deliveries",
        ["organization_id", "webhook_id", "revision", "action"],
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
