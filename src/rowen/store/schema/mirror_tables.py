"""The tables of mirrors: the rows of accounts elsewhere, and how far they were read.

Owns names, columns, keys and indexes, by the rules of `tables.py`. Must not know a query or the content of a row.
"""

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table, false

from rowen.store.schema.base import CLUSTERED, Text, metadata, organization_column

mirrors: Final = Table(
    # Organizations that mirror an account elsewhere: no credentials of it are stored.
    "mirrors",
    metadata,
    organization_column(),
    Column("source", Text, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("loaded_at", BigInteger),
    Column("followed_at", BigInteger),
    Column("error", Text),
    Column("error_at", BigInteger),
    # JSON: numbers by name.
    Column("counters", LargeBinary, nullable=False),
    # Whether writes of interviews pass through to the account.
    Column("write_through", Boolean, nullable=False, server_default=false()),
    PrimaryKeyConstraint("organization_id"),
)

mirror_positions: Final = Table(
    # How far each resource of a mirrored account was read and swept.
    "mirror_positions",
    metadata,
    organization_column(),
    Column("resource", Text, nullable=False),
    Column("cursor", Text),
    Column("loaded", Boolean, nullable=False),
    Column("newest", BigInteger),
    Column("sweep_cursor", Text),
    Column("sweep_above", BigInteger),
    Column("swept_at", BigInteger),
    # How many rows of the resource there are.
    Column("held", BigInteger, nullable=False, server_default="0"),
    PrimaryKeyConstraint("organization_id", "resource"),
)

mirror_rows: Final = Table(
    # The rows of a mirrored account: the part of each that matters here, and the ids in it by which it is found.
    "mirror_rows",
    metadata,
    organization_column(),
    Column("resource", Text, nullable=False),
    Column("id", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("parent_id", BigInteger),
    Column("person_id", BigInteger),
    Column("subject_id", BigInteger),
    Column("other_person_id", BigInteger),
    PrimaryKeyConstraint("organization_id", "resource", "id"),
    **CLUSTERED,
)
for _column in ("parent_id", "person_id", "subject_id", "other_person_id"):
    Index(
        f"mirror_rows_by_{_column}",
        mirror_rows.c.organization_id,
        mirror_rows.c.resource,
        mirror_rows.c[_column],
        mirror_rows.c.id,
        sqlite_where=mirror_rows.c[_column].is_not(None),
        postgresql_where=mirror_rows.c[_column].is_not(None),
    )

mirror_pending: Final = Table(
    # Records that have to be compared with the rows of a mirrored account again.
    "mirror_pending",
    metadata,
    organization_column(),
    Column("resource", Text, nullable=False),
    Column("id", BigInteger, nullable=False),
    Column("marked_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("organization_id", "resource", "id"),
    **CLUSTERED,
)

account_writes: Final = Table(
    # Writes that pass through a mirror to its account, until what became of each is no longer asked for.
    "account_writes",
    metadata,
    organization_column(),
    Column("id", Text, nullable=False),
    Column("state", Text, nullable=False),
    # The external event id by which a new interview is found in the account.
    Column("event_id", Text, nullable=False),
    # JSON; empty after the end.
    Column("request", LargeBinary, nullable=False),
    Column("queued_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("sent_at", BigInteger),
    Column("attempts", Integer, nullable=False),
    Column("interview_id", BigInteger),
    # JSON: why it failed.
    Column("failure", LargeBinary),
    Column("ended_at", BigInteger),
    PrimaryKeyConstraint("organization_id", "id"),
)
