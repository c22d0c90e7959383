"""The cookies of the pages.

Owns their names and attributes. Must not know what a session is.

Over HTTPS the session's cookie has the prefix `__Host-`, so that no other site, not even one of the same domain, can
set it. Over plain HTTP a browser need not accept such a cookie (Chromium does, on this machine; Safari does not), and
cookies do not know ports: its name then ends with the port, so that two servers on one machine do not sign each other
out. Plain HTTP is for this machine only; see docs/decisions/0038.
"""

import re
from typing import Final, NamedTuple
from urllib.parse import quote, unquote, urlsplit

from rowen.http.addresses import RequestHeaders

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_SESSION: Final = "rowen"
ZONE: Final = "rowen_zone"
DEVICE_ZONE: Final = "rowen_device_zone"
"""The cookie in which `device.js` keeps the time zone of the device."""

LANGUAGE: Final = "rowen_language"
_WAY_BACK: Final = "rowen_back"
VIEW: Final = "rowen_view"
MESSAGE: Final = "rowen_message"
_YEAR: Final = 365 * 24 * 3_600
_HOUR: Final = 3_600
_MESSAGE_SECONDS: Final = 30
_ATTEMPT_SECONDS: Final = 600
_PATH: Final = re.compile(r"/(?![/\\])[!-\[\]-~]{0,1000}")
"""A path of this server with a query: of printable ASCII, and no address of another host, as `//host` would be."""


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


def message(origin: str, key: str) -> Cookie:
    """Return the cookie of a message that the next page shows once; empty text deletes it."""
    return Cookie(MESSAGE, key, _MESSAGE_SECONDS, is_secure(origin))


def way_back(origin: str, path: str) -> Cookie:
    """Return the cookie that leads back to a path after signing in; empty text deletes it."""
    kept = path if _PATH.fullmatch(path) else ""
    return Cookie(_WAY_BACK, quote(kept, safe=""), _HOUR, is_secure(origin))


def read_way_back(headers: RequestHeaders) -> str:
    """Return the path to return to after signing in: one of this server, or else the start page."""
    path = unquote(read_cookie(headers, _WAY_BACK))
    return own_path(path)


def own_path(path: str) -> str:
    """Return a path of this server, as a form or a cookie names it; `/` for anything else."""
    return path if _PATH.fullmatch(path) else "/"


def attempt(origin: str, secret: str) -> Cookie:
    """Return the cookie of an attempt to sign in at a provider; empty text deletes it."""
    return Cookie(_attempt_name(origin), secret, _ATTEMPT_SECONDS, is_secure(origin))


def read_attempt(headers: RequestHeaders, origin: str) -> str:
    """Return the secret of an attempt; empty if there is none."""
    return read_cookie(headers, _attempt_name(origin))


def _attempt_name(origin: str) -> str:
    return f"{session_name(origin) or _SESSION}_oidc"


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
