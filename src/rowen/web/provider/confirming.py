"""Confirming the sessions that a provider began, while they last.

Owns what becomes of a session whose provider refuses, has another role for the person, or does not answer. Must not
know how a provider is asked, or pages.
"""

import structlog

from rowen.app.provided_sessions import CONFIRM_INTERVAL, LONGEST_UNCONFIRMED, HeldGrant, ProvidedSessions
from rowen.app.sessions import Sessions, SignInSession, SignInToken
from rowen.interviews.errors import Unavailable
from rowen.interviews.moments import Clock, Instant
from rowen.web.provider.client import Provider, ProviderRefusedError
from rowen.web.provider.fetching import ProviderDownError
from rowen.web.provider.secrets import Grant, seal, unseal

_log = structlog.stdlib.get_logger("rowen.web")


class ProviderConfirmer:
    """Asks the provider about sessions."""

    def __init__(self, sessions: Sessions, provided: ProvidedSessions, provider: Provider, now: Clock) -> None:
        self._sessions = sessions
        self._provided = provided
        self._provider = provider
        self._now = now

    async def confirmed(self, session: SignInSession, token: SignInToken, secret: str) -> SignInSession | None:
        """Return a session as the provider says it is; None if it has ended.

        Raises Unavailable if the provider does not answer, and has not confirmed the session for too long.
        """
        if session.confirmed_at is None:
            return session
        now = self._now()
        if now - session.confirmed_at < CONFIRM_INTERVAL:
            return session
        if session.person.organization.name != self._provider.settings.organization:
            return None
        held = await self._provided.ask(token, session.confirmed_at, now)
        if held is None:  # another request asks at this moment
            return self._unconfirmed(session, session.confirmed_at, now)
        return await self._ask(session, token, secret, held)

    async def _ask(
        self, session: SignInSession, token: SignInToken, secret: str, held: HeldGrant
    ) -> SignInSession | None:
        now, confirmed_at = self._now(), session.confirmed_at or Instant(0)
        if held.content is None:  # the provider gave nothing to ask with: the person signs in again
            if now - confirmed_at < LONGEST_UNCONFIRMED:
                await self._provided.release(token)
                return session
            await self._end(token, "the provider gave no refresh token")
            return None
        grant = unseal(held.content, secret)
        if grant is None:
            await self._end(token, "its grant cannot be read")
            return None
        try:
            signed = await self._provider.refresh(grant)
        except ProviderRefusedError as refusal:
            await self._end(token, str(refusal))
            return None
        except ProviderDownError as error:
            _log.warning("session not confirmed", reason=str(error))
            await self._provided.release(token)
            return self._unconfirmed(session, confirmed_at, now)
        if signed.role is None:
            await self._end(token, "no group of the person has a role")
            return None
        newer = Grant(signed.refresh_token or grant.refresh_token, grant.subject)
        await self._provided.confirm(token, signed.role, HeldGrant(seal(newer, secret)), now)
        if signed.role is not session.person.role:
            return await self._sessions.find(token, now)
        return session._replace(confirmed_at=now)

    def _unconfirmed(self, session: SignInSession, confirmed_at: Instant, now: Instant) -> SignInSession:
        if now - confirmed_at >= LONGEST_UNCONFIRMED:
            raise Unavailable("the identity provider has not confirmed the session")
        return session

    async def _end(self, token: SignInToken, reason: str) -> None:
        _log.info("session ended by the provider", reason=reason)
        await self._sessions.sign_out(token)
