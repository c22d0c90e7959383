"""Interviewers: the members of panels as rows with ids of their own.

The panels of the existing interviews are read once, here. A server of schema 0004 would go on writing interviews
without such rows: it has to be stopped first.
"""

import sqlalchemy as sa
from alembic import op

from rowen.store.schema.migrations.partitions import BY_ORGANIZATION, TEXT, divide
from rowen.store.schema.migrations.seating import seat

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Upgrade the schema."""
    op.add_column("organizations", sa.Column("last_interviewer_id", sa.BigInteger, nullable=False, server_default="0"))
    op.create_table(
        "interviewers",
        sa.Column("organization_id", sa.Integer, nullable=False),
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("interview_id", sa.BigInteger, nullable=False),
        sa.Column("user_id", sa.BigInteger),
        sa.Column("email", TEXT),
        sa.Column("response_status", TEXT, nullable=False),
        sa.Column("scorecard_id", sa.BigInteger),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id"),
        sqlite_with_rowid=False,
        postgresql_partition_by=BY_ORGANIZATION,
    )
    divide("interviewers")
    seat(op.get_bind())
    for column in ("interview_id", "updated_at"):
        op.create_index(f"interviewers_by_{column}", "interviewers", ["organization_id", column, "id"])
