"""The table of busy times, which scheduling reads. Rooms, pools and availability are records (docs/decisions/0042).

Owns names, columns, keys and indexes, by the rules of `tables.py`. Must not know a query.
"""

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table

from rowen.store.schema.base import Text, metadata, organization_column

busy_sources: Final = Table(
    # A row for each source of busy times of a user: what a script pushes, or a calendar address that is read.
    "busy_sources",
    metadata,
    organization_column(),
    Column("user_id", BigInteger, nullable=False),
    Column("source", Text, nullable=False),
    # When it was read; null for an address that has not been read yet.
    Column("read_at", BigInteger),
    # Of an address: where it is, when to read it next, the validators of its last response, how often reading it has
    # failed since, and why it last did.
    Column("url", Text),
    Column("next_read_at", BigInteger),
    Column("etag", Text),
    Column("last_modified", Text),
    Column("failures", Integer, nullable=False),
    Column("error", Text),
    # The windows that it covers, each a start, an end and when it was read; and the busy intervals, each a start and an
    # end: 64-bit integers, the lowest byte first, in milliseconds since 1970.
    Column("windows", LargeBinary, nullable=False),
    Column("busy", LargeBinary, nullable=False),
    PrimaryKeyConstraint("organization_id", "user_id", "source"),
)

ADDRESSES: Final = busy_sources.c.next_read_at.is_not(None)
"""The sources that are addresses to be read."""

Index(
    "busy_sources_due",
    busy_sources.c.next_read_at,
    busy_sources.c.organization_id,
    busy_sources.c.user_id,
    sqlite_where=ADDRESSES,
    postgresql_where=ADDRESSES,
)
