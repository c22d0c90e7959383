"""The tables of secrets that people have: addresses of calendars, sign-in links, and sessions.

Owns names, columns, keys and indexes, by the rules of `tables.py`, which has those of API keys and clients. Must not
know a query or a secret: digests are stored.
"""

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table, UniqueConstraint

from rowen.store.schema.base import Text, metadata, organization_column

calendars: Final = Table(
    # Secret addresses of calendars. `kind` and `subject_id` say whose interviews they contain.
    "calendars",
    metadata,
    organization_column(),
    Column("id", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject_id", BigInteger),
    Column("digest", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("last_used_at", BigInteger),
    PrimaryKeyConstraint("organization_id", "id"),
    Index("calendars_by_digest", "digest", unique=True),
)

people: Final = Table(
    # The users who can sign in, with their roles.
    "people",
    metadata,
    organization_column(),
    Column("id", Integer, nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("role", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    PrimaryKeyConstraint("organization_id", "id"),
    UniqueConstraint("organization_id", "user_id"),
)

sign_in_links: Final = Table(
    # One-time links. That of the first admin is nobody's.
    "sign_in_links",
    metadata,
    organization_column(),
    Column("digest", LargeBinary, nullable=False),
    Column("person_id", Integer),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
    PrimaryKeyConstraint("organization_id", "digest"),
)

sessions: Final = Table(
    "sessions",
    metadata,
    organization_column(),
    Column("digest", LargeBinary, nullable=False),
    Column("person_id", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("used_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("organization_id", "digest"),
    Index("sessions_by_person", "organization_id", "person_id"),
)
