"""Mirrors: the rows of an account elsewhere, how far they were read, and what has to be compared with them.

A server of schema 0005 goes on serving while this runs and afterwards; it does not know that a mirror is read-only.
"""

import sqlalchemy as sa
from alembic import op

from rowen.store.schema.migrations.partitions import BY_ORGANIZATION, TEXT, divide

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Upgrade the schema."""
    op.add_column("organizations", sa.Column("mirrored_from", TEXT))
    _create_state()
    _create_rows()
    op.create_table(
        "mirror_pending",
        sa.Column("organization_id", sa.Integer, nullable=False),
        sa.Column("resource", TEXT, nullable=False),
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("marked_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "resource", "id"),
        sqlite_with_rowid=False,
        postgresql_partition_by=BY_ORGANIZATION,
    )
    divide("mirror_pending")


def _create_state() -> None:
    op.create_table(
        "mirrors",
        sa.Column("organization_id", sa.Integer, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("loaded_at", sa.BigInteger),
        sa.Column("followed_at", sa.BigInteger),
        sa.Column("error", TEXT),
        sa.Column("error_at", sa.BigInteger),
        sa.Column("counters", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("organization_id"),
    )
    op.create_table(
        "mirror_positions",
        sa.Column("organization_id", sa.Integer, nullable=False),
        sa.Column("resource", TEXT, nullable=False),
        sa.Column("cursor", TEXT),
        sa.Column("loaded", sa.Boolean, nullable=False),
        sa.Column("newest", sa.BigInteger),
        sa.Column("sweep_cursor", TEXT),
        sa.Column("sweep_above", sa.BigInteger),
        sa.Column("swept_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("organization_id", "resource"),
    )


def _create_rows() -> None:
    op.create_table(
        "mirror_rows",
        sa.Column("organization_id", sa.Integer, nullable=False),
        sa.Column("resource", TEXT, nullable=False),
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.Column("parent_id", sa.BigInteger),
        sa.Column("person_id", sa.BigInteger),
        sa.Column("subject_id", sa.BigInteger),
        sa.PrimaryKeyConstraint("organization_id", "resource", "id"),
        sqlite_with_rowid=False,
        postgresql_partition_by=BY_ORGANIZATION,
    )
    divide("mirror_rows")
    for column in ("parent_id", "person_id", "subject_id"):
        op.create_index(
            f"mirror_rows_by_{column}",
            "mirror_rows",
            ["organization_id", "resource", column, "id"],
            sqlite_where=sa.text(f"{column} IS NOT NULL"),
            postgresql_where=sa.text(f"{column} IS NOT NULL"),
        )
