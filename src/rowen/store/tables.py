"""The tables, once, for both engines.

Owns names, columns, keys and indexes. Must not know a dialect, a query or what a document says. Instants are
whole milliseconds since 1970 UTC; every primary key leads with the organization: the tenant wall, the locality of
reads, the partition and the shard.
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

SCHEMA_VERSIONS: Final = ("0001", "0002", "0003")
"""Every migration there ever was, in order."""

SCHEMA_VERSION: Final = SCHEMA_VERSIONS[-1]
"""The newest migration: what a database of this Rowen stands at (a test compares it with Alembic's head)."""

PARTITIONS: Final = 16
"""Into how many parts, by a hash of the organization, PostgreSQL divides what grows with the schedule."""

Text: Final = String().with_variant(String(collation="C"), "postgresql")
"""Text in the order of its bytes, on every engine: nothing here is sorted for people."""

Asked: Final = Integer().with_variant(BigInteger(), "postgresql")
"""A number that is small, but that clients may ask for by any; SQLite's integers hold all of them."""

metadata: Final = MetaData()

_BY_ORGANIZATION: Final = "HASH (organization_id)"

organizations: Final = Table(
    "organizations",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False, unique=True),
    Column("time_zone", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    # The ledger: taken first by every write, raised by every commit.
    Column("revision", BigInteger, nullable=False),
    Column("last_updated_at", BigInteger, nullable=False),
    Column("last_id", BigInteger, nullable=False),
    Column("interview_count", BigInteger, nullable=False),
    Column("double_booking", Text, nullable=False, server_default="allow"),
    # How many milliseconds after its end an interview awaits feedback.
    Column("grace", BigInteger, nullable=False, server_default="0"),
)

api_keys: Final = Table(
    "api_keys",
    metadata,
    Column("organization_id", Integer, nullable=False),
    Column("id", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("prefix", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("permissions", Text, nullable=False),
    Column("rate_limit", Integer),
    Column("created_at", BigInteger, nullable=False),
    Column("last_used_at", BigInteger),
    Column("revoked_at", BigInteger),
    PrimaryKeyConstraint("organization_id", "id"),
    UniqueConstraint("organization_id", "name"),
    Index("api_keys_by_digest", "digest", unique=True),
)

scheduled_interviews: Final = Table(
    "scheduled_interviews",
    metadata,
    Column("organization_id", Integer, nullable=False),
    Column("id", BigInteger, nullable=False),
    Column("application_id", BigInteger, nullable=False),
    Column("external_event_id", Text),
    Column("created_at", BigInteger),
    Column("updated_at", BigInteger),
    Column("starts_at", BigInteger, nullable=False),
    Column("ends_at", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("created_through_api", Boolean, nullable=False),
    Column("document", LargeBinary, nullable=False),
    # When the clock has to look at it; null where it was imported and nothing has happened to it since.
    Column("due_at", BigInteger),
    PrimaryKeyConstraint("organization_id", "id"),
    # Clustered by organization and id: a page is one range scan (docs/decisions/0002).
    sqlite_with_rowid=False,
    postgresql_partition_by=_BY_ORGANIZATION,
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
    postgresql_where=OPEN,
)

Index(
    "scheduled_interviews_due",
    scheduled_interviews.c.due_at,
    scheduled_interviews.c.organization_id,
    scheduled_interviews.c.id,
    sqlite_where=scheduled_interviews.c.due_at.is_not(None),
    postgresql_where=scheduled_interviews.c.due_at.is_not(None),
)

panel: Final = Table(
    # Who is booked when: a row for each interviewer of an interview who has not declined.
    "panel",
    metadata,
    Column("organization_id", Integer, nullable=False),
    Column("person", BigInteger, nullable=False),
    Column("ends_at", BigInteger, nullable=False),
    Column("interview_id", BigInteger, nullable=False),
    Column("starts_at", BigInteger, nullable=False),
    # By their ends: what ends after a new one begins is seldom much, what began before it ends is all of the past.
    PrimaryKeyConstraint("organization_id", "person", "ends_at", "interview_id"),
    sqlite_with_rowid=False,
    postgresql_partition_by=_BY_ORGANIZATION,
)

records: Final = Table(
    # What stands around the interviews: users, applications, job stages, scorecards, told apart by `resource`.
    "records",
    metadata,
    Column("organization_id", Integer, nullable=False),
    Column("resource", Text, nullable=False),
    Column("id", BigInteger, nullable=False),
    Column("created_at", BigInteger),
    Column("updated_at", BigInteger),
    Column("status", Text),
    # Known from interviews only: whatever is imported of it is better.
    Column("derived", Boolean, nullable=False),
    # Null where the columns say all that is known.
    Column("document", LargeBinary),
    # Of a derived record: which interview said each thing that is known, and when, so that the newest counts.
    Column("evidence", LargeBinary),
    PrimaryKeyConstraint("organization_id", "resource", "id"),
    sqlite_with_rowid=False,
    postgresql_partition_by=_BY_ORGANIZATION,
)
for _column in ("created_at", "updated_at"):
    Index(
        f"records_by_{_column}",
        records.c.organization_id,
        records.c.resource,
        records.c[_column],
        records.c.id,
    )

terms: Final = Table(
    # By what a record is found besides its id and times: a row for each value, such as each e-mail address of a user.
    "terms",
    metadata,
    Column("organization_id", Integer, nullable=False),
    Column("resource", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("id", BigInteger, nullable=False),
    PrimaryKeyConstraint("organization_id", "resource", "name", "value", "id"),
    # By the record: to replace its terms, and to read one of them.
    Index("terms_by_id", "organization_id", "resource", "id", "name"),
    sqlite_with_rowid=False,
    postgresql_partition_by=_BY_ORGANIZATION,
)

changes: Final = Table(
    # All that happened, in the order of commits: a row a revision, but for those that changed keys or records only.
    "changes",
    metadata,
    Column("organization_id", Integer, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("time", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("interview_id", BigInteger),
    # JSON as it is served: who did what, field by field; and the interview after it, or before it was cancelled.
    Column("summary", LargeBinary, nullable=False),
    Column("document", LargeBinary),
    PrimaryKeyConstraint("organization_id", "revision"),
    sqlite_with_rowid=False,
    postgresql_partition_by=_BY_ORGANIZATION,
)
BY_INTERVIEW_INDEX: Final = "changes_by_interview"
Index(
    BY_INTERVIEW_INDEX,
    changes.c.organization_id,
    changes.c.interview_id,
    changes.c.revision,
    sqlite_where=changes.c.interview_id.is_not(None),
    postgresql_where=changes.c.interview_id.is_not(None),
)

idempotency_keys: Final = Table(
    # The answers to requests that carried an Idempotency-Key.
    "idempotency_keys",
    metadata,
    Column("organization_id", Integer, nullable=False),
    Column("api_key_id", Integer, nullable=False),
    Column("key", Text, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    PrimaryKeyConstraint("organization_id", "api_key_id", "key"),
    Index("idempotency_keys_by_created_at", "created_at"),
    sqlite_with_rowid=False,
    postgresql_partition_by=_BY_ORGANIZATION,
)

webhooks: Final = Table(
    "webhooks",
    metadata,
    Column("organization_id", Integer, nullable=False),
    Column("id", Asked, nullable=False),
    Column("url", Text, nullable=False),
    Column("actions", Text, nullable=False),
    Column("secret", Text, nullable=False),
    Column("previous_secret", Text),
    Column("previous_secret_until", BigInteger),
    Column("enabled", Boolean, nullable=False),
    Column("reason", Text),
    Column("created_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("organization_id", "id"),
)

deliveries: Final = Table(
    # The outbox: what a webhook is to be told of a change, written with the change.
    "deliveries",
    metadata,
    Column("organization_id", Integer, nullable=False),
    Column("webhook_id", Asked, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("action", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", BigInteger, nullable=False),
    Column("last_status", Integer),
    Column("last_error", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("settled_at", BigInteger),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("organization_id", "webhook_id", "revision", "action"),
    sqlite_with_rowid=False,
    postgresql_partition_by=_BY_ORGANIZATION,
)

PENDING: Final = deliveries.c.state == literal_column("'pending'")
"""What is still to be delivered; literal, so that the partial index serves it."""

PENDING_INDEX: Final = "deliveries_pending"
"""To be named where it shall serve: SQLite takes the primary key for as good, which holds all that was delivered."""

Index(
    PENDING_INDEX,
    deliveries.c.organization_id,
    deliveries.c.webhook_id,
    deliveries.c.revision,
    deliveries.c.action,
    sqlite_where=PENDING,
    postgresql_where=PENDING,
)

import_positions: Final = Table(
    "import_positions",
    metadata,
    Column("organization_id", Integer, nullable=False),
    Column("source", Text, nullable=False),
    Column("next", Text, nullable=False),
    PrimaryKeyConstraint("organization_id", "source"),
)

leases: Final = Table(
    # What one process of a database does for all: who does it, and until when, where the engine has no better way.
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)
