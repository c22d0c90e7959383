"""A request as handlers get it: authorised, with its body.

Owns its type. Must not know how it arrived, or how its key was checked.
"""

from collections.abc import Mapping
from typing import NamedTuple

from rowen.api.headers.conditional import matches, still_holds
from rowen.api.identifiers import read_identifier
from rowen.app.organizations import Organization
from rowen.interviews.errors import Code, Refusal


class ApiRequest(NamedTuple):
    """An authorised request.

    `identifiers` are the texts in the path, by the names in braces. `address` is the URL without its query,
    as the client should see it; `query` is the query string, still encoded; `headers` are by lower-case name; `body`
    is empty for reads. `acting_user` is the user whom a token of v3 names, or of a session; `permissions` are those
    of the key, the token or the session.
    """

    organization: Organization
    key_id: int
    key_name: str
    method: str
    identifiers: Mapping[str, str]
    address: str
    query: str
    headers: Mapping[bytes, bytes]
    body: bytes = b""
    acting_user: int | None = None
    permissions: frozenset[str] = frozenset()

    def header(self, name: bytes) -> str:
        """Return a header's value, stripped; empty if the client did not send it."""
        return str(self.headers.get(name, b""), "latin-1").strip()

    def identifier(self, name: str = "id") -> int:
        """Return an id in the path, by its name there. Raises Refusal (not found) if it is not a valid id."""
        identifier = read_identifier(self.identifiers[name])
        if identifier is None:
            raise Refusal(Code.NOT_FOUND)
        return identifier

    def require_version(self, etag: str) -> None:
        """Raise Refusal (stale) if `If-Match` names another version than the one with this tag."""
        if b"if-match" in self.headers and not still_holds(self.header(b"if-match"), etag):
            raise Refusal(Code.STALE)

    def has_copy(self, etag: str) -> bool:
        """Return whether the client has the version with this tag (`If-None-Match`, RFC 9110 section 13.1.2)."""
        header = self.headers.get(b"if-none-match")
        return header is not None and matches(str(header, "latin-1"), etag)
