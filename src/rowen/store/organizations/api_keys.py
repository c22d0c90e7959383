"""The API keys of a database.

Owns their rows, and the one statement that every request begins with. Must not know a key itself: only its digest.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from sqlalchemy import bindparam, func, insert, literal_column, select, update

from rowen.app.keys import ApiKey, Identity, NewKey
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant
from rowen.store.engines.base import Engine, Transaction
from rowen.store.ledger.ledger import COLUMNS, Ledger, organization_of
from rowen.store.schema.tables import api_keys, organizations

_MOST_OWNERS: Final = 100_000


class KeyTable:
    """Reads and makes API keys through one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._ledger = Ledger(engine)
        self._known: dict[bytes, Identity] = {}
        self._known_as_of: bytes | None = None
        self._owners: dict[bytes, int] = {}
        self._prepare_reading(engine)
        self._prepare_writing(engine)

    def _prepare_reading(self, engine: Engine) -> None:
        keys = api_keys.c
        with_organization = api_keys.join(organizations, organizations.c.id == keys.organization_id)
        self._owner = engine.prepare(select(keys.organization_id).where(keys.digest == bindparam("digest")))
        self._holder = engine.prepare(select(keys.organization_id, keys.name).where(keys.digest == bindparam("digest")))
        self._authenticate = engine.prepare(
            select(keys.id, keys.name, keys.permissions, keys.rate_limit, *COLUMNS)
            .select_from(with_organization)
            .where(
                keys.organization_id == bindparam("organization"),
                organizations.c.id == bindparam("organization"),
                keys.digest == bindparam("digest"),
                keys.revoked_at.is_(None),
            )
        )
        listed = (
            select(
                organizations.c.name,
                keys.name,
                keys.prefix,
                keys.permissions,
                keys.rate_limit,
                keys.created_at,
                keys.last_used_at,
                keys.revoked_at,
            )
            .select_from(with_organization)
            .order_by(organizations.c.name, keys.id)
        )
        self._all = engine.prepare(listed)
        self._own = engine.prepare(listed.where(keys.organization_id == bindparam("organization")))

    def _prepare_writing(self, engine: Engine) -> None:
        keys = api_keys.c
        named = (keys.organization_id == bindparam("organization"), keys.name == bindparam("key_name"))
        self._named = engine.prepare(select(keys.id).where(*named))
        self._last_id = engine.prepare(
            select(func.coalesce(func.max(keys.id), literal_column("0"))).where(
                keys.organization_id == bindparam("organization")
            )
        )
        self._insert = engine.prepare(insert(api_keys).values({column.name: bindparam(column.name) for column in keys}))
        self._revoke = engine.prepare(
            update(api_keys).where(*named, keys.revoked_at.is_(None)).values(revoked_at=bindparam("now"))
        )
        self._permissions = engine.prepare(select(keys.permissions).where(*named, keys.revoked_at.is_(None)))
        self._allow = engine.prepare(
            update(api_keys).where(*named, keys.revoked_at.is_(None)).values(permissions=bindparam("new_permissions"))
        )
        self._use = engine.prepare(
            update(api_keys)
            .where(keys.organization_id == bindparam("organization"), keys.id == bindparam("key"))
            .values(last_used_at=bindparam("now"))
        )

    async def authenticate(self, digest: bytes) -> Identity | None:
        """Return what the key with that SHA-256 digest gives access to; None if it is unknown or revoked."""
        state = self._engine.state()  # before the statement, whose result may be newer than this, but never older
        if state is None or state != self._known_as_of:
            self._known.clear()
            self._known_as_of = state
        access = self._known.get(digest)
        if access is None:
            access = await self._look_up(digest)
            if access is not None and state is not None:
                self._known[digest] = access
        return access

    async def _look_up(self, digest: bytes) -> Identity | None:
        owner = await self._owner_of(digest)
        if owner is None:
            return None
        row = await self._engine.row(self._authenticate, {"organization": owner, "digest": digest})
        if row is None:
            return None
        return Identity(row[0], row[1], _permissions(row[2]), row[3], organization_of(row[4:]))

    async def _owner_of(self, digest: bytes) -> int | None:
        """Return the organization of a key, valid or revoked: the only query without an organization, cached for good.

        A key never moves to another organization, and all other queries then have their shard.
        """
        owner = self._owners.get(digest)
        if owner is None:
            row = await self._engine.row(self._owner, {"digest": digest})
            if row is None:
                return None
            if len(self._owners) >= _MOST_OWNERS:
                self._owners.clear()
            owner = self._owners[digest] = row[0]
        return owner

    async def create(self, organization: OrganizationId, key: NewKey, now: Instant) -> None:
        """Store a key.

        Raises Refusal (conflict) if the organization has a key with that name, or any organization has that key, even
        revoked: servers cache the organization of a key.
        """

        async def work(transaction: Transaction) -> None:
            await self._ledger.take(transaction, organization)
            holder = await transaction.row(self._holder, {"digest": key.digest})
            if holder is not None:
                where = f"as {holder[1]!r}" if holder[0] == organization else "in another organization"
                raise Refusal(
                    Code.CONFLICT, f"this key is stored already {where}, in force or revoked: use another key"
                )
            named = {"organization": organization, "key_name": key.name}
            if await transaction.row(self._named, named) is not None:
                raise Refusal(
                    Code.CONFLICT, f"there is a key {key.name!r} already, in force or revoked: choose another name"
                )
            row = await transaction.row(self._last_id, {"organization": organization})
            values = {
                "organization_id": organization,
                "id": row[0] + 1 if row else 1,
                "name": key.name,
                "prefix": key.prefix,
                "digest": key.digest,
                "permissions": " ".join(sorted(key.permissions)),
                "rate_limit": key.rate_limit,
                "created_at": int(now),
                "last_used_at": None,
                "revoked_at": None,
            }
            await transaction.run(self._insert, values)

        await self._engine.write(work)

    async def all(self, organization: OrganizationId | None = None) -> list[ApiKey]:
        """Return every key, or those of one organization, ordered by organization and creation."""
        if organization is None:
            rows = await self._engine.rows(self._all, {})
        else:
            rows = await self._engine.rows(self._own, {"organization": organization})
        return [
            ApiKey(
                organization,
                name,
                prefix,
                _permissions(permissions),
                rate_limit,
                Instant(created_at),
                None if last_used_at is None else Instant(last_used_at),
                None if revoked_at is None else Instant(revoked_at),
            )
            for (
                organization,
                name,
                prefix,
                permissions,
                rate_limit,
                created_at,
                last_used_at,
                revoked_at,
            ) in rows
        ]

    async def allow(
        self, organization: OrganizationId, name: str, permissions: frozenset[str]
    ) -> frozenset[str] | None:
        """Give a key more permissions; return those that it did not have, None if no valid key has that name."""
        named = {"organization": organization, "key_name": name}

        async def work(transaction: Transaction) -> frozenset[str] | None:
            await self._ledger.take(transaction, organization)
            row = await transaction.row(self._permissions, named)
            if row is None:
                return None
            held = _permissions(row[0])
            if added := permissions - held:
                joined = " ".join(sorted(held | added))
                await transaction.run(self._allow, {**named, "new_permissions": joined})
            return added

        return await self._engine.write(work)

    async def revoke(self, organization: OrganizationId, name: str, now: Instant) -> bool:
        """Revoke a key; False if no valid key has that name."""

        async def work(transaction: Transaction) -> int:
            return await transaction.run(
                self._revoke, {"organization": organization, "key_name": name, "now": int(now)}
            )

        return await self._engine.write(work) > 0

    async def record_use(self, uses: Sequence[tuple[OrganizationId, int, Instant]]) -> None:
        """Store when keys (by id) were last used."""
        order = self._use.parameters

        async def work(transaction: Transaction) -> None:
            # Sorted, so that two processes do not wait for each other's locks.
            rows = [
                {"organization": organization, "key": key, "now": int(now)} for organization, key, now in sorted(uses)
            ]
            await transaction.run_many(self._use, [[row[name] for name in order] for row in rows])

        await self._engine.write(work)


@lru_cache(maxsize=256)
def _permissions(text: str) -> frozenset[str]:
    return frozenset(text.split())
