"""The text of bearer tokens: JSON Web Tokens (RFC 7519), signed by HMAC-SHA-256 (RFC 7515).

Owns their form, which is fixed: so their verification needs no library, and none of the attacks on a header that names
an algorithm (RFC 8725) can apply. `signature_of` in `app/tokens.py` is the algorithm that ours names. Must not know who
issues tokens, or what they allow.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, Final

import msgspec

from rowen.app.tokens import Claims, IssuerKind, SignedClaims, TokenGrant, signature_of
from rowen.interviews.interview import OrganizationId

_HEADER: Final = urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').decode()
_LONGEST: Final = 1_000  # characters; ours have about 200
_Row = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
_User = Annotated[str, msgspec.Meta(pattern=r"^[1-9][0-9]{0,15}$")]


class _Payload(msgspec.Struct, frozen=True, omit_defaults=True):
    organization: _Row
    kind: IssuerKind
    id: _Row
    iat: int
    exp: int
    sub: _User | None = None


def write(grant: TokenGrant) -> str:
    """Return the token of a grant."""
    organization, kind, identifier, issued, expires, user = grant.claims
    payload = _Payload(organization, kind, identifier, issued, expires, None if user is None else str(user))
    signed = f"{_HEADER}.{_encoded(msgspec.json.encode(payload))}"
    return f"{signed}.{_encoded(signature_of(signed.encode(), grant.signing_key))}"


def read(token: str) -> SignedClaims | None:
    """Return what a token says, which is not verified; None if it is not in the form of ours."""
    parts = token.split(".") if len(token) <= _LONGEST else []
    if len(parts) != 3 or parts[0] != _HEADER:
        return None
    try:
        payload = msgspec.json.decode(_decoded(parts[1]), type=_Payload)
        signature = _decoded(parts[2])
    except ValueError:  # raised for bad base64, bad JSON and bad values
        return None
    if _encoded(signature) != parts[2]:  # bits and characters that decoding ignores would give a token many spellings
        return None
    user = None if payload.sub is None else int(payload.sub)
    claims = Claims(OrganizationId(payload.organization), payload.kind, payload.id, payload.iat, payload.exp, user)
    return SignedClaims(claims, f"{parts[0]}.{parts[1]}".encode(), signature)


def _encoded(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "==")
