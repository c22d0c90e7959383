"""What pages ask for: interviews that await feedback by their end, and what providers say of sessions.

A server of schema 0013 goes on serving while this runs and afterwards.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Upgrade the schema."""
    op.create_index(
        "scheduled_interviews_awaiting",
        "scheduled_interviews",
        ["organization_id", "ends_at", "id"],
        sqlite_where=sa.text("status = 'awaiting_feedback'"),
        postgresql_where=sa.text("status = 'awaiting_feedback'"),
    )
    op.add_column("sessions", sa.Column("confirmed_at", sa.BigInteger))
    op.add_column("sessions", sa.Column("asked_at", sa.BigInteger))
    op.add_column("sessions", sa.Column("held_grant", sa.LargeBinary))
