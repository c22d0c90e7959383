"""The tables, once, for both engines.

Owns names, columns, keys and indexes. Must not know a dialect, a query or what a document says. Instants are
whole milliseconds since 1970 UTC; every primary key leads with the organization: the tenant wall and the
locality of reads.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
    literal_column,
)

SCHEMA_VERSIONS: Final = ("0001",)
"""Every migration there ever was, in order."""

SCHEMA_VERSION: Final = SCHEMA_VERSIONS[-1]
"""The newest migration: what a database of this Rowen stands at (a test compares it with Alembic's head)."""

metadata: Final = MetaData()

organizations: Final = Table(
    "organizations",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("time_zone", String, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    # The ledger: taken first by every write, raised by every commit.
    Column("revision", BigInteger, nullable=False),
    Column("last_updated_at", BigInteger, nullable=False),
    Column("last_id", BigInteger, nullable=False),
    Column("interview_count", BigInteger, nullable=False),
)

api_keys: Final = Table(
    "api_keys",
    metadata,
    Column("organization_id", Integer, nullable=False),
    Column("id", Integer, nullable=False),
    Column("name", String, nullable=False),
    Column("prefix", String, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("permissions", String, nullable=False),
    Column("rate_limit", Integer),
    Column("created_at", BigInteger, nullable=False),
    Column("last_used_at", BigInteger),
    Column("revoked_at", BigInteger),
    PrimaryKeyConstraint("organization_id", "id"),
    UniqueConstraint("organization_id", "name"),
    Index("api_keys_by_digest", "digest", unique=True),
)

applications: Final = Table(
    "applications",
    metadata,
    Column("organization_id", Integer, nullable=False),
    Column("id", BigInteger, nullable=False),
    Column("active", Boolean, nullable=False),
    PrimaryKeyConstraint("organization_id", "id"),
    sqlite_with_rowid=False,
)

scheduled_interviews: Final = Table(
    "scheduled_interviews",
    metadata,
    Column("organization_id", Integer, nullable=False),
    Column("id", BigInteger, nullable=False),
    Column("application_id", BigInteger, nullable=False),
    Column("external_event_id", String),
    Column("created_at", BigInteger),
    Column("updated_at", BigInteger),
    Column("starts_at", BigInteger, nullable=False),
    Column("ends_at", BigInteger, nullable=False),
    Column("status", String, nullable=False),
    Column("created_through_api", Boolean, nullable=False),
    Column("document", LargeBinary, nullable=False),
    PrimaryKeyConstraint("organization_id", "id"),
    # Clustered by organization and id: a page is one range scan (docs/decisions/0002).
    sqlite_with_rowid=False,
)

OPEN: Final = scheduled_interviews.c.created_through_api & (
    scheduled_interviews.c.status != literal_column("'complete'")
)
"""What may still be changed through the API; literal, so that the partial index serves it."""

for _column in ("application_id", "external_event_id", "created_at", "updated_at", "starts_at", "ends_at"):
    Index(
        f"scheduled_interviews_by_{_column}",
        scheduled_interviews.c.organization_id,
        scheduled_interviews.c[_column],
        scheduled_interviews.c.id,
    )
Index(
    "scheduled_interviews_open",
    scheduled_interviews.c.organization_id,
    scheduled_interviews.c.created_through_api,
    scheduled_interviews.c.status,
    scheduled_interviews.c.id,
    scheduled_interviews.c.application_id,
    sqlite_where=OPEN,
)

import_positions: Final = Table(
    "import_positions",
    metadata,
    Column("organization_id", Integer, nullable=False),
    Column("source", String, nullable=False),
    Column("next", String, nullable=False),
    PrimaryKeyConstraint("organization_id", "source"),
)
