"""The cookies of the pages.

Owns their names and attributes. Must not know what a session is.

Over HTTPS the session's cookie has the prefix `__Host-`, so that no other site, not even one of the same domain, can
set it. Over plain HTTP a browser need not accept such a cookie (Chromium does, on this machine; Safari does not), and
cookies do not know ports: its name then ends with the port, so that two servers on one machine do not sign each other
out. Plain HTTP is for this machine only; see docs/decisions/0038.
"""

from typing import Final, NamedTuple
from urllib.parse import urlsplit

from rowen.http.addresses import RequestHeaders

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_SESSION: Final = "rowen"
ZONE: Final = "rowen_zone"
LANGUAGE: Final = "rowen_language"
_YEAR: Final = 365 * 24 * 3_600


class Cookie(NamedTuple):
    """A cookie to be set: an empty value deletes it."""

    name: str
    value: str
    seconds: int
    secure: bool

    @property
    def header(self) -> tuple[bytes, bytes]:
        """The header that sets it."""
        lifetime = self.seconds if self.value else 0
        text = f"{self.name}={self.value}; Path=/; Max-Age={lifetime}; HttpOnly; SameSite=Lax"
        return b"set-cookie", (f"{text}; Secure" if self.secure else text).encode()


def session_cookie(origin: str, value: str, seconds: int) -> Cookie | None:
    """Return the cookie of a session at an origin; None over plain HTTP between machines, where it could be read."""
    name = session_name(origin)
    return None if name is None else Cookie(name, value, seconds, is_secure(origin))


def session_name(origin: str) -> str | None:
    """Return the name of the session's cookie at an origin; None where there can be no session."""
    if is_secure(origin):
        return f"__Host-{_SESSION}"
    parts = urlsplit(origin)
    return f"{_SESSION}_{parts.port or 80}" if parts.hostname in _LOOPBACK else None


def preference(origin: str, name: str, value: str) -> Cookie:
    """Return the cookie of a preference, which is kept for a year."""
    return Cookie(name, value, _YEAR, is_secure(origin))


def is_secure(origin: str) -> bool:
    """Return whether an origin has HTTPS."""
    return origin.startswith("https:")


def read_cookie(headers: RequestHeaders, name: str) -> str:
    """Return a cookie of a request; empty if it has none, or several of that name."""
    found = []
    for part in headers.get(b"cookie", b"").split(b";"):
        key, _, value = part.strip().partition(b"=")
        if key == name.encode():
            found.append(str(value, "latin-1"))
    return found[0] if len(found) == 1 else ""
