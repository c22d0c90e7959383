"""Conditional requests (RFC 9110 sections 8.8.3 and 13.1).

Owns what an ETag is made of, and the headers by which a client names the copy that it has. Must not know what a
copy holds: a tag is made of the bytes of a document, or of the revision of an organization.
"""

from hashlib import blake2b
from typing import Final

from rowen import __version__
from rowen.api.parameters import Parameter
from rowen.api.schemas import TEXT
from rowen.app.organizations import Organization

# Any text is valid: a value that is not a tag matches no copy.
IF_NONE_MATCH: Final = Parameter("If-None-Match", "The `ETag` of the copy that the client has", TEXT)
IF_MATCH: Final = Parameter(
    "If-Match", "The `ETag` of the version to change; any other version is left alone, and the answer is 412", TEXT
)

_SEED: Final = __version__.encode()  # another version may answer differently


def list_etag(organization: Organization, address: str) -> str:
    """Return the tag of the list at an address, valid for one revision of the organization.

    Weak: compressed or not, the response means the same. The times prevent a restored or recreated database from
    reaching an old tag again.
    """
    ledger = (organization.id, int(organization.created_at), organization.revision, int(organization.last_updated_at))
    text = f"{ledger} {address}"
    return f'W/"{blake2b(text.encode(), digest_size=16, key=_SEED).hexdigest()}"'


def document_etag(document: bytes) -> str:
    """Return the strong tag of one document."""
    return f'"{blake2b(document, digest_size=16, key=_SEED).hexdigest()}"'


def matches(if_none_match: str, etag: str) -> bool:
    """Return whether an `If-None-Match` header names the tag, by weak comparison."""
    if if_none_match.strip() == "*":
        return True
    wanted = etag.removeprefix("W/")
    return any(candidate.strip().removeprefix("W/") == wanted for candidate in if_none_match.split(","))


def still_holds(if_match: str, etag: str) -> bool:
    """Return whether an `If-Match` header names the tag, by strong comparison."""
    if if_match.strip() == "*":
        return True
    return any(candidate.strip() == etag for candidate in if_match.split(","))
