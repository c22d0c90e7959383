"""The sessions of a database that an identity provider began.

Owns the statements. Must not know what a provider is asked, or with what: that is encrypted.
"""

from typing import Any

from sqlalchemy import bindparam, delete, insert, literal_column, or_, select, update

from rowen.app.provided_sessions import ASKING_TIME, HeldGrant
from rowen.app.roles import Role
from rowen.app.sessions import IDLE_LIFETIME, SESSION_LIFETIME, SignInToken
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant
from rowen.store.engines.base import Engine, Transaction
from rowen.store.ledger.ledger import Ledger
from rowen.store.organizations.people import PersonTable
from rowen.store.schema.credential_tables import people, sessions


class ProvidedSessionTable:
    """Keeps the sessions of providers through one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._ledger = Ledger(engine)
        self._people = PersonTable(engine)
        held = sessions.c
        this = (held.organization_id == bindparam("organization"), held.digest == bindparam("digest"))
        self._insert = engine.prepare(insert(sessions).values({each.name: bindparam(each.name) for each in held}))
        self._claim = engine.prepare(
            update(sessions)
            .where(
                *this,
                held.confirmed_at == bindparam("known_at"),
                or_(held.asked_at.is_(None), held.asked_at <= bindparam("stale")),
            )
            .values(asked_at=bindparam("now"))
        )
        self._end_expired = engine.prepare(
            delete(sessions).where(
                held.organization_id == bindparam("organization"),
                or_(held.used_at <= bindparam("idle"), held.created_at <= bindparam("oldest")),
            )
        )
        self._grant = engine.prepare(select(held.held_grant, held.person_id).where(*this))
        self._confirm = engine.prepare(
            update(sessions)
            .where(*this)
            .values(confirmed_at=bindparam("now"), asked_at=literal_column("NULL"), held_grant=bindparam("new_grant"))
        )
        self._release = engine.prepare(update(sessions).where(*this).values(asked_at=literal_column("NULL")))
        self._set_role = engine.prepare(
            update(people)
            .where(
                people.c.organization_id == bindparam("organization"),
                people.c.id == bindparam("person"),
                people.c.role != bindparam("new_role"),
            )
            .values(role=bindparam("new_role"))
        )

    async def begin(
        self, organization: OrganizationId, user: int, role: Role, session: SignInToken, grant: HeldGrant, now: Instant
    ) -> bool:
        """Give a user the role that the provider says, and begin a session; False if the role was taken here."""

        async def work(transaction: Transaction) -> bool:
            await self._ledger.take(transaction, organization)
            if await self._people.is_revoked(transaction, organization, user):
                return False
            person = await self._people.give_role(transaction, organization, user, role, now)
            ended = {"organization": organization, "idle": now - IDLE_LIFETIME, "oldest": now - SESSION_LIFETIME}
            await transaction.run(self._end_expired, ended)
            values = {
                "organization_id": organization,
                "digest": session.digest,
                "person_id": person,
                "created_at": int(now),
                "used_at": int(now),
                "confirmed_at": int(now),
                "asked_at": None,
                "held_grant": grant.content,
            }
            await transaction.run(self._insert, values)
            return True

        return await self._engine.write(work)

    async def ask(self, session: SignInToken, confirmed_at: Instant, now: Instant) -> HeldGrant | None:
        """Return what a session asks the provider with, for one caller at a time; None for others meanwhile."""

        async def work(transaction: Transaction) -> HeldGrant | None:
            asked = {"known_at": int(confirmed_at), "stale": int(now) - ASKING_TIME, "now": int(now)}
            if not await transaction.run(self._claim, {**_key(session), **asked}):
                return None
            row = await transaction.row(self._grant, _key(session))
            return None if row is None else HeldGrant(None if row[0] is None else bytes(row[0]))

        return await self._engine.write(work)

    async def confirm(self, session: SignInToken, role: Role, grant: HeldGrant, now: Instant) -> None:
        """Store that the provider has confirmed a session, with the role that its person has now."""

        async def work(transaction: Transaction) -> None:
            row = await transaction.row(self._grant, _key(session))
            if row is None:
                return
            person = {"organization": session.organization, "person": row[1], "new_role": role.value}
            await transaction.run(self._set_role, person)
            await transaction.run(self._confirm, {**_key(session), "now": int(now), "new_grant": grant.content})

        await self._engine.write(work)

    async def release(self, session: SignInToken) -> None:
        """Store that the provider did not answer, so that the next caller asks."""

        async def work(transaction: Transaction) -> None:
            await transaction.run(self._release, _key(session))

        await self._engine.write(work)


def _key(token: SignInToken) -> dict[str, Any]:
    return {"organization": token.organization, "digest": token.digest}
