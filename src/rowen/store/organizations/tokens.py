"""The issuers of tokens in a database: its clients, and its API keys.

Owns the one statement that a request with a token begins with, and what is remembered of verified tokens. Must not know
the form of a token, or the document of a user.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple, Protocol

from sqlalchemy import bindparam, select, update

from rowen.app.keys import Identity, digest
from rowen.app.records import USERS
from rowen.app.scopes import scopes_of
from rowen.app.tokens import Claims, Issuer, IssuerKind, RegisteredClient, TokenCodec, signing_key_of
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant
from rowen.store.engines.base import Engine, Prepared, Row, Transaction, constant
from rowen.store.ledger.ledger import COLUMNS, organization_of
from rowen.store.schema.credential_tables import clients
from rowen.store.schema.tables import api_keys, organizations, records

_MOST_KNOWN: Final = 10_000
_WINDOWS: Final = 3
"""How many windows of API keys (10 seconds) one of tokens has: a key's own limit is multiplied by it."""


class _Known(NamedTuple):
    """A verified token: whom it identifies, and the Unix time of its end in milliseconds."""

    identity: Identity
    expires: int


class UserDocuments(Protocol):
    """The documents of users, as tokens need them."""

    def is_disabled(self, document: bytes) -> bool:
        """Return whether a user is disabled."""
        ...


class TokenTable:
    """Verifies tokens, and reads their issuers, through one engine.

    A verified token is remembered until the next commit of any process, as API keys are (`api_keys.py`): so the
    revocation of its issuer takes effect on the next request, and a request costs no more than one with an API key.
    """

    def __init__(self, engine: Engine, codec: TokenCodec, users: UserDocuments) -> None:
        self._engine = engine
        self._codec = codec
        self._users = users
        self._known: dict[bytes, _Known] = {}
        self._known_as_of: bytes | None = None
        self._prepare_issuers(engine)
        self._prepare_users_and_uses(engine)

    def _prepare_issuers(self, engine: Engine) -> None:
        own, keys = clients.c, api_keys.c
        self._by_id = {
            IssuerKind.CLIENT: engine.prepare(
                select(own.name, own.signing_key, own.scopes, *COLUMNS)
                .select_from(clients.join(organizations, organizations.c.id == own.organization_id))
                .where(
                    own.organization_id == bindparam("organization"),
                    organizations.c.id == bindparam("organization"),
                    own.id == bindparam("issuer"),
                    own.revoked_at.is_(None),
                )
            ),
            IssuerKind.KEY: engine.prepare(
                select(keys.name, keys.digest, keys.permissions, *COLUMNS, keys.rate_limit)
                .select_from(api_keys.join(organizations, organizations.c.id == keys.organization_id))
                .where(
                    keys.organization_id == bindparam("organization"),
                    organizations.c.id == bindparam("organization"),
                    keys.id == bindparam("issuer"),
                    keys.revoked_at.is_(None),
                )
            ),
        }
        self._client = engine.prepare(
            select(
                own.organization_id,
                own.id,
                own.signing_key,
                own.scopes,
                own.user_id,
                own.secret_digest,
                own.refresh_digest,
            ).where(own.client_id == bindparam("client_id"), own.revoked_at.is_(None))
        )
        self._key = engine.prepare(
            select(keys.organization_id, keys.id, keys.permissions).where(
                keys.digest == bindparam("digest"), keys.revoked_at.is_(None)
            )
        )

    def _prepare_users_and_uses(self, engine: Engine) -> None:
        own, keys = clients.c, api_keys.c
        self._user = engine.prepare(
            select(records.c.document).where(
                records.c.organization_id == bindparam("organization"),
                records.c.resource == constant(USERS),
                records.c.id == bindparam("user"),
            )
        )
        self._use_client = engine.prepare(
            update(clients)
            .where(own.organization_id == bindparam("organization"), own.id == bindparam("issuer"))
            .values(last_used_at=bindparam("now"))
        )
        self._use_key = engine.prepare(
            update(api_keys)
            .where(keys.organization_id == bindparam("organization"), keys.id == bindparam("issuer"))
            .values(last_used_at=bindparam("now"))
        )

    async def authenticate(self, token: str, now: Instant) -> Identity | None:
        """Return the identity of a token; None if it is not valid now."""
        state = self._engine.state()  # before the statement, whose result may be newer than this, but never older
        if state is None or state != self._known_as_of:
            self._known.clear()
            self._known_as_of = state
        name = digest(token)
        known = self._known.get(name)
        if known is None:
            known = await self._look_up(token)
            if known is None:
                return None
            if state is not None:
                if len(self._known) >= _MOST_KNOWN:
                    self._known.clear()
                self._known[name] = known
        return known.identity if now < known.expires else None

    async def _look_up(self, token: str) -> _Known | None:
        sent = self._codec.read(token)
        if sent is None:
            return None
        claims = sent.claims
        issuer = {"organization": claims.organization, "issuer": claims.id}
        statement = self._by_id.get(claims.kind)
        row = None if statement is None else await self._engine.row(statement, issuer)
        if row is None:
            return None
        identify = _client_identity if claims.kind is IssuerKind.CLIENT else _key_identity
        signing_key, identity = identify(claims, row)
        return _Known(identity, claims.expires * 1_000) if sent.is_signed_by(signing_key) else None

    async def client(self, client_id: str) -> RegisteredClient | None:
        """Return the client with that id; None if it is unknown or revoked."""
        row = await self._engine.row(self._client, {"client_id": client_id})
        if row is None:
            return None
        organization, identifier, signing_key, scopes, user, secret, refresh = row
        issuer = Issuer(
            IssuerKind.CLIENT, OrganizationId(organization), identifier, bytes(signing_key), _words(scopes), user
        )
        return RegisteredClient(issuer, bytes(secret), bytes(refresh))

    async def key(self, digest: bytes) -> Issuer | None:
        """Return the API key with a SHA-256 digest as an issuer of tokens; None if it is unknown or revoked."""
        row = await self._engine.row(self._key, {"digest": digest})
        if row is None:
            return None
        organization, identifier, permissions = row
        scopes = scopes_of(_words(permissions))
        return Issuer(IssuerKind.KEY, OrganizationId(organization), identifier, signing_key_of(digest), scopes, None)

    async def may_act(self, organization: OrganizationId, user: int) -> bool:
        """Return whether tokens can act for a user: one of the organization who is not disabled."""
        row = await self._engine.row(self._user, {"organization": organization, "user": user})
        return row is not None and row[0] is not None and not self._users.is_disabled(bytes(row[0]))

    async def record_use(self, uses: Sequence[tuple[OrganizationId, int, Instant]]) -> None:
        """Store when the issuers of tokens were last used; negative ids are those of clients."""

        async def work(transaction: Transaction) -> None:
            await _record(transaction, self._use_key, [use for use in uses if use[1] > 0])
            await _record(transaction, self._use_client, [(of, -issuer, now) for of, issuer, now in uses if issuer < 0])

        await self._engine.write(work)


async def _record(
    transaction: Transaction, statement: Prepared, uses: Sequence[tuple[OrganizationId, int, Instant]]
) -> None:
    # Sorted, so that two processes do not wait for each other's locks.
    rows = [{"organization": of, "issuer": issuer, "now": int(now)} for of, issuer, now in sorted(uses)]
    if rows:
        await transaction.run_many(statement, [[row[name] for name in statement.parameters] for row in rows])


def _client_identity(claims: Claims, row: Row) -> tuple[bytes, Identity]:
    """Return the signing key of a client, and the identity of its token."""
    name, signing_key, scopes, *organization = row
    identity = Identity(-claims.id, name, _words(scopes), None, organization_of(organization), claims.user)
    return bytes(signing_key), identity


def _key_identity(claims: Claims, row: Row) -> tuple[bytes, Identity]:
    """Return the signing key of an API key, and the identity of its token."""
    name, key_digest, permissions, *organization, rate_limit = row
    limit = None if rate_limit is None else rate_limit * _WINDOWS
    scopes = scopes_of(_words(permissions))
    identity = Identity(claims.id, name, scopes, limit, organization_of(organization), claims.user)
    return signing_key_of(bytes(key_digest)), identity


@lru_cache(maxsize=256)
def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())
