"""The clients of a database.

Owns their rows, as an operator manages them. Must not know a secret itself: only its digest.
"""

from sqlalchemy import bindparam, func, insert, literal_column, select, update

from rowen.app.clients import Client, NewClient
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant
from rowen.store.engines.base import Engine, Transaction
from rowen.store.ledger.ledger import Ledger
from rowen.store.schema.credential_tables import clients
from rowen.store.schema.tables import organizations


class ClientTable:
    """Reads and makes clients through one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._ledger = Ledger(engine)
        columns = clients.c
        named = (columns.organization_id == bindparam("organization"), columns.name == bindparam("client_name"))
        self._all = engine.prepare(
            select(
                organizations.c.name,
                columns.name,
                columns.client_id,
                columns.scopes,
                columns.user_id,
                columns.created_at,
                columns.last_used_at,
                columns.revoked_at,
            )
            .select_from(clients.join(organizations, organizations.c.id == columns.organization_id))
            .order_by(organizations.c.name, columns.id)
        )
        self._named = engine.prepare(select(columns.id).where(*named))
        self._last_id = engine.prepare(
            select(func.coalesce(func.max(columns.id), literal_column("0"))).where(
                columns.organization_id == bindparam("organization")
            )
        )
        self._insert = engine.prepare(insert(clients).values({each.name: bindparam(each.name) for each in columns}))
        self._revoke = engine.prepare(
            update(clients).where(*named, columns.revoked_at.is_(None)).values(revoked_at=bindparam("now"))
        )

    async def create(self, organization: OrganizationId, client: NewClient, now: Instant) -> None:
        """Store a client. Raises Refusal (conflict) if the organization has a client with that name, even revoked."""

        async def work(transaction: Transaction) -> None:
            await self._ledger.take(transaction, organization)
            named = {"organization": organization, "client_name": client.name}
            if await transaction.row(self._named, named) is not None:
                raise Refusal(
                    Code.CONFLICT,
                    f"there is a client {client.name!r} already, in force or revoked: choose another name",
                )
            row = await transaction.row(self._last_id, {"organization": organization})
            values = {
                "organization_id": organization,
                "id": row[0] + 1 if row else 1,
                "name": client.name,
                "client_id": client.client_id,
                "secret_digest": client.secret_digest,
                "refresh_digest": client.refresh_digest,
                "signing_key": client.signing_key,
                "scopes": " ".join(sorted(client.scopes)),
                "user_id": client.user_id,
                "created_at": int(now),
                "last_used_at": None,
                "revoked_at": None,
            }
            await transaction.run(self._insert, values)

        await self._engine.write(work)

    async def all(self) -> list[Client]:
        """Return every client, ordered by organization and creation."""
        return [
            Client(
                organization,
                name,
                client_id,
                frozenset(scopes.split()),
                user_id,
                Instant(created_at),
                None if last_used_at is None else Instant(last_used_at),
                None if revoked_at is None else Instant(revoked_at),
            )
            for (
                organization,
                name,
                client_id,
                scopes,
                user_id,
                created_at,
                last_used_at,
                revoked_at,
            ) in await self._engine.rows(self._all, {})
        ]

    async def revoke(self, organization: OrganizationId, name: str, now: Instant) -> bool:
        """Revoke a client with all its tokens; False if no valid client has that name."""

        async def work(transaction: Transaction) -> int:
            return await transaction.run(
                self._revoke, {"organization": organization, "client_name": name, "now": int(now)}
            )

        return await self._engine.write(work) > 0
