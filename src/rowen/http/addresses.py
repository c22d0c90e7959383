"""Who is calling, and how they address us.

Owns reading the scheme, the host and the caller from a request, behind a proxy too. Must not know what is asked.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from ipaddress import ip_address
from typing import Final

from starlette.types import Scope

RequestHeaders = Mapping[bytes, bytes]
"""The headers of a request, by lower-case name."""

_HOST: Final = re.compile(rb"[A-Za-z0-9._\-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")
_SCHEMES: Final = {b"http": "http", b"https": "https"}


def joined_headers(scope: Scope) -> RequestHeaders:
    """Return the headers; one that came several times has its values joined by commas (RFC 9110 section 5.3)."""
    found: list[tuple[bytes, bytes]] = scope["headers"]
    headers = dict(found)
    if len(headers) != len(found):
        for name in headers:
            headers[name] = b", ".join([value for each, value in found if each == name])
    return headers


def scheme(scope: Scope, headers: RequestHeaders) -> str:
    """Return the scheme that the client used, as its proxy tells if there is one."""
    forwarded = headers.get(b"x-forwarded-proto")
    if forwarded is not None:
        forwarded = forwarded.partition(b",")[0].strip().lower()
    return _SCHEMES.get(forwarded or b"") or str(scope["scheme"])


def origin(scope: Scope, headers: RequestHeaders) -> str:
    """Return `scheme://host` as the client addressed it; our own address where it sent no usable host."""
    host = _host(headers.get(b"host", b""))
    if not host:
        name, port = scope.get("server") or ("127.0.0.1", None)
        host = f"[{name}]" if ":" in name else name
        if port:
            host = f"{host}:{port}"
    return f"{scheme(scope, headers)}://{host}"


@lru_cache(maxsize=256)
def _host(value: bytes) -> str:
    """Return a `Host` that is one; it goes into links, where anything else could do harm."""
    return value.decode() if _HOST.fullmatch(value) else ""


def is_loopback(scope: Scope) -> bool:
    """Tell whether the connection comes from this machine."""
    client = scope.get("client")
    return client is not None and ip_address(client[0]).is_loopback
