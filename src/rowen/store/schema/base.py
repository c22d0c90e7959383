"""What the tables are made of: the metadata that holds them all, and the columns and options that they share.

Must not know a table.
"""

from typing import Any, Final

from sqlalchemy import BigInteger, Column, Integer, MetaData, String

Text: Final = String().with_variant(String(collation="C"), "postgresql")
"""Text in the order of its bytes, on every engine: nothing here is sorted for people."""

Asked: Final = Integer().with_variant(BigInteger(), "postgresql")
"""A small id. Clients may still send any 64-bit number, so PostgreSQL needs BIGINT; SQLite integers are 64-bit anyway.
"""

metadata: Final = MetaData()

CLUSTERED: Final[dict[str, Any]] = {
    "sqlite_with_rowid": False,
    "postgresql_partition_by": "HASH (organization_id)",
}
"""Of tables that grow with the schedule: stored in the order of the key (docs/decisions/0002), and partitioned."""


def organization_column() -> Column[int]:
    """Return the column that the key of every table but two begins with."""
    return Column("organization_id", Integer, nullable=False)
