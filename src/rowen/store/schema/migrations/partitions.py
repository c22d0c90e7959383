"""The layout of growing tables on PostgreSQL; SQLite has none of it.

Owns the migrations' words for text, numbers and partitions, as they were when the tables were first created. Must
import none of Rowen's code.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

BY_ORGANIZATION: Final = "HASH (organization_id)"
ASKED: Final = sa.Integer().with_variant(sa.BigInteger(), "postgresql")
TEXT: Final = sa.String().with_variant(sa.String(collation="C"), "postgresql")

_PARTITIONS: Final = 16


def divide(table: str) -> None:
    """Create the partitions of a table that was just created."""
    if op.get_context().dialect.name != "postgresql":
        return
    for number in range(_PARTITIONS):
        op.execute(
            f"CREATE TABLE {table}_{number} PARTITION OF {table} "
            f"FOR VALUES WITH (MODULUS {_PARTITIONS}, REMAINDER {number})"
        )
