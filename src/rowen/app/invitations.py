"""Inviting people to sign in.

Owns who is invited: the user with an e-mail address, who is added if there is none. Must not know how a link is passed
on, or SQL.
"""

from typing import NamedTuple

from rowen.app.organizations import Organization
from rowen.app.records import USERS
from rowen.app.roles import Role
from rowen.app.sessions import Sessions, new_token
from rowen.app.unit_of_work import UnitOfWork, UnitOfWorks, WriteResult
from rowen.app.users import UserCodec
from rowen.interviews.changes import Actor, ActorKind
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.moments import Instant
from rowen.interviews.people import User, UserFields, fold
from rowen.interviews.scheduling import UNSET


class Inviting(NamedTuple):
    """The ports of inviting."""

    sessions: Sessions
    writing: UnitOfWorks
    codec: UserCodec


async def invite(ports: Inviting, organization: Organization, fields: UserFields, role: Role, now: Instant) -> str:
    """Give the user with an e-mail address a role, and return the secret of a link that signs the user in.

    Raises Refusal as `known_user` does.
    """
    user = await known_user(ports, organization, fields)
    secret, link = new_token(organization.id)
    await ports.sessions.invite(organization.id, user.id, role, link, now)
    return secret


async def known_user(ports: Inviting, organization: Organization, fields: UserFields) -> User:
    """Return the user with an e-mail address, added if there is none.

    Raises Refusal: conflict, if several have it; read-only, if a mirror lacks it; invalid, for problems of the fields.
    """

    async def work(unit: UnitOfWork) -> WriteResult:
        found = () if fields.email is UNSET else await unit.users_by_email(fold(fields.email))
        if len(found) > 1:
            numbers = ", ".join(str(each.id) for each in found)
            raise Refusal(Code.CONFLICT, f"several users have the address {fields.email}: {numbers}")
        if found:
            record = await unit.record(USERS, found[0].id)
            return WriteResult(record.document or b"" if record else b"")
        if organization.mirrored_from is not None:
            raise Refusal(Code.READ_ONLY, f"no user has the address {fields.email}, and a mirror takes no new ones")
        row = codec.new(await unit.new_record_id(USERS), fields, await unit.begin_change())
        await unit.record_change(None, row, Actor(ActorKind.OPERATOR))
        return WriteResult(row.document or b"")

    codec = ports.codec
    return codec.user((await ports.writing.write(organization, work)).body)


async def invite_first(sessions: Sessions, organization: Organization, now: Instant) -> str | None:
    """Return the secret of a link for the first admin; None if the organization has people already."""
    secret, link = new_token(organization.id)
    return secret if await sessions.invite_first(organization.id, link, now) else None
