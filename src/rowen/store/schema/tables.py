"""The tables, once, for both engines.

Owns names, columns, keys and indexes. Must not know a query or the content of a document; options of one engine are
named after it. Instants are whole milliseconds since 1970 UTC. Every primary key begins with the organization, which
separates tenants, keeps their rows together, and decides the partition and the shard.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    false,
    literal_column,
)

from rowen.store.schema import (
    base,
    credential_tables,  # noqa: F401  (for the metadata)
    mirror_tables,  # noqa: F401  (for the metadata)
    planning_tables,  # noqa: F401  (for the metadata)
)
from rowen.store.schema.base import CLUSTERED, Asked, Text, organization_column

metadata: Final = base.metadata
"""All tables, those of the other modules, too."""

SCHEMA_VERSIONS: Final = (
    "0001",
    "0002",
    "0003",
    "0004",
    "0005",
    "0006",
    "0007",
    "0008",
    "0009",
    "0010",
    "0011",
    "0012",
    "0013",
    "0014",
)
"""Every migration there ever was, in order."""

SCHEMA_VERSION: Final = SCHEMA_VERSIONS[-1]
"""The newest migration: the schema version of this Rowen (a test compares it with Alembic's head)."""

PARTITIONS: Final = 16
"""The number of partitions, by a hash of the organization, of the tables that grow with the schedule on PostgreSQL."""

organizations: Final = Table(
    "organizations",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False, unique=True),
    Column("time_zone", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    # The ledger: locked first by every write, raised by every commit.
    Column("revision", BigInteger, nullable=False),
    Column("last_updated_at", BigInteger, nullable=False),
    Column("last_id", BigInteger, nullable=False),
    Column("interview_count", BigInteger, nullable=False),
    Column("double_booking", Text, nullable=False, server_default="allow"),
    # How many milliseconds after its end an interview starts to await feedback.
    Column("grace", BigInteger, nullable=False, server_default="0"),
    # The highest id that a row of `interviewers` has had.
    Column("last_interviewer_id", BigInteger, nullable=False, server_default="0"),
    # The account of which the organization is a mirror, read-only here.
    Column("mirrored_from", Text),
    # How many rooms it has: while it has none, no write looks for them.
    Column("room_count", Integer, nullable=False, server_default="0"),
    # Whether people without a source of busy times are not offered.
    Column("require_busy_source", Boolean, nullable=False, server_default=false()),
)

api_keys: Final = Table(
    "api_keys",
    metadata,
    organization_column(),
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
    organization_column(),
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
    # When a status update is due; null for an imported interview that has not changed since.
    Column("due_at", BigInteger),
    PrimaryKeyConstraint("organization_id", "id"),
    # Clustered by organization and id: a page is one range scan (docs/decisions/0002).
    **CLUSTERED,
)

OPEN: Final = scheduled_interviews.c.created_through_api & (
    scheduled_interviews.c.status != literal_column("'complete'")
)
"""The interviews that the API can still change; literal, so that the partial index serves it."""

for _column in ("application_id", "external_event_id", "created_at", "updated_at", "starts_at", "ends_at"):
    Index(
        f"scheduled_interviews_by_{_column}",
        scheduled_interviews.c.organization_id,
        scheduled_interviews.c[_column],
        scheduled_interviews.c.id,
    )
BY_APPLICATION_INDEX: Final = "scheduled_interviews_by_application_id"
"""Named in hints: SQLite considers the order of the primary key as good."""

OPEN_INDEX: Final = "scheduled_interviews_open"
"""Named in hints: SQLite considers the order of the primary key as good."""

Index(
    OPEN_INDEX,
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

AWAITING: Final = scheduled_interviews.c.status == literal_column("'awaiting_feedback'")
"""The interviews that await feedback; literal, so that the partial index serves it."""

AWAITING_INDEX: Final = "scheduled_interviews_awaiting"
"""Named in hints: SQLite considers the index of all ends as good."""

Index(
    AWAITING_INDEX,
    scheduled_interviews.c.organization_id,
    scheduled_interviews.c.ends_at,
    scheduled_interviews.c.id,
    sqlite_where=AWAITING,
    postgresql_where=AWAITING,
)

panel: Final = Table(
    # Bookings: a row for each interviewer of an interview who has not declined.
    "panel",
    metadata,
    organization_column(),
    Column("person", BigInteger, nullable=False),
    Column("ends_at", BigInteger, nullable=False),
    Column("interview_id", BigInteger, nullable=False),
    Column("starts_at", BigInteger, nullable=False),
    # Keyed by end time: few bookings end after a new one starts, whereas all past bookings started before it ends.
    PrimaryKeyConstraint("organization_id", "person", "ends_at", "interview_id"),
    **CLUSTERED,
)

interviewers: Final = Table(
    # The members of panels as rows with ids of their own, in step with the documents of interviews: Harvest v3 lists
    # them (docs/decisions/0031).
    "interviewers",
    metadata,
    organization_column(),
    Column("id", BigInteger, nullable=False),
    Column("interview_id", BigInteger, nullable=False),
    Column("user_id", BigInteger),
    Column("email", Text),
    Column("response_status", Text, nullable=False),
    Column("scorecard_id", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("organization_id", "id"),
    **CLUSTERED,
)
for _column in ("interview_id", "updated_at"):
    Index(
        f"interviewers_by_{_column}",
        interviewers.c.organization_id,
        interviewers.c[_column],
        interviewers.c.id,
    )

SEATS_INDEX: Final = "interviewers_by_interview_id"
"""The index by which the panel of an interview is found, for hints."""

records: Final = Table(
    # Users, applications, candidates, jobs and so on, by `resource`.
    "records",
    metadata,
    organization_column(),
    Column("resource", Text, nullable=False),
    Column("id", BigInteger, nullable=False),
    Column("created_at", BigInteger),
    Column("updated_at", BigInteger),
    Column("status", Text),
    # Known from interviews only: any imported record replaces it.
    Column("derived", Boolean, nullable=False),
    # Null if the columns hold all that is known.
    Column("document", LargeBinary),
    # Of a derived record: the source interview and time of each known fact, so that the newest counts.
    Column("evidence", LargeBinary),
    PrimaryKeyConstraint("organization_id", "resource", "id"),
    **CLUSTERED,
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
    # The values by which a record can be found apart from its id and times, such as each e-mail address of a user.
    "terms",
    metadata,
    organization_column(),
    Column("resource", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("id", BigInteger, nullable=False),
    PrimaryKeyConstraint("organization_id", "resource", "name", "value", "id"),
    # By the record: to replace its terms, and to read one of them.
    Index("terms_by_id", "organization_id", "resource", "id", "name"),
    **CLUSTERED,
)

changes: Final = Table(
    # All changes in the order of commits: a row per revision, except those that changed only keys or records.
    "changes",
    metadata,
    organization_column(),
    Column("revision", BigInteger, nullable=False),
    Column("time", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("interview_id", BigInteger),
    # JSON as served: actor and fields; and the interview after the change, or before it was cancelled.
    Column("summary", LargeBinary, nullable=False),
    Column("document", LargeBinary),
    PrimaryKeyConstraint("organization_id", "revision"),
    **CLUSTERED,
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

CANCELLED: Final = changes.c.kind == literal_column("'cancelled'")
"""The changes that cancelled an interview; literal, so that the partial index serves it."""

Index(
    "changes_cancelled",
    changes.c.organization_id,
    changes.c.time,
    changes.c.revision,
    sqlite_where=CANCELLED,
    postgresql_where=CANCELLED,
)

idempotency_keys: Final = Table(
    # The answers to requests that carried an Idempotency-Key.
    "idempotency_keys",
    metadata,
    organization_column(),
    Column("api_key_id", Integer, nullable=False),
    Column("key", Text, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    PrimaryKeyConstraint("organization_id", "api_key_id", "key"),
    Index("idempotency_keys_by_created_at", "created_at"),
    **CLUSTERED,
)

webhooks: Final = Table(
    "webhooks",
    metadata,
    organization_column(),
    Column("id", Asked, nullable=False),
    Column("url", Text, nullable=False),
    Column("actions", Text, nullable=False),
    Column("secret", Text, nullable=False),
    Column("previous_secret", Text),
    Column("previous_secret_until", BigInteger),
    Column("enabled", Boolean, nullable=False),
    Column("reason", Text),
    Column("created_at", BigInteger, nullable=False),
    # The host that an operator allowed for this URL, whatever its address.
    Column("allowed_host", Text),
    PrimaryKeyConstraint("organization_id", "id"),
)

deliveries: Final = Table(
    # The outbox: the deliveries of a change to webhooks, written with the change.
    "deliveries",
    metadata,
    organization_column(),
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
    Column("last_attempt_at", BigInteger),
    # The beginning of the body of the receiver's last response.
    Column("last_answer", LargeBinary),
    PrimaryKeyConstraint("organization_id", "webhook_id", "revision", "action"),
    **CLUSTERED,
)

PENDING: Final = deliveries.c.state == literal_column("'pending'")
"""The deliveries still to be sent; literal, so that the partial index serves it."""

PENDING_INDEX: Final = "deliveries_pending"
"""Named in hints: SQLite considers the primary key as good, which covers all past deliveries."""

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
    # The checkpoints of unfinished imports from servers.
    "import_positions",
    metadata,
    organization_column(),
    Column("source", Text, nullable=False),
    Column("next", Text, nullable=False),
    PrimaryKeyConstraint("organization_id", "source"),
)

leases: Final = Table(
    # Leadership: the process that leads, and until when, on engines without a better way.
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)
