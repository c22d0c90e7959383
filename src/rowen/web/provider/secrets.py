"""The secrets of signing in at a provider: of one attempt, and of a session afterwards.

Owns how they are made of one random text that only the browser keeps, so that nothing has to be stored here, or only
encrypted. Must not know requests or pages.
"""

import hmac
from base64 import urlsafe_b64encode
from hashlib import sha256
from secrets import token_bytes, token_urlsafe
from typing import Final, NamedTuple

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_SECRET_BYTES: Final = 32
_NONCE_BYTES: Final = 12


class Attempt(NamedTuple):
    """One attempt to sign in: what comes back (`state`), what the id token holds (`nonce`), and PKCE's verifier."""

    state: str
    nonce: str
    verifier: str


class Grant(msgspec.Struct, frozen=True):
    """What a session asks its provider with: the refresh token, and the person's `sub`, who must stay the same."""

    refresh_token: str
    subject: str


def new_attempt() -> str:
    """Return the random text of an attempt, for a cookie."""
    return token_urlsafe(_SECRET_BYTES)


def attempt_of(secret: str) -> Attempt:
    """Return the attempt that a text stands for."""
    return Attempt(*(_derived(secret, purpose) for purpose in ("state", "nonce", "verifier")))


def seal(grant: Grant, session: str) -> bytes:
    """Encrypt a grant with the secret of its session, which only the browser has."""
    nonce = token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(_key(session)).encrypt(nonce, msgspec.json.encode(grant), None)


def unseal(content: bytes, session: str) -> Grant | None:
    """Decrypt a grant; None if it was not encrypted with the secret of this session."""
    try:
        plain = AESGCM(_key(session)).decrypt(content[:_NONCE_BYTES], content[_NONCE_BYTES:], None)
        return msgspec.json.decode(plain, type=Grant)
    except (InvalidTag, ValueError, msgspec.DecodeError):
        return None


def _derived(secret: str, purpose: str) -> str:
    digest = hmac.digest(secret.encode("utf-8", "replace"), f"rowen oidc {purpose}".encode(), sha256)
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def _key(session: str) -> bytes:
    return hmac.digest(session.encode("latin-1"), b"rowen grant", sha256)
