"""The people of a database who sign in, their links and their sessions.

Owns their rows. Must not know a secret itself: only its digest. Every statement names the organization, which a secret
begins with.
"""

from typing import Any, Final

from sqlalchemy import Select, and_, bindparam, delete, func, insert, literal_column, or_, select, update
from sqlalchemy.sql.elements import BindParameter

from rowen.app.organizations import Organization
from rowen.app.records import USERS, RecordCodec
from rowen.app.roles import Role
from rowen.app.sessions import (
    IDLE_LIFETIME,
    LINK_LIFETIME,
    SESSION_LIFETIME,
    InvitedPerson,
    PersonAccess,
    SignInLink,
    SignInSession,
    SignInToken,
)
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant
from rowen.interviews.people import User
from rowen.store.engines.base import Engine, Row, Transaction, constant
from rowen.store.ledger.ledger import COLUMNS, Ledger, organization_of
from rowen.store.organizations.people import PersonTable
from rowen.store.schema.credential_tables import people, sessions, sign_in_links
from rowen.store.schema.tables import organizations, records

_ORGANIZATION: Final[BindParameter[Any]] = bindparam("organization")
_PERSON: Final = (people.c.id, people.c.user_id, people.c.role, records.c.document)
_WITH_USER: Final = and_(
    records.c.organization_id == people.c.organization_id,
    records.c.resource == constant(USERS),
    records.c.id == people.c.user_id,
)


class SessionTable:
    """Keeps people, links and sessions through one engine."""

    def __init__(self, engine: Engine, codec: RecordCodec) -> None:
        self._engine = engine
        self._codec = codec
        self._ledger = Ledger(engine)
        self._people = PersonTable(engine)
        self._prepare_people(engine)
        self._prepare_links(engine)
        self._prepare_sessions(engine)

    def _prepare_people(self, engine: Engine) -> None:
        own = people.c
        of_user = (own.organization_id == _ORGANIZATION, own.user_id == bindparam("user"))
        self._take = engine.prepare(
            update(people).where(*of_user, own.revoked_at.is_(None)).values(revoked_at=bindparam("now"))
        )
        self._first_of = engine.prepare(
            select(own.id)
            .where(own.organization_id == _ORGANIZATION, own.role == bindparam("role"), own.revoked_at.is_(None))
            .order_by(own.id)
            .limit(literal_column("1"))
        )
        self._everybody = engine.prepare(_everybody())
        self._own = engine.prepare(_everybody().where(own.organization_id == _ORGANIZATION))

    def _prepare_links(self, engine: Engine) -> None:
        links = sign_in_links.c
        this_link = (links.organization_id == _ORGANIZATION, links.digest == bindparam("digest"))
        works = (links.used_at.is_(None), links.expires_at > bindparam("now"))
        self._insert_link = engine.prepare(_insertion(sign_in_links))
        self._link = engine.prepare(
            select(*_PERSON, *COLUMNS, links.person_id)
            .select_from(
                sign_in_links.join(organizations, organizations.c.id == links.organization_id)
                .outerjoin(people, _active_person(links))
                .outerjoin(records, _WITH_USER)
            )
            .where(*this_link, organizations.c.id == _ORGANIZATION, *works)
        )
        self._linked = engine.prepare(select(links.person_id).where(*this_link, *works))
        self._use_link = engine.prepare(update(sign_in_links).where(*this_link).values(used_at=bindparam("now")))
        self._end_links = engine.prepare(
            delete(sign_in_links).where(
                links.organization_id == _ORGANIZATION,
                or_(links.person_id == bindparam("person"), links.expires_at <= bindparam("now")),
            )
        )
        self._end_first_links = engine.prepare(
            delete(sign_in_links).where(links.organization_id == _ORGANIZATION, links.person_id.is_(None))
        )

    def _prepare_sessions(self, engine: Engine) -> None:
        held = sessions.c
        this_session = (held.organization_id == _ORGANIZATION, held.digest == bindparam("digest"))
        self._insert_session = engine.prepare(_insertion(sessions))
        self._session = engine.prepare(_session_statement().where(*this_session, organizations.c.id == _ORGANIZATION))
        self._used = engine.prepare(update(sessions).where(*this_session).values(used_at=bindparam("now")))
        self._end_session = engine.prepare(delete(sessions).where(*this_session))
        self._end_sessions = engine.prepare(
            delete(sessions).where(held.organization_id == _ORGANIZATION, held.person_id == bindparam("person"))
        )
        self._end_expired = engine.prepare(
            delete(sessions).where(
                held.organization_id == _ORGANIZATION,
                or_(held.used_at <= bindparam("idle"), held.created_at <= bindparam("oldest")),
            )
        )

    async def invite(
        self, organization: OrganizationId, user: int, role: Role, link: SignInToken, now: Instant
    ) -> None:
        """Give a user a role, in place of another one, and store a link that signs the user in; older links end."""

        async def work(transaction: Transaction) -> None:
            await self._ledger.take(transaction, organization)
            person = await self._people.give_role(transaction, organization, user, role, now)
            older = {"organization": organization, "person": person, "now": int(now)}
            await transaction.run(self._end_links, older)
            await self._add_link(transaction, link, person, now)

        await self._engine.write(work)

    async def change_role(self, organization: OrganizationId, user: int, role: Role, now: Instant) -> None:
        """Give a user a role, in place of another one; links and sessions stay."""

        async def work(transaction: Transaction) -> None:
            await self._ledger.take(transaction, organization)
            await self._people.give_role(transaction, organization, user, role, now)

        await self._engine.write(work)

    async def invite_first(self, organization: OrganizationId, link: SignInToken, now: Instant) -> bool:
        """Store a link for the first admin; False if the organization has people already. An older link ends."""

        async def work(transaction: Transaction) -> bool:
            await self._ledger.take(transaction, organization)
            if await self._people.last_id(transaction, organization):
                return False
            await transaction.run(self._end_first_links, {"organization": organization})
            await self._add_link(transaction, link, None, now)
            return True

        return await self._engine.write(work)

    async def link(self, link: SignInToken, now: Instant) -> SignInLink | None:
        """Return a link; None if it is unknown, expired or used."""
        row = await self._engine.row(self._link, {**_key(link), "now": int(now)})
        if row is None:
            return None
        *columns, person_id = row
        organization = organization_of(columns[len(_PERSON) :])
        if person_id is None:
            return SignInLink(organization, None)
        person = self._person_of(columns, organization)
        return None if person is None else SignInLink(organization, person)

    async def sign_in(
        self, link: SignInToken, session: SignInToken, now: Instant, first_user: int | None = None
    ) -> bool:
        """Use a link, and begin a session; False if the link does not work."""
        organization = link.organization

        async def work(transaction: Transaction) -> bool:
            await self._ledger.take(transaction, organization)  # of two that use a link, the second finds it used
            row = await transaction.row(self._linked, {**_key(link), "now": int(now)})
            if row is None or (row[0] is None) != (first_user is not None):
                return False
            person = row[0]
            if first_user is not None:
                person = await self._people.give_role(transaction, organization, first_user, Role.ADMIN, now)
            await transaction.run(self._use_link, {**_key(link), "now": int(now)})
            await self._begin(transaction, session, person, now)
            return True

        return await self._engine.write(work)

    async def sign_in_as(self, organization: OrganizationId, role: Role, session: SignInToken, now: Instant) -> bool:
        """Begin a session of the first person with a role, without a link. False if there is none."""

        async def work(transaction: Transaction) -> bool:
            row = await transaction.row(self._first_of, {"organization": organization, "role": role.value})
            if row is None:
                return False
            await self._begin(transaction, session, row[0], now)
            return True

        return await self._engine.write(work)

    async def find(self, session: SignInToken, now: Instant) -> SignInSession | None:
        """Return a session; None if it is unknown, has ended, or its person may no longer sign in."""
        row = await self._engine.row(self._session, _key(session))
        if row is None:
            return None
        *columns, created_at, used_at, confirmed_at = row
        if created_at + SESSION_LIFETIME <= now or used_at + IDLE_LIFETIME <= now:
            return None
        person = self._person_of(columns, organization_of(columns[len(_PERSON) :]))
        confirmed = None if confirmed_at is None else Instant(confirmed_at)
        return None if person is None else SignInSession(person, Instant(used_at), confirmed)

    async def record_use(self, session: SignInToken, now: Instant) -> None:
        """Store when a session was last used."""

        async def work(transaction: Transaction) -> None:
            await transaction.run(self._used, {**_key(session), "now": int(now)})

        await self._engine.write(work)

    async def sign_out(self, session: SignInToken) -> None:
        """End a session."""

        async def work(transaction: Transaction) -> None:
            await transaction.run(self._end_session, _key(session))

        await self._engine.write(work)

    async def sign_out_everywhere(self, organization: OrganizationId, person: int) -> None:
        """End all sessions of a person."""

        async def work(transaction: Transaction) -> None:
            await transaction.run(self._end_sessions, {"organization": organization, "person": person})

        await self._engine.write(work)

    async def revoke(self, organization: OrganizationId, user: int, now: Instant) -> bool:
        """Take a user's role, and end all sessions and links; False if the user has no role."""

        async def work(transaction: Transaction) -> bool:
            await self._ledger.take(transaction, organization)
            one = {"organization": organization, "user": user}
            if not await transaction.run(self._take, {**one, "now": int(now)}):
                return False
            known = await self._people.id_of(transaction, organization, user)
            person = {"organization": organization, "person": known or 0}
            await transaction.run(self._end_sessions, person)
            await transaction.run(self._end_links, {**person, "now": int(now)})
            return True

        return await self._engine.write(work)

    async def people(self, organization: OrganizationId | None = None) -> list[InvitedPerson]:
        """Return everybody who can or could sign in, of one or every organization, ordered by it and by invitation."""
        if organization is None:
            rows = await self._engine.rows(self._everybody, {})
        else:
            rows = await self._engine.rows(self._own, {"organization": organization})
        return [self._invited(row) for row in rows]

    def _invited(self, row: Row) -> InvitedPerson:
        organization, user_id, role, revoked_at, document, count, used_at = row
        user = User(id=user_id) if document is None else self._codec.user(document)
        return InvitedPerson(
            organization,
            user_id,
            user.name,
            user.email,
            Role(role),
            count,
            None if used_at is None else Instant(used_at),
            None if revoked_at is None else Instant(revoked_at),
        )

    def _person_of(self, row: Row, organization: Organization) -> PersonAccess | None:
        """Return the person of a row that begins with `_PERSON`; None if the user is gone or disabled."""
        identifier, _, role, document = row[: len(_PERSON)]
        if identifier is None:
            return None
        user = None if document is None else self._codec.user(document)
        return None if user is None or user.disabled else PersonAccess(identifier, user, Role(role), organization)

    async def _add_link(self, transaction: Transaction, link: SignInToken, person: int | None, now: Instant) -> None:
        values = {
            "organization_id": link.organization,
            "digest": link.digest,
            "person_id": person,
            "created_at": int(now),
            "expires_at": int(now) + LINK_LIFETIME,
            "used_at": None,
        }
        await transaction.run(self._insert_link, values)

    async def _begin(self, transaction: Transaction, session: SignInToken, person: int, now: Instant) -> None:
        """Begin a session, and delete those that have expired."""
        ended = {"organization": session.organization, "idle": now - IDLE_LIFETIME, "oldest": now - SESSION_LIFETIME}
        await transaction.run(self._end_expired, ended)
        values = {
            "organization_id": session.organization,
            "digest": session.digest,
            "person_id": person,
            "created_at": int(now),
            "used_at": int(now),
            "confirmed_at": None,
            "asked_at": None,
            "held_grant": None,
        }
        await transaction.run(self._insert_session, values)


def _key(token: SignInToken) -> dict[str, Any]:
    return {"organization": token.organization, "digest": token.digest}


def _insertion(table: Any) -> Any:
    return insert(table).values({column.name: bindparam(column.name) for column in table.c})


def _active_person(columns: Any) -> Any:
    """Return the criterion that a row of `people` is that of a link or a session, and may sign in."""
    return and_(
        people.c.organization_id == columns.organization_id,
        people.c.id == columns.person_id,
        people.c.revoked_at.is_(None),
    )


def _session_statement() -> Select[Any]:
    return select(*_PERSON, *COLUMNS, sessions.c.created_at, sessions.c.used_at, sessions.c.confirmed_at).select_from(
        sessions.join(organizations, organizations.c.id == sessions.c.organization_id)
        .join(people, _active_person(sessions.c))
        .join(records, _WITH_USER)
    )


def _everybody() -> Select[Any]:
    """Return a row for each person: the organization's name, the person, the user, and how many sessions are used."""
    mine = and_(sessions.c.organization_id == people.c.organization_id, sessions.c.person_id == people.c.id)
    count = select(func.count()).where(mine).correlate(people).scalar_subquery()
    used_at = select(func.max(sessions.c.used_at)).where(mine).correlate(people).scalar_subquery()
    return (
        select(
            organizations.c.name,
            people.c.user_id,
            people.c.role,
            people.c.revoked_at,
            records.c.document,
            count,
            used_at,
        )
        .select_from(
            people.join(organizations, organizations.c.id == people.c.organization_id).outerjoin(records, _WITH_USER)
        )
        .order_by(organizations.c.name, people.c.id)
    )
