"""Conditional reads (RFC 9110 sections 8.8.3 and 13.1.2).

Owns what an ETag is made of and when a client's copy is still good. Must not know what it is a copy of.
"""

from hashlib import blake2b
from typing import Final

from rowen import __version__
from rowen.app.ports import Organization

_SEED: Final = __version__.encode()  # another version may write another answer


def list_etag(organization: Organization, address: str) -> str:
    """Return the tag of whatever an address lists, true for one revision of the organization.

    Weak: compressed or not, the answer means the same. The times keep a database that was restored, or made anew,
    from reaching an old tag again.
    """
    ledger = (organization.id, int(organization.created_at), organization.revision, int(organization.last_updated_at))
    text = f"{ledger} {address}"
    return f'W/"{blake2b(text.encode(), digest_size=16, key=_SEED).hexdigest()}"'


def document_etag(document: bytes) -> str:
    """Return the tag of one document: strong, for its very bytes."""
    return f'"{blake2b(document, digest_size=16, key=_SEED).hexdigest()}"'


def matches(if_none_match: str, etag: str) -> bool:
    """Tell whether an `If-None-Match` header names the tag, by weak comparison."""
    if if_none_match.strip() == "*":
        return True
    wanted = etag.removeprefix("W/")
    return any(candidate.strip().removeprefix("W/") == wanted for candidate in if_none_match.split(","))


def still_holds(if_match: str, etag: str) -> bool:
    """Tell whether an `If-Match` header names the tag, by strong comparison."""
    if if_match.strip() == "*":
        return True
    return any(candidate.strip() == etag for candidate in if_match.split(","))
