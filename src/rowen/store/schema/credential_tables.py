"""The tables of secrets: clients of v3, and what people have: addresses of calendars, sign-in links, and sessions.

Owns names, columns, keys and indexes, by the rules of `tables.py`, which has that of API keys. Must not know a query or
a secret: digests are stored.
"""

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table, UniqueConstraint

from rowen.store.schema.base import Text, metadata, organization_column

clients: Final = Table(
    # The clients of Harvest v3, which make tokens.
    "clients",
    metadata,
    organization_column(),
    Column("id", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("secret_digest", LargeBinary, nullable=False),
    Column("refresh_digest", LargeBinary, nullable=False),
    # In clear, like the secrets of webhooks: each server verifies tokens without the client's secret.
    Column("signing_key", LargeBinary, nullable=False),
    Column("scopes", Text, nullable=False),
    # The acting user of tokens that name none.
    Column("user_id", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("last_used_at", BigInteger),
    Column("revoked_at", BigInteger),
    PrimaryKeyConstraint("organization_id", "id"),
    UniqueConstraint("organization_id", "name"),
    Index("clients_by_client_id", "client_id", unique=True),
)

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
    # Of a session that a provider (OpenID Connect) began: when the provider last confirmed it, since when a process is
    # asking, and what it asks with, encrypted with a key that only the browser has.
    Column("confirmed_at", BigInteger),
    Column("asked_at", BigInteger),
    Column("held_grant", LargeBinary),
    PrimaryKeyConstraint("organization_id", "digest"),
    Index("sessions_by_person", "organization_id", "person_id"),
)
